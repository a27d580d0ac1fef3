#!/bin/sh
# Collect at start, then by the schedule of ./crontab: BusyBox's crond as root with next
# to no capabilities, its jobs as an unprivileged user. SIGTERM lets a run end in order.
set -eu
user=klineboard

# logs/ is mounted and belongs to whoever cloned the project: to root here, to some user
# there. So everybody may write to it. No sticky bit: with it, Linux forbids opening
# another one's file in such a folder (fs.protected_regular), and neither the containers
# nor make run could continue or rotate what the other began.
chmod -R a+rwX "$LOG_DIR" ||
  echo "cron: $LOG_DIR stays as it is; where it is not writable, logs go here only" >&2

# crond obeys only crontabs that root owns and that are named after their user; the
# mounted file may belong to anybody.
mkdir -p /run/crontabs
cp crontab "/run/crontabs/$user"

# Not crond's @reboot: Debian's BusyBox 1.37 crashes where it reads that word.
docker/collect.sh &
busybox crond -f -c /run/crontabs -L /dev/stderr &
crond=$!
echo "$crond" >/run/crond.pid

stop() {
  trap '' TERM INT
  kill "$crond"
  # -1 is every process that the user may signal: the runs, and nothing else.
  setpriv --reuid "$user" --regid "$user" --init-groups sh -c 'kill -TERM -1' || true
}
trap stop TERM INT
wait "$crond" && code=0 || code=$?
# crond's runs are no children of this shell, so it cannot wait for them. Docker ends
# what takes longer than stop_grace_period; a run that is killed loses nothing.
while find /proc -maxdepth 1 -user "$user" 2>/dev/null | grep -q .; do sleep 0.1; done
exit "$code"
