#!/bin/sh
# The first and only program of the test guest, under busybox. It takes two exports as disks, the one through the
# kernel's nbd driver (ext4), the other as the virtio disk that QEMU attached (xfs), and does with each what
# guest.phase on the kernel's command line says:
#   write   make a filesystem, write files, read them back from the disk, delete some, trim, check
#   verify  mount what an earlier boot left behind, compare, grow the filesystem into what the disk has got since, check
#   restart  make filesystems on both, write files to them for as long as the host holds a connection to its port
#           guest.until, in which it starts the daemon anew, and find every file and no error
#   table   no exports: /dev/vda is a volume as it lies on the disk, /dev/vdb the text of a device-mapper table for it;
#           map it, mount what an earlier boot left behind, compare
#   same-host  no exports: serve a volume on /dev/vda by the daemon on /dev/vdb, and mount it here (same-host-inside.sh)
# guest.port and guest.export say where the first one is. The last line printed is RESULT: PASS or RESULT: FAIL.
/bin/busybox --install -s /bin
export PATH=/sbin:/bin LD_LIBRARY_PATH=/lib
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t tmpfs tmp /tmp

phase=none port=none export=none until=none flusher=on direct=on lock=off write=768
read -r words </proc/cmdline
for word in $words; do
  case $word in
    guest.phase=*) phase=${word#*=} ;;
    guest.port=*) port=${word#*=} ;;
    guest.export=*) export=${word#*=} ;;
    guest.until=*) until=${word#*=} ;;
    guest.flusher=* | guest.direct=* | guest.lock=* | guest.write=*) eval "${word#guest.}" ;;
  esac
done

say() { echo "GUEST [$(cut -d' ' -f1 /proc/uptime)] $*"; }

end() {
  say "RESULT: $*"
  sync
  sleep 0.2 # the serial line is slower than the power switch
  poweroff -f
}

try() {
  say "+ $*"
  "$@" 2>&1 || end "FAIL ($*)"
}

describe() { # DISK
  queue=/sys/block/${1#/dev/}/queue
  say "$1: $(blockdev --getsize64 "$1") bytes, discard $(cat "$queue/discard_max_bytes")," \
    "cache $(cat "$queue/write_cache"), fua $(cat "$queue/fua")"
  [ "$(cat "$queue/discard_max_bytes")" -gt 0 ] || end "FAIL ($1 offers no discard)"
  [ "$(cat "$queue/write_cache")" = "write back" ] || end "FAIL ($1 would never be flushed)"
}

check() { # FILESYSTEM DISK
  case $1 in
    ext4) try e2fsck -fn "$2" ;;
    xfs) try xfs_repair -n "$2" ;;
  esac
}

make() { # FILESYSTEM DISK
  case $1 in
    ext4) try mkfs.ext4 -q -F "$2" ;;
    xfs) try mkfs.xfs -q -f "$2" ;;
  esac
}

blocks() { df -k /mnt | awk 'END { print $2 }'; }

grow() { # FILESYSTEM DISK
  before=$(blocks)
  case $1 in
    ext4) try resize2fs "$2" ;;
    xfs) try xfs_growfs /mnt ;;
  esac
  say "$2: from $before KiB to $(blocks) KiB"
  [ "$(blocks)" -gt $((before * 3 / 2)) ] || end "FAIL (the filesystem does not grow)"
  try dd if=/dev/urandom of=/mnt/new bs=1M count=6 conv=fsync status=none
}

write_phase() { # FILESYSTEM DISK
  make "$1" "$2"
  try mount -t "$1" "$2" /mnt
  for name in kept1 gone1 kept2 gone2; do
    try dd if=/dev/urandom of=/mnt/$name bs=1M count=6 conv=fsync status=none
  done
  try cp /bin/busybox /mnt/small
  (cd /mnt && sha256sum kept1 kept2 gone1 gone2 small) >/tmp/sums
  try cp /tmp/sums /mnt/sums
  try umount /mnt
  echo 3 >/proc/sys/vm/drop_caches
  try mount -t "$1" "$2" /mnt
  cd /mnt && try sha256sum -c /tmp/sums
  try rm gone1 gone2
  sed -i /gone/d sums || end "FAIL (sums)"
  cd / && try sync
  try fstrim -v /mnt
  try umount /mnt
  check "$1" "$2"
}

