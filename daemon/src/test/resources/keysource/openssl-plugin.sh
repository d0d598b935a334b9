#!/bin/sh
# $1: the directory with the keys; $2: the name of the key
PATH=/usr/bin:/bin
cd "$1" || exit 3
question=$(cat)
field() { printf '%s' "$question" | sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
fail() { printf '{"error":{"kind":"%s","message":"%s"}}' "$1" "$2"; exit 0; }
if [ -e trouble ]; then
  trouble=$(cat trouble)
  case $trouble in
    *_ONCE) rm trouble ;;
  esac
  case $trouble in
    DISABLED) fail refused 'the key is disabled' ;;
    DELETED) fail refused 'the key was deleted' ;;
    FORBIDDEN) fail refused 'not permitted' ;;
    UNAUTHENTICATED) fail unreachable 'who are you' ;;
    THROTTLED) fail throttled 'not so fast' ;;
    BROKEN) echo 'no luck today' >&2; exit 1 ;;
    SILENT) sleep 60 ;;
    HALF_AN_ANSWER) printf '{"ke'; sleep 60 ;;
    HANGS_UP) kill -9 $$ ;;
    NONSENSE) echo 'hello'; exit 0 ;;
    SHORT_KEY) printf '{"key":"AAAA"}'; exit 0 ;;
  esac
fi
version=$(cat "$2.version")
rsa='-pkeyopt rsa_padding_mode:oaep -pkeyopt rsa_oaep_md:sha256 -pkeyopt rsa_mgf1_md:sha256'
case $(field operation) in
  version) printf '{"version":"%s","requestId":"%s"}' "$version" $$ ;;
  wrap)
    blob=$(field key | openssl base64 -d -A \
      | openssl pkeyutl -encrypt -inkey "$2.$version" $rsa | openssl base64 -A)
    printf '{"blob":"%s","version":"%s","requestId":"%s"}' "$blob" "$version" $$ ;;
  unwrap)
    key=$(field blob | openssl base64 -d -A \
      | openssl pkeyutl -decrypt -inkey "$2.$(field version)" $rsa 2>/dev/null | openssl base64 -A)
    [ -n "$key" ] || fail wrong-key 'it does not open'
    printf '{"key":"%s","requestId":"%s"}' "$key" $$ ;;
esac
