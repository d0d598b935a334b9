package io.blockseal.shim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.util.HexFormat;
import java.util.Objects;

/** What the tests share: the library, which must load unless the build skipped it, and keys from hex. */
final class ShimFixture {
    private ShimFixture() {}

    static Shim shim() {
        assumeFalse(Boolean.getBoolean("blockseal.test.shim.skipped"), "built with -Dshim.skip=true");
        ShimLibrary library = ShimLibrary.open();
        assertTrue(library.isPresent(), library.reason());
        return Objects.requireNonNull(library.shim());
    }

    static byte[] hex(String digits) {
        return HexFormat.of().parseHex(digits);
    }

    static OffHeap offHeap(byte[] bytes) {
        return OffHeap.allocate(bytes.length).put(0, bytes);
    }

    static OffHeap offHeap(String digits) {
        return offHeap(hex(digits));
    }

    /** A new slot with this key. */
    static int key(Shim shim, byte[] bytes) {
        int handle = shim.keyNew();
        assertTrue(handle >= 1, ShimError.describe(handle));
        assertEquals(0, shim.keySet(handle, offHeap(bytes).address(), bytes.length));
        return handle;
    }

    static int key(Shim shim, String digits) {
        return key(shim, hex(digits));
    }

    static int randomKey(Shim shim, int length) {
        int handle = shim.keyNew();
        assertEquals(0, shim.keyRandom(handle, length));
        return handle;
    }

    static byte[] bytesOf(Shim shim, int handle, int length) {
        OffHeap out = OffHeap.allocate(length);
        assertEquals(0, shim.keyGet(handle, out.address(), length));
        return out.get(0, length);
    }
}
