package io.blockseal.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.crypto.nativ.NativeCryptoEngine;
import io.blockseal.memory.Memory;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.shim.GcmBlock;
import io.blockseal.shim.OffHeap;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimError;
import io.blockseal.shim.ShimLibrary;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The native engine keeps every contract that the Java one keeps; skipped, with the reason, where it does not load. */
class NativeCryptoEngineTest {
    static Shim shim() {
        ShimLibrary library = ShimLibrary.open();
        Shim shim = library.shim();
        assumeTrue(shim != null, () -> "no native library: " + library.reason());
        return java.util.Objects.requireNonNull(shim);
    }

    @Test
    void saysWhichLibraryItUses() {
        try (NativeCryptoEngine engine = new NativeCryptoEngine(shim())) {
            assertTrue(
                    engine.description()
                            .matches("native \\(libcrypto 3\\.\\d+\\.\\d+, xts by (vaes512|vaes256|libcrypto)\\)"),
                    engine.description());
            assertNotEquals(KeyProtection.HEAP, engine.protection());
        }
    }

    @Test
    void agreesWithWycheproofOnGcm() {
        Shim shim = shim();
        int opened = 0;
        try (NativeCryptoEngine engine = new NativeCryptoEngine(shim)) {
            for (Vectors.Vector vector : Vectors.wycheproof("aes_gcm")) {
                byte[] plain = vector.bytes("msg");
                if (plain.length < 1 || plain.length > KeyArena.KEY_BYTES_MAX) {
                    continue;
                }
                int kek = engine.keys().allocate();
                int key = engine.keys().allocate();
                engine.keys().put(kek, ByteBuffer.wrap(vector.bytes("key")));
                byte[] aad = vector.bytes("aad");
                byte[] sealed = ByteBuffer.allocate(plain.length + 16)
                        .put(vector.bytes("ct"))
                        .put(vector.bytes("tag"))
                        .array();
                OffHeap nonce = OffHeap.allocate(12).put(0, vector.bytes("iv"));
                OffHeap aadBytes = OffHeap.allocate(aad.length + 1).put(0, aad);
                OffHeap blob = OffHeap.allocate(sealed.length).put(0, sealed);
                GcmBlock block = new GcmBlock()
                        .keys(kek, key, plain.length)
                        .nonce(nonce.address())
                        .aad(aadBytes.address(), aad.length)
                        .blob(blob.address());
                int result = shim.gcmUnwrap(block.address());
                assertEquals(vector.isValid() ? 0 : ShimError.BAD_TAG, result, vector::toString);
                if (vector.isValid()) {
                    ByteBuffer bytes = ByteBuffer.allocate(plain.length);
                    engine.keys().copyOut(key, SecretAccess.TEST_ORACLE, bytes);
                    assertArrayEquals(plain, bytes.array(), vector::toString);
                    assertEquals(0, shim.gcmWrap(block.address()));
                    assertArrayEquals(sealed, blob.get(0, sealed.length), vector::toString);
                    opened++;
                }
                engine.keys().free(kek);
                engine.keys().free(key);
            }
        }
        assertTrue(opened > 15);
    }

    @Test
    void mapsZeroedPagesThatCanBeWrittenFromBothSides() {
        Shim shim = shim();
        Memory memory = new ShimMemorySource(shim).map(8192);
        assertEquals(0, memory.address() % 4096);
        assertEquals(8192, memory.capacity());
        byte[] bytes = new byte[8192];
        memory.bytes().get(0, bytes);
        assertArrayEquals(new byte[8192], bytes);
        memory.bytes().putLong(4096, 0x1122334455667788L);
        assertEquals(0x1122334455667788L, OffHeap.at(memory.address(), 8192).getLong(4096));
        shim.random(memory.address(), 16);
        memory.bytes().get(0, bytes);
        assertTrue(!Arrays.equals(new byte[16], Arrays.copyOf(bytes, 16)));
    }

    @Nested
    class Keys extends KeyArenaContract {
        @Override
        CryptoEngine newEngine() {
            return new NativeCryptoEngine(shim());
        }
    }

    @Nested
    class Xts extends XtsEngineContract {
        @Override
        CryptoEngine newEngine() {
            return new NativeCryptoEngine(shim());
        }

        @Override
        Memory newMemory(int lengthBytes) {
            return new ShimMemorySource(shim()).map(lengthBytes);
        }
    }

    /** A library beside the process's own one; once, as each has its own locked memory. */
    private static final class Beside {
        static final ShimLibrary LIBCRYPTO = ShimLibrary.beside(Shim.INIT_XTS_LIBCRYPTO);
        static final ShimLibrary VAES256 = ShimLibrary.beside(Shim.INIT_XTS_VAES256);

        private Beside() {}
    }

    /** What runs where the processor is older, or the operator wants it so. */
    @Nested
    class XtsByLibcrypto extends XtsEngineContract {
        private Shim libcrypto() {
            shim(); // before the others, so that libcrypto's memory is the process's
            return java.util.Objects.requireNonNull(Beside.LIBCRYPTO.shim(), Beside.LIBCRYPTO.reason());
        }

        @Override
        CryptoEngine newEngine() {
            return new NativeCryptoEngine(libcrypto());
        }

        @Override
        Memory newMemory(int lengthBytes) {
            return new ShimMemorySource(libcrypto()).map(lengthBytes);
        }

        @Test
        void saysSo() {
            assertTrue(engine.description().endsWith(", xts by libcrypto)"), engine.description());
        }
    }

    @Nested
    class XtsOnNarrowVectors extends XtsEngineContract {
        private Shim narrow() {
            shim();
            Shim shim = java.util.Objects.requireNonNull(Beside.VAES256.shim(), Beside.VAES256.reason());
            assumeTrue(shim.xtsEngine() == Shim.XTS_VAES256, "this processor has no VAES");
            return shim;
        }

        @Override
        CryptoEngine newEngine() {
            return new NativeCryptoEngine(narrow());
        }

        @Override
        Memory newMemory(int lengthBytes) {
            return new ShimMemorySource(narrow()).map(lengthBytes);
        }
    }

    @Nested
    class Wrapping extends KeyWrapContract {
        @Override
        CryptoEngine newEngine() {
            return new NativeCryptoEngine(shim());
        }
    }

    @Nested
    class Derivation extends KeyDerivationContract {
        @Override
        CryptoEngine newEngine() {
            return new NativeCryptoEngine(shim());
        }
    }
}
