package io.blockseal.crypto.java;

import io.blockseal.crypto.KeyArena;
import java.security.MessageDigest;
import java.util.Arrays;
import javax.crypto.SecretKey;

/**
 * One slot's bytes. {@link #version} changes before new bytes arrive and again when they are all there, so that a
 * schedule knows whether it was made of the bytes that are there now, and of nothing else. Filled by one thread at a time; read by those to whom its owner gave the handle.
 */
final class HeapKey {
    private final int handle;
    private final byte[] bytes = new byte[KeyArena.KEY_BYTES_MAX];
    private volatile int length;
    private volatile int version;

    HeapKey(int handle) {
        this.handle = handle;
    }

    int handle() {
        return handle;
    }

    int length() {
        return length;
    }

    int version() {
        return version;
    }

    /** Takes a copy of {@code source}; a pair of equal halves, which breaks XTS, is refused. */
    @SuppressWarnings("NonAtomicVolatileUpdate") // One thread fills at a time; readers only compare.
    void fill(byte[] source, int offset, int lengthBytes) {
        if (lengthBytes < 1 || lengthBytes > bytes.length) {
            throw new IllegalArgumentException("a key has 1 to 64 bytes, not " + lengthBytes);
        }
        if (hasEqualHalves(source, offset, lengthBytes)) {
            throw new IllegalArgumentException("the two halves of a 64-byte key are equal, which XTS forbids");
        }
        clear();
        System.arraycopy(source, offset, bytes, 0, lengthBytes);
        // A thread that began a schedule after clear() may have read a mixture; under this version nobody did.
        version++;
        length = lengthBytes;
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // One thread fills at a time; readers only compare.
    void clear() {
        length = 0;
        version++;
        Arrays.fill(bytes, (byte) 0);
    }

    /** Whether these are 64 bytes whose halves are the same; takes the same time whatever they hold. */
    static boolean hasEqualHalves(byte[] key, int offset, int lengthBytes) {
        if (lengthBytes != KeyArena.KEY_BYTES_MAX) {
            return false;
        }
        int half = lengthBytes / 2;
        int difference = 0;
        for (int i = offset; i < offset + half; i++) {
            difference |= key[i] ^ key[i + half];
        }
        return difference == 0;
    }

    boolean sameBytes(HeapKey other) {
        return length == other.length && MessageDigest.isEqual(bytes, other.bytes);
    }

    byte[] copy() {
        return Arrays.copyOf(bytes, length);
    }

    /** These bytes as the JDK wants them; it wipes the copies that it takes, which a {@code SecretKeySpec} does not. */
    SecretKey as(String algorithm) {
        return new View(this, algorithm, 0, length);
    }

    /** Likewise, K1 (0) or K2 (1) of a pair. */
    SecretKey half(int which) {
        return new View(this, "AES", which * KeyArena.KEY_BYTES_MAX / 2, KeyArena.KEY_BYTES_MAX / 2);
    }

    @Override
    public String toString() {
        return "***";
    }

    private static final class View implements SecretKey {
        private final transient HeapKey key;
        private final String algorithm;
        private final int offset;
        private final int lengthBytes;

        View(HeapKey key, String algorithm, int offset, int lengthBytes) {
            this.key = key;
            this.algorithm = algorithm;
            this.offset = offset;
            this.lengthBytes = lengthBytes;
        }

        @Override
        public String getAlgorithm() {
            return algorithm;
        }

        @Override
        public String getFormat() {
            return "RAW";
        }

        @Override
        public byte[] getEncoded() {
            return Arrays.copyOfRange(key.bytes, offset, offset + lengthBytes);
        }

        @Override
        public String toString() {
            return "***";
        }
    }
}
