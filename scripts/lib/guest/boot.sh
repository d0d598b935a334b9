#!/usr/bin/env bash
# Boots the guest of build.sh, which takes two exports as disks and prints what it does with them (see init.sh).
#
#   scripts/lib/guest/boot.sh FOLDER CONSOLE PHASE PORT EXPORT SOCKET EXPORT [UNTIL]
#
# FOLDER is what build.sh made, CONSOLE the file that the guest prints to, PHASE write, verify or restart. The first
# export is reached by the guest's own kernel at the host's TCP port PORT, the second by QEMU at the unix socket SOCKET,
# which connects again if it has to. UNTIL is the TCP port of the host that restart connects to when it begins. The exit
# code is 0 if the guest found everything right. BLOCKSEAL_GUEST_SECONDS bounds it (default 240).
set -euo pipefail

[ $# -eq 7 ] || [ $# -eq 8 ] || { sed -n '2,/^set /{/^#/!d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 2; }
folder=$1 console=$2 phase=$3 port=$4 export=$5 socket=$6 disk=$7 until=${8:-none}

# Pure emulation: a kernel module for virtualisation that is there does not always work, and the test needs no speed.
machine=(-accel "tcg,thread=multi" -machine "q35,usb=off,vmport=off" -cpu max -smp 2 -m 512
  -nodefaults -no-user-config -display none -no-reboot -serial "file:$console")
network=(-netdev "user,id=net,ipv6=off" -device "virtio-net-pci,netdev=net,romfile=")
server=$(printf '"server":{"type":"unix","path":"%s"},"export":"%s","reconnect-delay":60' "$socket" "$disk")
block="{\"driver\":\"nbd\",\"node-name\":\"disk\",$server,\"discard\":\"unmap\"}"
disks=(-blockdev "$block" -device "virtio-blk-pci,drive=disk,discard=on,write-cache=on")
words="console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off tsc=reliable no_timer_check random.trust_cpu=on"
words+=" rdinit=/init guest.phase=$phase guest.port=$port guest.export=$export guest.until=$until"

: >"$console"
# A QEMU whose NBD server hangs does not hear SIGTERM.
timeout -k 3 "${BLOCKSEAL_GUEST_SECONDS:-240}" qemu-system-x86_64 "${machine[@]}" "${network[@]}" "${disks[@]}" \
  -kernel "$folder/vmlinuz" -initrd "$folder/initrd.cpio" -append "$words" </dev/null ||
  echo "qemu ended with exit code $?" >&2
tr -d '\r' <"$console"
grep -aq 'RESULT: PASS' "$console"
