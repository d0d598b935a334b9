# shellcheck shell=bash
# Words to the person at the terminal; sourced by the scripts.

say() { printf '%s\n' "$*"; }

step() { printf '\n==> %s\n' "$*"; }

warn() { printf 'warning: %s\n' "$*" >&2; }

die() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}
