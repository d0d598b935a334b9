package io.blockseal.keysource.passphrase;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;

/** Argon2id version 1.3 by Bouncy Castle, which works on the Java heap; it clears its memory when done. */
final class Argon2id {
    static final int KEY_BYTES = 32;

    /** What a KiB takes as an array of longs with its headers. */
    private static final int HEAP_BYTES_PER_KIB = 1064;
    /** Of the heap, what one generation can surely hold: the daemon ends itself on an OutOfMemoryError. */
    private static final double HEAP_SHARE = 0.6;

    private Argon2id() {}

    /**
     * 32 bytes, which the caller wipes.
     *
     * @param heapBytesMax how large the heap may grow
     * @throws KeySourceException if the heap is too small; nothing was allocated then
     */
    static byte[] derive(byte[] passphrase, Argon2Slot slot, long heapBytesMax) throws KeySourceException {
        Argon2Cost cost = slot.cost();
        long needed = (long) cost.memoryKib() * HEAP_BYTES_PER_KIB;
        if (needed > heapBytesMax * HEAP_SHARE) {
            // What -Xmx says is more than what can be used, by one survivor space.
            long heapMib = (long) Math.ceil(needed / HEAP_SHARE * 1.1 / (64 << 20)) * 64;
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    "the passphrase's key slot needs " + (cost.memoryKib() >> 10)
                            + " MiB for Argon2id, which does not fit into a Java heap of " + (heapBytesMax >> 20)
                            + " MiB. Start with BLOCKSEAL_JAVA_OPTS=-Xmx" + heapMib + "m, or open with another slot");
        }
        Argon2BytesGenerator generator = new Argon2BytesGenerator();
        generator.init(new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
                .withVersion(Argon2Parameters.ARGON2_VERSION_13)
                .withMemoryAsKB(cost.memoryKib())
                .withIterations(cost.passes())
                .withParallelism(cost.lanes())
                .withSalt(slot.salt())
                .build());
        byte[] key = new byte[KEY_BYTES];
        generator.generateBytes(passphrase, key);
        return key;
    }
}
