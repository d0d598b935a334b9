package io.blockseal.keysource.tang;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.bouncycastle.math.ec.ECPoint;

/**
 * The wrapped key of a slot: three points and what they lead to, each point in compressed form (docs/format.md, "Tang"). All
 * three go into the key that wraps, so that none can be changed.
 *
 * @param client our public point, whose scalar is forgotten
 * @param server the exchange key that was advertised
 * @param signer the key that vouched for it, by which newer ones are trusted even when it is not advertised any more
 * @param wrapped the volume key by KWP, 40 bytes
 */
record TangBlob(ECPoint client, ECPoint server, ECPoint signer, byte[] wrapped) {
    static final int KWP_BYTES = 40;
    static final int BYTES = 3 * P521.POINT_BYTES + KWP_BYTES;

    byte[] encode() {
        return ByteBuffer.allocate(BYTES).put(points()).put(wrapped).array();
    }

    byte[] points() {
        return ByteBuffer.allocate(3 * P521.POINT_BYTES)
                .put(P521.encode(client))
                .put(P521.encode(server))
                .put(P521.encode(signer))
                .array();
    }

    /**
     * Reads what a slot has; nothing vouches for it yet.
     *
     * @throws IOException if it was never written by {@link #encode}
     */
    static TangBlob decode(byte[] blob) throws IOException {
        if (blob.length != BYTES) {
            throw new IOException("it has " + blob.length + " bytes instead of " + BYTES);
        }
        return new TangBlob(
                point(blob, 0), point(blob, 1), point(blob, 2), Arrays.copyOfRange(blob, 3 * P521.POINT_BYTES, BYTES));
    }

    private static ECPoint point(byte[] blob, int index) throws IOException {
        int from = index * P521.POINT_BYTES;
        return P521.decode(Arrays.copyOfRange(blob, from, from + P521.POINT_BYTES));
    }
}
