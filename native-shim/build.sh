#!/bin/sh
# Builds the shim with gcc. Maven calls it; by hand: native-shim/build.sh library | test | valgrind
#   test        the C tests under the address and undefined-behaviour sanitizers; skipped, aloud, where there are none
#   valgrind    the same tests under memcheck, which also sees what was never written and is read; ten seconds
#   CC=aarch64-linux-gnu-gcc native-shim/build.sh library    cross build; the folder follows the compiler's target
# Nothing is built again while the sources, the compiler and this script are the same (a stamp remembers a checksum).
set -eu
cd "$(dirname "$0")"
CC=${CC:-gcc}
FLAGS="-O2 -fPIC -std=gnu11 -Wall -Wextra -Werror -fvisibility=hidden"

die() {
    echo "native-shim: $*" >&2
    exit 1
}

command -v "$CC" >/dev/null 2>&1 || die "no C compiler '$CC'. Install gcc and the C library's headers," \
    "or set CC, or build without the native engine: -Dshim.skip=true"

machine=$("$CC" -dumpmachine | cut -d- -f1)
[ "$machine" != arm64 ] || machine=aarch64
stamp_of() {
    { "$CC" -dumpmachine; "$CC" -dumpversion; cat "$@" build.sh; } | cksum
}

# What scripts/blockseal starts Java by (src/main/launcher); not in the jar.
launcher() {
    now=$(stamp_of src/main/launcher/*)
    out=target/io-flusher-$machine
    if [ -x "$out" ] && [ "$(cat "target/io-flusher-$machine.stamp" 2>/dev/null)" = "$now" ]; then
        return
    fi
    mkdir -p target
    "$CC" $FLAGS -Wl,-z,relro,-z,now -o "$out.new" src/main/launcher/io_flusher.c
    mv "$out.new" "$out"
    echo "$now" >"target/io-flusher-$machine.stamp"
}

library() {
    out=target/classes/native/linux-$machine
    stamp=target/shim-$machine.stamp
    now=$(stamp_of src/main/c/*)
    if [ -f "$out/libblockseal_shim.so" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$now" ]; then
        return
    fi
    mkdir -p "$out"
    # nodelete: thread-exit destructors point into the library, so it must outlive every handle to it.
    "$CC" $FLAGS -shared -Wl,-z,relro,-z,now,-z,nodelete,-z,defs -o "$out/libblockseal_shim.so.new" src/main/c/*.c \
        -ldl -lpthread
    mv "$out/libblockseal_shim.so.new" "$out/libblockseal_shim.so"
    echo "$now" >"$stamp"
}

# The same sources with the C tests under the address and undefined-behaviour sanitizers.
sanitized_test() {
    out=target/shim-test
    now=$(stamp_of src/main/c/* src/test/c/*)
    mkdir -p target
    if ! echo 'int main(void) { return 0; }' | "$CC" -fsanitize=address,undefined -x c -o target/sanitizer-probe - \
        2>/dev/null || ! target/sanitizer-probe; then
        echo "native-shim: C tests skipped, because '$CC' has no working -fsanitize=address,undefined (libasan, libubsan)"
        return
    fi
    if [ -f "$out" ] && [ "$(cat "$out.passed" 2>/dev/null)" = "$now" ]; then
        return
    fi
    "$CC" $FLAGS -g -fno-omit-frame-pointer -fno-sanitize-recover=all -fsanitize=address,undefined -Isrc/main/c \
        -o "$out" src/main/c/*.c src/test/c/*.c -ldl -lpthread
    # Leaks are not looked for: the collector does not know the pool and takes what it points at for lost.
    ASAN_OPTIONS=detect_leaks=0 "./$out"
    ASAN_OPTIONS=detect_leaks=0 "./$out" unprotected
    echo "$now" >"$out.passed"
}

# Without sanitizers, which do not go together with valgrind. It has no mlock2: keys are then not locked, all else is
# the same.
valgrind_test() {
    command -v valgrind >/dev/null 2>&1 || die "no valgrind here"
    mkdir -p target
    "$CC" $FLAGS -g -O1 -Isrc/main/c -o target/shim-test-valgrind src/main/c/*.c src/test/c/*.c -ldl -lpthread
    for how in protected unprotected; do
        valgrind --quiet --error-exitcode=9 --leak-check=no --child-silent-after-fork=yes target/shim-test-valgrind $how
    done
}

case ${1:-library} in
    library)
        library
        launcher
        ;;
    test) sanitized_test ;;
    valgrind) valgrind_test ;;
    *) die "unknown command '$1'; there are: library, test, valgrind" ;;
esac
