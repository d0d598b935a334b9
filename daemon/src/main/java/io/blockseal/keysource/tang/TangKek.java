package io.blockseal.keysource.tang;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import org.bouncycastle.crypto.digests.SHA256Digest;
import org.bouncycastle.crypto.generators.HKDFBytesGenerator;
import org.bouncycastle.crypto.params.HKDFParameters;
import org.bouncycastle.math.ec.ECPoint;
import org.jspecify.annotations.Nullable;

/**
 * Wraps volume keys by the point that two have agreed on: KEK = HKDF-SHA-256(its x coordinate, no salt, info = label ||
 * volume UUID || the points of the slot), then AES-256-KWP. From any thread.
 */
final class TangKek {
    private static final byte[] LABEL = "blockseal/v1/kek/tang".getBytes(StandardCharsets.US_ASCII);
    private static final int KEK_BYTES = 32;

    private final CryptoEngine engine;

    TangKek(CryptoEngine engine) {
        this.engine = engine;
    }

    byte[] wrap(ECPoint agreed, byte[] points, Secret volumeKey, Binding binding) {
        try (Secret kek = kek(agreed, points, binding)) {
            return engine.wrap().wrapKwp(kek.key(), volumeKey.key());
        }
    }

    /** The volume key, which the caller closes, or null if another point, volume or slot was meant. */
    @Nullable
    Secret unwrap(ECPoint agreed, byte[] points, byte[] wrapped, Binding binding) {
        Secret volumeKey = Secret.empty(engine.keys());
        boolean opened = false;
        try (Secret kek = kek(agreed, points, binding)) {
            opened = engine.wrap().unwrapKwp(kek.key(), wrapped, volumeKey.key());
        } finally {
            if (!opened) {
                volumeKey.close();
            }
        }
        return opened ? volumeKey : null;
    }

    /** On the heap, since the engine's keys have 64 bytes at most and a coordinate has 66. */
    private Secret kek(ECPoint agreed, byte[] points, Binding binding) {
        byte[] info = ByteBuffer.allocate(LABEL.length + 2 * Long.BYTES + points.length)
                .put(LABEL)
                .putLong(binding.volume().getMostSignificantBits())
                .putLong(binding.volume().getLeastSignificantBits())
                .put(points)
                .array();
        byte[] input = P521.x(agreed);
        byte[] output = new byte[KEK_BYTES];
        try {
            HKDFBytesGenerator hkdf = new HKDFBytesGenerator(SHA256Digest.newInstance());
            hkdf.init(new HKDFParameters(input, null, info));
            hkdf.generateBytes(output, 0, output.length);
            Secret kek = Secret.empty(engine.keys());
            engine.keys().put(kek.key(), ByteBuffer.wrap(output));
            return kek;
        } finally {
            Arrays.fill(input, (byte) 0);
            Arrays.fill(output, (byte) 0);
        }
    }
}
