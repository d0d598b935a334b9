#!/usr/bin/env bash
# Boots the guest of build.sh, which reads a volume by a device-mapper table, without any daemon (see init.sh, table).
#
#   scripts/lib/guest/boot-table.sh FOLDER CONSOLE VOLUME TABLE
#
# FOLDER is what build.sh made, CONSOLE the file that the guest prints to. VOLUME becomes /dev/vda, read-only, which the
# lines of TABLE have to name. The exit code is 0 if the guest found everything right. BLOCKSEAL_GUEST_SECONDS bounds it
# (default 240).
set -euo pipefail

[ $# -eq 4 ] || { sed -n '2,/^set /{/^#/!d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 2; }
folder=$1 console=$2 volume=$3 table=$4

# Pure emulation, as in boot.sh.
machine=(-accel "tcg,thread=multi" -machine "q35,usb=off,vmport=off" -cpu max -smp 2 -m 512
  -nodefaults -no-user-config -display none -no-reboot -serial "file:$console")
disks=(-drive "if=none,id=volume,format=raw,readonly=on,file=$volume" -device "virtio-blk-pci,drive=volume"
  -drive "if=none,id=table,format=raw,readonly=on,file=$table" -device "virtio-blk-pci,drive=table")
words="console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off tsc=reliable no_timer_check random.trust_cpu=on"
words+=" rdinit=/init guest.phase=table"

truncate -s %512 "$table" # a disk has whole sectors
: >"$console"
timeout -k 3 "${BLOCKSEAL_GUEST_SECONDS:-240}" qemu-system-x86_64 "${machine[@]}" "${disks[@]}" \
  -kernel "$folder/vmlinuz" -initrd "$folder/initrd.cpio" -append "$words" </dev/null ||
  echo "qemu ended with exit code $?" >&2
tr -d '\r' <"$console"
grep -aq 'RESULT: PASS' "$console"
