#!/bin/sh
# Kubernetes runs this before it stops an executor: the executor moves its blocks away (SIGPWR), for a minute at most.
for status in /proc/[0-9]*/comm; do
  [ "$(cat "$status" 2>/dev/null)" = java ] || continue
  pid=${status#/proc/}
  pid=${pid%/comm}
  kill -s PWR "$pid" && timeout 60 tail --pid="$pid" -f /dev/null
done
exit 0
