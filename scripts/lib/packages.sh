# shellcheck shell=bash
# What a purpose needs from the system, and its installation by apt where it is missing; sourced by the scripts.
#
# A need is PROBE=PACKAGE. The probe is a program to be found on PATH, or a file if it begins with a slash, or a
# function if it ends with (): so the scripts also run where the programs came from elsewhere. Nothing is asked of apt
# when nothing is missing.

# Programs of administrators (mkfs.ext4, losetup, nbd-client) are not on everybody's PATH in Debian.
PATH=$PATH:/usr/sbin:/sbin

# shellcheck disable=SC2034 # used by the scripts that source this file
NEEDS_BUILD=(
  "have_jdk_17()=openjdk-17-jdk-headless" mvn=maven gcc=gcc /usr/include/stdio.h=libc6-dev
)
# shellcheck disable=SC2034
NEEDS_RUN=("have_libcrypto()=libssl3")
# shellcheck disable=SC2034
NEEDS_TEST=(
  python3=python3 nbdkit=nbdkit nbdinfo=libnbd-bin nbdcopy=libnbd-bin nbdfuse=libnbd-bin fusermount3=fuse3
  /usr/lib/python3/dist-packages/nbd.py=python3-libnbd fio=fio qemu-system-x86_64=qemu-system-x86
  qemu-img=qemu-utils qemu-io=qemu-utils qemu-nbd=qemu-utils busybox=busybox-static cpio=cpio socat=socat
  mkfs.xfs=xfsprogs mkfs.ext4=e2fsprogs losetup=mount nbd-client=nbd-client cryptsetup=cryptsetup-bin depmod=kmod
  dmsetup=dmsetup systemd-analyze=systemd systemd-nspawn=systemd-container shellcheck=shellcheck valgrind=valgrind
  softhsm2-util=softhsm2 /usr/libexec/tangd=tang jose=jose
  /usr/lib/python3/dist-packages/kmip=python3-pykmip openssl=openssl psktool=gnutls-bin
  ip=iproute2 nft=nftables sysctl=procps gcore=gdb swtpm=swtpm tpm2_create=tpm2-tools systemd-creds=systemd setpriv=util-linux
)
# shellcheck disable=SC2034
NEEDS_FILESYSTEM=(nbdfuse=libnbd-bin fusermount3=fuse3 losetup=mount mkfs.ext4=e2fsprogs)
# shellcheck disable=SC2034
NEEDS_HOSTILE=(fio=fio qemu-io=qemu-utils openssl=openssl)
# shellcheck disable=SC2034
NEEDS_NETWORK=(
  ip=iproute2 tc=iproute2 nft=nftables sysctl=procps python3=python3 qemu-io=qemu-utils nbdcopy=libnbd-bin openssl=openssl
)
# shellcheck disable=SC2034
NEEDS_GUEST=(
  qemu-system-x86_64=qemu-system-x86 busybox=busybox-static cpio=cpio depmod=kmod nbd-client=nbd-client
  mkfs.xfs=xfsprogs mkfs.ext4=e2fsprogs dmsetup=dmsetup
)
# shellcheck disable=SC2034
NEEDS_BENCH=(python3=python3 nbdkit=nbdkit fio=fio qemu-nbd=qemu-utils openssl=openssl)

apt_updated=no

have_jdk_17() { find_jdk 17 >/dev/null; }

have_libcrypto() {
  local file
  for file in /usr/lib/*/libcrypto.so.3 /usr/lib64/libcrypto.so.3 /usr/lib/libcrypto.so.3 /lib/*/libcrypto.so.3; do
    [ ! -e "$file" ] || return 0
  done
  return 1
}

has_need() {
  case $1 in
    /*) [ -e "$1" ] ;;
    *"()") "${1%"()"}" ;;
    *) command -v -- "$1" >/dev/null ;;
  esac
}

# Prints the packages of the given needs that are missing, one a line, each once.
missing_packages() {
  local need
  for need in "$@"; do
    has_need "${need%%=*}" || printf '%s\n' "${need##*=}"
  done | sort -u
}

# install_missing PURPOSE NEED...: returns 1, having said why, if something is missing and cannot be installed.
install_missing() {
  local purpose=$1 packages
  shift
  mapfile -t packages < <(missing_packages "$@")
  [ "${#packages[@]}" -gt 0 ] || return 0

  local command="apt-get install --no-install-recommends ${packages[*]}"
  if ! command -v apt-get >/dev/null; then
    warn "$purpose: missing ${packages[*]} (names as in Debian 12), and there is no apt-get here: install them by hand"
    return 1
  fi
  local root=()
  if [ "$(id -u)" -ne 0 ]; then
    # Without a terminal sudo must not wait for a password that nobody can type.
    if command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
      root=(sudo)
    else
      warn "$purpose: packages are missing, and you are neither root nor may use sudo. As root: $command"
      return 1
    fi
  fi

  step "Installing for $purpose: ${packages[*]}"
  if ! compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null; then
    apt_update "${root[@]}"
  fi
  apt_install "${packages[@]}" || {
    apt_update "${root[@]}" && apt_install "${packages[@]}"
  } || {
    warn "$purpose: installation failed. Try it by hand: $command"
    return 1
  }
  mapfile -t packages < <(missing_packages "$@")
  [ "${#packages[@]}" -eq 0 ] || {
    warn "$purpose: installed, but still not found: ${packages[*]}"
    return 1
  }
}

# Once per script: when it did not help the first time, it will not help the second time.
apt_update() {
  [ "$apt_updated" = no ] || return 1
  apt_updated=yes
  "$@" env DEBIAN_FRONTEND=noninteractive apt-get -qq update </dev/null
}

# Uses the caller's $root.
apt_install() {
  "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=120 \
    install --no-install-recommends "$@" </dev/null >/dev/null
}
