#!/bin/bash
# Collect once. The lines go to the container's log and to cron.log, which is kept below
# about 10 MB; the exit code is the collector's.
set -u
log=$LOG_DIR/cron.log
# The health check sees by this file that the schedule is alive.
touch /tmp/last-run
if [ "$(stat -c %s "$log" 2>/dev/null || echo 0)" -gt 5000000 ]; then
  mv -f "$log" "$log.1"
fi
if ! (: >>"$log") 2>/dev/null; then
  echo "cron: $log is not writable for user $(id -u); see only the container's log"
  log=/dev/null
fi

run() {
  python get_kline_data.py
  code=$?
  echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) cron: the run ended with exit code $code"
  return "$code"
}

# The order to stop reaches this script, tee and the collector at once: the collector
# ends in order, and the other two stay for its last lines.
trap : TERM
set -o pipefail
run 2>&1 | (trap '' TERM; exec tee -a "$log")
