#!/bin/bash
# Collect once; options are those of get_kline_data.py. The lines go to the container's
# log and to cron.log, which is kept below about 10 MB; the exit code is the collector's.
set -uo pipefail
umask 0
# docker compose exec comes as root, to whom the data do not belong.
if [ "$(id -u)" = 0 ]; then
  HOME=/app exec setpriv --reuid klineboard --regid klineboard --init-groups "$0" "$@"
fi
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

# The order to stop reaches the collector, this script and tee at once: the collector
# ends in order, and the others stay for its last lines.
run() {
  trap : TERM
  python get_kline_data.py "$@"
  code=$?
  echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) cron: the run ended with exit code $code"
  return "$code"
}
trap : TERM
run "$@" 2>&1 | (trap '' TERM; exec tee -a "$log")
