#!/bin/sh
# Sourced by init.sh in the guest of same-host.sh: serves a volume, mounts it on this very machine, and writes more to it
# than there is memory, with most of that memory allowed to be dirty, until all is on the disk. Writers that make no
# progress for five minutes are taken for a deadlock, and the kernel is asked who waits for what.
# shellcheck disable=SC2154 # say, try, end and the words of the command line are init.sh's
export LD_LIBRARY_PATH=/lib:/program/libraries BLOCKSEAL_JAVA=/program/java/bin/java
unit=16 # MiB of /program/data
files=$((write / unit / 3))

memory() { sed -n 's/^\(MemTotal\|MemAvailable\|Dirty\|Writeback\|Shmem\): *\([0-9]*\) kB/\1=\2/p' /proc/meminfo | tr '\n' ' '; }

# Threads of the daemon that the kernel would keep waiting: those without PF_MEMALLOC_NOIO, the ninth field of stat.
unmarked() {
  for stat in /proc/"$1"/task/*/stat; do
    fields=$(sed 's/.*) //' "$stat") # the name may have blanks
    # shellcheck disable=SC2086
    set -- "$1" $fields
    [ $(($8 & 0x80000)) != 0 ] || echo "$stat"
  done | wc -l
}

writer() { # NAME
  n=0
  while [ $n -lt "$files" ]; do
    cp /program/data "/mnt/$1.$n" || return 1
    n=$((n + 1))
    echo "$n" >"/tmp/progress.$1"
  done
  echo all >"/tmp/progress.$1"
}

same_host_phase() {
  mkdir /backing
  try mkfs.ext4 -q -F /dev/vda
  try mount -t ext4 /dev/vda /backing
  say "memory: $(memory)"
  options=
  [ "$direct" = on ] && options=--direct
  [ "$lock" = off ] || options="$options --lock-memory"
  [ "$flusher" = on ] || export BLOCKSEAL_IO_FLUSHER=off
  try /program/bin/blockseal create /backing/demo.bsl --size 4G --key-file /backing/demo.key --state-dir /backing/state
  # Its own output goes to memory: a log on a disk that hangs would be no help.
  # shellcheck disable=SC2086
  /program/bin/blockseal serve /backing/demo.bsl --key-file /backing/demo.key --state-dir /backing/state $options \
    --unix /tmp/demo.sock >/tmp/ready 2>/tmp/log &
  daemon=$!
  tries=0
  until [ -s /tmp/ready ]; do
    tries=$((tries + 1))
    if [ $tries -ge 600 ] || ! kill -0 $daemon; then
      cat /tmp/log
      end "FAIL (the daemon does not serve)"
    fi
    sleep 0.5
  done
  grep -o 'io-flusher=[a-z]*' /tmp/log
  say "threads without the mark: $(unmarked $daemon) of $(grep Threads /proc/$daemon/status)"
  [ "$flusher" = off ] || [ "$(unmarked $daemon)" = 0 ] || end "FAIL (not all threads are marked)"

  try nbd-client -unix /tmp/demo.sock -N demo /dev/nbd0
  try mkfs.ext4 -q -F -E nodiscard,lazy_itable_init=0,lazy_journal_init=0 -N 4096 /dev/nbd0
  try mount -t ext4 /dev/nbd0 /mnt
  # Writers are let make dirty what there is, and the daemon, too, has to find memory then.
  echo 90 >/proc/sys/vm/dirty_ratio
  echo 80 >/proc/sys/vm/dirty_background_ratio
  say "resident: $(grep -E 'VmRSS|VmLck' /proc/$daemon/status | tr '\n' ' ')"
  for name in a b c; do writer $name & done

  before='' still=0
  while :; do
    sleep 10
    now="$(cat /tmp/progress.* 2>/dev/null | tr '\n' ' ')and $(awk '{print $7 / 2048}' /sys/block/nbd0/stat) MiB on the disk"
    say "files $now, $(memory)"
    [ "$now" = "$before" ] && still=$((still + 10)) || still=0
    before=$now
    [ "$(cat /tmp/progress.* 2>/dev/null | grep -c all)" = 3 ] && break
    kill -0 $daemon || { tail -n 20 /tmp/log; end "FAIL (the daemon is gone)"; }
    if [ $still -ge 300 ]; then
      echo 8 >/proc/sys/kernel/printk
      echo w >/proc/sysrq-trigger
      sleep 2
      end "FAIL (no progress for $still s: deadlock)"
    fi
  done
  try sync
  say "all is written"
  echo 10 >/proc/sys/vm/dirty_background_ratio
  try umount /mnt
  echo 3 >/proc/sys/vm/drop_caches
  try mount -t ext4 /dev/nbd0 /mnt
  count=0
  for file in /mnt/[abc].*; do
    cmp "$file" /program/data || end "FAIL ($file is not what was written)"
    count=$((count + 1))
  done
  [ $count = $((files * 3)) ] || end "FAIL ($count files are there)"
  say "$count files of $unit MiB are as they were written; $(grep -E 'VmHWM|VmLck' /proc/$daemon/status | tr '\n' ' ')"
  try umount /mnt
  try nbd-client -d /dev/nbd0
  kill $daemon
  wait $daemon || end "FAIL (the daemon ended with $?)"
  grep -E ' (WARN|ERROR) ' /tmp/log
}
