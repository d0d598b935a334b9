#!/usr/bin/env bash
# Boots the guest of build.sh with little memory, a Java and the daemon in it, and has it write through a disk that its
# own daemon serves: more than it has memory, as fast as it can (see same-host-inside.sh).
#
#   scripts/lib/guest/same-host.sh FOLDER CONSOLE [WORD=VALUE...]
#
# FOLDER is what build.sh made, CONSOLE the file that the guest prints to. The words, with what they are otherwise:
#   flusher=on     off: without the mark that scripts/blockseal gives the daemon
#   direct=on      off: the daemon reads and writes its volume through the page cache
#   lock=off       on: all of the daemon is locked in memory
#   memory=384     MiB that the machine has
#   write=768      MiB that are written
# The exit code is 0 if all was written and read back. BLOCKSEAL_GUEST_SECONDS bounds it (default 1800); it is emulated,
# and takes five to fifteen minutes. Exit code 77, with the reason as last line: not possible on this machine.
set -euo pipefail

[ $# -ge 2 ] || { sed -n '2,/^set /{/^#/!d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 2; }
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd -- "$here/../../.." && pwd)
folder=$(cd -- "$1" && pwd)
console=$2
shift 2
flusher=on direct=on lock=off memory=384 write=768
for word; do
  case $word in
    flusher=on | flusher=off | direct=on | direct=off | lock=on | lock=off | memory=[0-9]* | write=[0-9]*) declare "$word" ;;
    *) echo "same-host.sh: what is '$word'?" >&2; exit 2 ;;
  esac
done

cannot() {
  printf '%s\n' "$*" >&2
  exit 77
}

jar=$tree/daemon/target/blockseal.jar
mark=$tree/native-shim/target/io-flusher-$(uname -m)
java=$(dirname -- "$(readlink -f -- "$(command -v java)")")
[ -s "$jar" ] || cannot "the daemon is not built"
[ -x "$mark" ] || cannot "the daemon is not built with its io-flusher"
[ -x "$java/jlink" ] || cannot "there is no jlink beside $java/java"

# The program's disk: a small Java with the libraries that it needs, the daemon, and something to write.
program=$folder/program
rm -rf "$program"
mkdir -p "$program"/{bin,lib/blockseal,libraries}
"$java/jlink" --add-modules java.se,jdk.unsupported,jdk.crypto.ec,jdk.crypto.cryptoki --strip-debug --no-man-pages \
  --no-header-files --output "$program/java" >/dev/null
# The first is our own need, the others are those of the libraries in the jar.
for library in libcrypto.so.3 libdl.so.2 libpthread.so.0 librt.so.1 libm.so.6; do
  file=$(ldconfig -p | sed -n "s/.*$library .*x86-64.*=> //p" | head -n 1)
  [ -n "$file" ] || cannot "there is no $library"
  cp -L "$file" "$program/libraries/"
done
find "$program/java" \( -name '*.so' -o -path '*/bin/java' \) -exec ldd {} + 2>/dev/null |
  sed -n 's/.*=> \(\/[^ ]*\) .*/\1/p' | grep -v "^$program" | sort -u | while read -r library; do
  cp -Ln "$library" "$program/libraries/"
done
cp "$jar" "$mark" "$program/lib/blockseal/"
mv "$program/lib/blockseal/${mark##*/}" "$program/lib/blockseal/io-flusher"
cp "$tree/scripts/blockseal" "$program/bin/"
cp "$here/same-host-inside.sh" "$program/run"
head -c 16M /dev/urandom >"$program/data"
rm -f "$folder/program.img" "$folder/backing.img"
truncate -s 512M "$folder/program.img"
mkfs.ext4 -q -d "$program" "$folder/program.img"
rm -rf "$program"
truncate -s 8G "$folder/backing.img"

machine=(-accel "tcg,thread=multi" -machine "q35,usb=off,vmport=off" -cpu max -smp 2 -m "$memory"
  -nodefaults -no-user-config -display none -no-reboot -serial "file:$console")
disks=(-drive "if=none,id=backing,format=raw,cache=unsafe,file=$folder/backing.img" -device "virtio-blk-pci,drive=backing"
  -drive "if=none,id=program,format=raw,readonly=on,file=$folder/program.img" -device "virtio-blk-pci,drive=program")
words="console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off tsc=reliable no_timer_check random.trust_cpu=on"
words+=" rdinit=/init guest.phase=same-host guest.flusher=$flusher guest.direct=$direct guest.lock=$lock guest.write=$write"

: >"$console"
timeout -k 3 "${BLOCKSEAL_GUEST_SECONDS:-1800}" qemu-system-x86_64 "${machine[@]}" "${disks[@]}" \
  -kernel "$folder/vmlinuz" -initrd "$folder/initrd.cpio" -append "$words" </dev/null ||
  echo "qemu ended with exit code $?" >&2
rm -f "$folder/program.img" "$folder/backing.img"
tr -d '\r' <"$console"
grep -aq 'RESULT: PASS' "$console"
