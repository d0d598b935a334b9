#!/usr/bin/env bash
# Boots this very system in a container of systemd's, and there installs the service and tries it (see inside.sh).
#
#   scripts/lib/service/boot.sh FOLDER
#
# Nothing of this system is changed: what the container writes is in its memory, but for FOLDER, which it sees as
# /srv/service, and FOLDER/disks as /srv/disks. It has no network but loopback. Exit code 77, with the reason as last line, says that this machine lacks
# what it takes; else 0 if all was as it should be. BLOCKSEAL_SERVICE_SECONDS bounds it (default 150).
set -euo pipefail

[ $# -eq 1 ] || { sed -n '2,/^set /{/^#/!d;s/^# \{0,1\}//;p}' "${BASH_SOURCE[0]}" >&2; exit 2; }
here=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd)
tree=$(cd -- "$here/../../.." && pwd)
folder=$(cd -- "$1" && pwd)

cannot() {
  printf '%s\n' "$*" >&2
  exit 77
}

[ "$(id -u)" -eq 0 ] || cannot "a container needs root"
for program in systemd-nspawn systemd-sysusers unshare nsenter nbdcopy nbdinfo; do
  command -v "$program" >/dev/null || cannot "$program is not installed"
done

cat >"$folder/unit" <<EOF
[Unit]
Requires=basic.target
After=basic.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c '/srv/tree/scripts/lib/service/inside.sh >/srv/service/out 2>&1; echo \$? >/srv/service/exit; systemctl --no-block --force poweroff'
EOF
mkdir "$folder/root" "$folder/disks"
rm -f "$folder/out" "$folder/exit"
# The root of a system cannot be one of a container, but another mount of it can; it is gone with its namespace. Without
# the two sets of system calls a container has no locked memory and no io_uring.
# shellcheck disable=SC2016 # for the inner shell
unshare --mount --propagation private sh -c '
  mount --bind / "$1/root" || exit 77
  shift
  exec "$@"' sh "$folder" \
  timeout -k 3 "${BLOCKSEAL_SERVICE_SECONDS:-150}" systemd-nspawn --quiet --register=no --keep-unit --link-journal=no \
  --private-network --console=pipe --directory="$folder/root" --volatile=overlay \
  "--system-call-filter=@memlock @aio" \
  --tmpfs=/var/lib/blockseal --tmpfs=/etc/blockseal --bind="$folder:/srv/service" \
  --bind="$folder/disks:/srv/disks" --bind-ro="$tree:/srv/tree" \
  --bind-ro="$folder/unit:/run/systemd/system/blockseal-service-test.service" \
  --boot systemd.unit=blockseal-service-test.service </dev/null >"$folder/console" 2>&1 || true
rmdir "$folder/root"
[ -e "$folder/out" ] || cannot "no container starts here: $(tail -n 1 "$folder/console")"
cat "$folder/out"
exit "$(cat "$folder/exit" 2>/dev/null || echo 1)"
