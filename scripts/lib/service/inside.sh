#!/usr/bin/env bash
# Inside the container of boot.sh, as root under systemd: installs the service, gives the commands that the installation
# prints, and looks at what runs then. Ends at the first thing that is not as it should be.
set -euo pipefail

trap 'failed $LINENO' ERR
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# The first configuration requires locked keys; where this machine has none to give, nothing can be tried.
failed() { # LINE
  echo "FAILED at line $1"
  journalctl --unit=blockseal --no-pager --lines=40
  if journalctl --unit=blockseal --no-pager --output=cat | grep -q 'refused to lock their memory' &&
    ! (ulimit -l unlimited) 2>/dev/null; then
    echo "a container may lock no memory here"
    exit 77
  fi
}

fact() { printf 'FACT %s\n' "$*"; }
pid() { systemctl show --property=MainPID --value blockseal; }
log() { journalctl --unit=blockseal --no-pager --output=cat; }

# refused WORDS COMMAND...: it has to fail, with these words.
refused() {
  local words=$1 said
  shift
  if said=$("$@" 2>&1); then
    echo "$* was not refused"
    return 1
  fi
  grep -qF -- "$words" <<<"$said" || {
    echo "$* was refused otherwise: $said"
    return 1
  }
}

# same URI: what is read there begins with what was written. The copy is cut off, and may complain of it.
same() {
  (
    set +o pipefail
    nbdcopy "$1" - 2>/dev/null | cmp --bytes=20971520 - /tmp/data
  )
}

/srv/tree/scripts/install-service | tee /tmp/printed
# What it prints is what a newcomer types: all lines up to the first that leads away from the service.
sed -n '/^The first time/,/blockseal status/s/^  //p' /tmp/printed >/tmp/commands
fact "commands $(wc -l </tmp/commands)"
while read -r line; do
  printf '+ %s\n' "$line"
  bash -c "$line"
done </tmp/commands

fact "active $(systemctl is-active blockseal), $(systemctl show --property=StatusText --value blockseal)"
grep -E '^(Uid|CapInh|CapPrm|CapEff|CapBnd|CapAmb|NoNewPrivs|Seccomp):' "/proc/$(pid)/status" | tr -s '\t ' ' ' | sed 's/^/FACT /'
fact "user $(id -u blockseal)"
fact "$(log | grep -o 'keys=[a-z]*' | head -n 1)"
fact "root-warning $(log | grep -c 'running as root' || true)"
fact "sockets $(stat -c '%a %U' /run/blockseal/blockseal.sock /run/blockseal/control.sock | tr '\n' ' ')"
fact "audit $(blockseal audit verify /var/log/blockseal/audit.log >/dev/null && stat -c '%a %U' /var/log/blockseal/audit.log)"

# The host is closed to it, even where its user could write.
refused "Read-only file system" nsenter --mount --target "$(pid)" touch /etc/blockseal/there
refused "No such file" nsenter --mount --target "$(pid)" ls /dev/loop-control
touch /tmp/outside
refused "No such file" nsenter --mount --target "$(pid)" ls /tmp/outside

# Data survives a restart, and a client is served by the sandboxed process.
head -c 20M /dev/urandom >/tmp/data
uri='nbd+unix:///demo?socket=/run/blockseal/blockseal.sock'
nbdcopy --flush /tmp/data "$uri"
systemctl restart blockseal
same "$uri"
fact "data survives a restart"

# A second volume, in a folder of the operator's, past the page cache: the drop-in of docs/operations.md.
install --directory --owner=blockseal --group=blockseal --mode=700 /srv/disks
runuser -u blockseal -- blockseal create /srv/disks/more.bsl --size 1G --key-file /srv/disks/more.key
mv /srv/disks/more.key /etc/blockseal/keys/more
chown root: /etc/blockseal/keys/more
cat >>/etc/blockseal/blockseal.yaml <<EOF
  - path: /srv/disks/more.bsl
    credential: key_more
    direct: true
EOF
mkdir -p /etc/systemd/system/blockseal.service.d
printf '[Service]\nReadWritePaths=%s\n' /srv/disks >/etc/systemd/system/blockseal.service.d/disks.conf
systemctl daemon-reload
systemctl restart blockseal
nbdcopy --flush /tmp/data "${uri/demo/more}"
same "${uri/demo/more}"
# Who may call io_uring_setup hears that the address is bad. Where root may, the daemon may.
if log | grep -q 'threads read and write it'; then
  if perl -e 'use Errno; syscall(425, 1, 0); exit($!{EFAULT} ? 0 : 1)'; then
    fact "direct refused by the unit"
  else
    fact "direct refused by the system"
  fi
else
  fact "direct $(log | grep -o 'volume=more .* lane=[a-z]*' | tail -n 1 | sed 's/.* //')"
fi

systemctl stop blockseal
fact "stopped $(systemctl show --property=Result --value blockseal) $(systemctl show --property=ExecMainStatus --value blockseal)"

# What no second try mends is not tried again.
echo 'volumes: nonsense' >/etc/blockseal/blockseal.yaml
if systemctl start blockseal; then
  false
fi
fact "misconfigured $(systemctl is-active blockseal || true) $(systemctl show --property=ExecMainStatus --value blockseal)"

/srv/tree/scripts/install-service --uninstall
[ ! -e /usr/local/bin/blockseal ] && [ ! -e /usr/local/lib/blockseal ] && [ -s /etc/blockseal/keys/demo ]
fact "uninstalled"
