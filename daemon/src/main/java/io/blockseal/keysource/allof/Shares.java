package io.blockseal.keysource.allof;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.SecretAccess;
import io.blockseal.keysource.Binding;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * The KEK that the shares of all parts give together: the first share, then, for each share after it, HKDF-SHA-256 of
 * what there is so far followed by that share, salted with the volume's UUID, with the count and the number of the part in
 * the info. Whoever lacks one share knows nothing of it. On one thread.
 */
final class Shares implements AutoCloseable {
    private static final byte[] LABEL = "blockseal/v1/kek/all-of".getBytes(StandardCharsets.US_ASCII);
    private static final int SHARE_BYTES = 32;

    private final CryptoEngine engine;
    private final byte[] salt;
    private final int count;
    private int taken;
    private @Nullable Secret soFar;

    /** Of {@code count} parts of a slot of that volume. */
    Shares(CryptoEngine engine, Binding binding, int count) {
        this.engine = engine;
        this.count = count;
        UUID volume = binding.volume();
        this.salt = ByteBuffer.allocate(2 * Long.BYTES)
                .putLong(volume.getMostSignificantBits())
                .putLong(volume.getLeastSignificantBits())
                .array();
    }

    /** Takes the next part's share, which is closed with this. */
    void add(Secret share) {
        taken++;
        Secret before = soFar;
        if (before == null) {
            soFar = share;
            return;
        }
        Secret next = Secret.empty(engine.keys());
        boolean done = false;
        try (before;
                share;
                Secret both = Secret.empty(engine.keys())) {
            soFar = null;
            ByteBuffer bytes = ByteBuffer.allocateDirect(2 * SHARE_BYTES);
            try {
                engine.keys().copyOut(before.key(), SecretAccess.JOIN_SHARES, bytes);
                engine.keys().copyOut(share.key(), SecretAccess.JOIN_SHARES, bytes);
                engine.keys().put(both.key(), bytes.flip());
            } finally {
                for (int i = 0; i < bytes.capacity(); i++) {
                    bytes.put(i, (byte) 0);
                }
            }
            byte[] info = ByteBuffer.allocate(LABEL.length + 2)
                    .put(LABEL)
                    .put((byte) count)
                    .put((byte) taken)
                    .array();
            engine.derivation().hkdf(both.key(), salt, info, next.key());
            soFar = next;
            done = true;
        } finally {
            if (!done) {
                next.close();
            }
        }
    }

    /** The KEK, once all shares are there; it lives as long as this. */
    int kek() {
        Secret kek = soFar;
        if (kek == null || taken != count) {
            throw new IllegalStateException(taken + " of " + count + " shares");
        }
        return kek.key();
    }

    @Override
    public void close() {
        Secret held = soFar;
        soFar = null;
        if (held != null) {
            held.close();
        }
    }
}
