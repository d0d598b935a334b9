#!/usr/bin/env bash
# Builds a small Linux guest for the end-to-end tests: Debian's own kernel, and this machine's filesystem tools.
#
#   scripts/lib/guest/build.sh FOLDER
#
# Leaves FOLDER/vmlinuz and FOLDER/initrd.cpio, and keeps the kernel's package unpacked in FOLDER/kernel, so that the
# next time costs nothing. Nothing is installed. Exit code 77, with the reason as last line, says that this machine
# lacks what it takes.
set -euo pipefail

[ $# -eq 1 ] || { echo "usage: $0 FOLDER" >&2; exit 2; }
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
folder=$(cd -- "$1" && pwd)
kernel=$folder/kernel
root=$folder/root
PATH=$PATH:/usr/sbin:/sbin

cannot() {
  printf '%s\n' "$*" >&2
  exit 77
}

if [ -e "$folder/initrd.cpio" ] && [ -z "$(find "$here" -newer "$folder/initrd.cpio" -print -quit)" ]; then
  exit 0
fi

[ "$(uname -m)" = x86_64 ] || cannot "the guest is made for x86_64 only"
for program in apt-get apt-cache dpkg-deb busybox cpio depmod nbd-client mkfs.ext4 e2fsck resize2fs mkfs.xfs xfs_repair \
  xfs_growfs fstrim dmsetup; do
  command -v "$program" >/dev/null || cannot "$program is not installed"
done

kernel_package() {
  apt-cache depends linux-image-amd64 2>/dev/null | sed -n 's/.*Depends: \(linux-image-[0-9][^ ]*\)/\1/p' | head -n 1
}

# download: gets the kernel's package as apt knows it now; returns 1 having left the reason in apt.log.
download() {
  local package
  package=$(kernel_package)
  rm -rf "$folder/download"
  mkdir -p "$folder/download"
  cd "$folder/download"
  if [ -n "$package" ]; then
    apt-get -qq download "$package" >apt.log 2>&1 </dev/null
  else
    echo "apt knows no linux-image-amd64" >apt.log
    return 1
  fi
}

# The package is unpacked beside its place and moved there at the end: a download that broke off leaves nothing.
if [ ! -d "$kernel" ]; then
  # What apt knows may be nothing, or out of date.
  (download) || { [ "$(id -u)" -eq 0 ] && apt-get -qq update >/dev/null 2>&1 </dev/null && (download); } ||
    cannot "apt could not download a kernel: $(tail -n 1 "$folder/download/apt.log")"
  rm -rf "$folder/unpacked"
  mkdir -p "$folder/unpacked"
  dpkg-deb -x "$folder"/download/*.deb "$folder/unpacked"
  mv "$folder/unpacked" "$kernel"
  rm -rf "$folder/download"
fi
version=$(basename "$kernel"/boot/vmlinuz-*)
version=${version#vmlinuz-}
cp "$kernel/boot/vmlinuz-$version" "$folder/vmlinuz"

rm -rf "$root"
mkdir -p "$root"/{bin,dev,etc,lib64,mnt,proc,sbin,sys,tmp}

# add PROGRAM PATH-IN-GUEST: the program and the libraries that it is linked with.
add() {
  local file library
  file=$(readlink -f -- "$(command -v -- "$1")")
  install -D -m 755 "$file" "$root$2"
  { ldd "$file" 2>/dev/null || true; } | { grep -o '/[^ ]*\.so[^ ]*' || true; } | while read -r library; do
    case $library in
      /lib64/*) cp -Ln "$library" "$root/lib64/" ;;
      *) mkdir -p "$root/lib" && cp -Ln "$library" "$root/lib/" ;;
    esac
  done
}

add busybox /bin/busybox
ln -s busybox "$root/bin/sh"
for program in nbd-client mkfs.ext4 e2fsck resize2fs mkfs.xfs xfs_repair xfs_growfs fstrim dmsetup; do
  add "$program" "/sbin/$program"
done
[ ! -e /etc/mke2fs.conf ] || cp /etc/mke2fs.conf "$root/etc/"

# The modules that init.sh loads, with those that they need.
modules=$kernel/lib/modules/$version
depmod -b "$kernel" "$version"
for module in virtio_pci virtio_net virtio_blk nbd ext4 crc32c_generic xfs dm-mod dm-crypt dm-zero xts ecb; do
  file=$(cd "$modules" && find kernel \( -name "$module.ko" -o -name "${module//_/-}.ko" \) -print -quit)
  [ -n "$file" ] || continue # built into this kernel
  sed -n "s|^$file:|$file |p" "$modules/modules.dep" | tr ' ' '\n'
done | sort -u | while read -r file; do
  [ -z "$file" ] || install -D -m 644 "$modules/$file" "$root/lib/modules/$version/$file"
done
cp "$modules"/modules.{order,builtin,builtin.modinfo} "$root/lib/modules/$version/"
depmod -b "$root" "$version"

install -m 755 "$here/init.sh" "$root/init"
(cd "$root" && find . -print0 | cpio --null --create --format=newc --quiet) >"$folder/initrd.new"
mv "$folder/initrd.new" "$folder/initrd.cpio"
rm -rf "$root"