verify_phase() { # FILESYSTEM DISK
  try mount -t "$1" "$2" /mnt
  cd /mnt && try sha256sum -c sums
  [ "$(wc -l <sums)" = 3 ] || end "FAIL (the list of files is not what was written)"
  [ ! -e gone1 ] || end "FAIL (a deleted file is there)"
  cd / && grow "$1" "$2"
  try umount /mnt
  check "$1" "$2"
}

table_phase() {
  for module in dm-mod dm-crypt dm-zero ecb xts; do
    try modprobe $module
  done
  # The disk is padded to whole sectors.
  tr -d '\000' </dev/vdb >/tmp/table
  say "table: $(wc -l </tmp/table) lines, $(grep -c ' crypt ' /tmp/table) with keys"
  try dmsetup create plain --readonly /tmp/table
  try dmsetup mknodes
  try mount -t ext4 -o ro /dev/mapper/plain /mnt
  cd /mnt && try sha256sum -c sums
  [ "$(wc -l <sums)" = 3 ] || end "FAIL (the list of files is not what was written)"
  cd / && try umount /mnt
  try dmsetup remove plain
}

# Files of a mebibyte, each written over again and again, as long as the host wants, and at least once.
keep_writing() { # MOUNT-POINT
  n=0
  until [ -e /tmp/over ] && [ $n -ge 8 ]; do
    dd if=/dev/urandom of="$1/new" bs=64k count=16 conv=fsync status=none || return 1
    mv "$1/new" "$1/$((n % 8))" || return 1
    n=$((n + 1))
  done
  (cd "$1" && sha256sum ./*) >"/tmp/sums.${1##*/}"
  say "$1: $n files written"
}

restart_phase() {
  mkdir /mnt/ext4 /mnt/xfs
  for disk in "ext4 /dev/nbd0" "xfs /dev/vda"; do
    # shellcheck disable=SC2086 # two words
    set -- $disk
    describe "$2"
    make "$1" "$2"
    try mount -t "$1" "$2" "/mnt/$1"
  done
  { nc 10.0.2.2 "$until" </dev/null; touch /tmp/over; } &
  keep_writing /mnt/ext4 &
  ext4=$!
  keep_writing /mnt/xfs &
  wait $ext4 || end "FAIL (a write to ext4)"
  wait $! || end "FAIL (a write to xfs)"
  try umount /mnt/ext4
  try umount /mnt/xfs
  echo 3 >/proc/sys/vm/drop_caches
  for disk in "ext4 /dev/nbd0" "xfs /dev/vda"; do
    # shellcheck disable=SC2086
    set -- $disk
    try mount -t "$1" "$2" "/mnt/$1"
    cd "/mnt/$1" && try sha256sum -c "/tmp/sums.$1"
    cd / && try umount "/mnt/$1"
    check "$1" "$2"
  done
  ! dmesg | grep -iE 'error|timed out|possible stuck' || end "FAIL (the kernel complains)"
  try nbd-client -d /dev/nbd0
}

trap 'end FAIL unexpectedly' EXIT
say "kernel $(uname -r), phase $phase"
# In this order: xfs does not load before crc32c_generic.
for module in crc32c_generic virtio_pci virtio_blk virtio_net ext4 xfs; do
  try modprobe $module
done
if [ "$phase" = table ]; then
  table_phase
  trap - EXIT
  end PASS
fi
try modprobe nbd nbds_max=1
if [ "$phase" = same-host ]; then
  mkdir /program
  try mount -t ext4 -o ro /dev/vdb /program
  # shellcheck source=scripts/lib/guest/same-host-inside.sh
  . /program/run
  same_host_phase
  trap - EXIT
  end PASS
fi

ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
try nbd-client -N "$export" -C 4 10.0.2.2 "$port" /dev/nbd0
tries=0
while [ ! -b /dev/vda ] && [ $tries -lt 100 ]; do
  tries=$((tries + 1))
  sleep 0.1
done

if [ "$phase" = restart ]; then
  restart_phase
  trap - EXIT
  end PASS
fi
for disk in "ext4 /dev/nbd0" "xfs /dev/vda"; do
  # shellcheck disable=SC2086 # two words
  set -- $disk
  describe "$2"
  case $phase in
    write) write_phase "$1" "$2" ;;
    verify) verify_phase "$1" "$2" ;;
    *) end "FAIL (no such phase: $phase)" ;;
  esac
done
try nbd-client -d /dev/nbd0
trap - EXIT
end PASS
