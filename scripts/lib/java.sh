# shellcheck shell=bash
# Finds JDKs; sourced by the scripts.

# java_major HOME: its feature version, from the release file, else by asking it.
java_major() {
  local version
  version=$(sed -n 's/^JAVA_VERSION="\([0-9]*\).*/\1/p' "$1/release" 2>/dev/null)
  [ -n "$version" ] || version=$("$1/bin/java" -version 2>&1 | sed -n 's/.* version "\([0-9]*\).*/\1/p' | head -n 1)
  printf '%s\n' "$version"
}

# find_jdk MAJOR: prints the home of a JDK (with a compiler) of exactly this version; returns 1 if there is none.
# Looks at BLOCKSEAL_JDK<MAJOR>, JAVA_HOME, the javac on PATH and the usual folders.
find_jdk() {
  local major=$1 home named="BLOCKSEAL_JDK$1" candidates=()
  [ -z "${!named:-}" ] || candidates+=("${!named}")
  [ -z "${JAVA_HOME:-}" ] || candidates+=("$JAVA_HOME")
  if command -v javac >/dev/null; then
    candidates+=("$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")")
  fi
  candidates+=(/usr/lib/jvm/*"$major"* /opt/*jdk*"$major"*)
  for home in "${candidates[@]}"; do
    if [ -x "$home/bin/javac" ] && [ "$(java_major "$home")" = "$major" ]; then
      printf '%s\n' "$home"
      return 0
    fi
  done
  return 1
}
