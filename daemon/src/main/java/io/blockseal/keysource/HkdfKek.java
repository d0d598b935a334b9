package io.blockseal.keysource;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * Wraps volume keys under 32 secret bytes: KEK = HKDF-SHA-256(secret, salt = volume UUID as 16 big-endian bytes,
 * info = label), then AES-256-KWP ({@link WrapAlgorithm#HKDF_KWP}). So one key file may serve many volumes, each under a
 * KEK of its own, and a slot moved to another volume does not open.
 */
public final class HkdfKek {
    /** Info of KEKs from key files, descriptors and credentials. */
    public static final String LABEL_FILE = "blockseal/v1/kek/file";
    /** Info of KEKs from recovery keys. */
    public static final String LABEL_RECOVERY = "blockseal/v1/kek/recovery";
    /** Info of KEKs from a random secret that a KMIP server keeps for us. */
    public static final String LABEL_KMIP = "blockseal/v1/kek/kmip";

    private final CryptoEngine engine;
    private final byte[] info;

    /** KEKs of one kind of source. */
    public HkdfKek(CryptoEngine engine, String label) {
        this.engine = engine;
        this.info = label.getBytes(StandardCharsets.US_ASCII);
    }

    /** The volume key under the KEK of this volume: 40 bytes. */
    public byte[] wrap(Secret secret, Secret volumeKey, Binding binding) {
        try (Secret kek = kek(secret, binding)) {
            return engine.wrap().wrapKwp(kek.key(), volumeKey.key());
        }
    }

    /** The volume key, which the caller closes, or null if the blob is of another KEK or was altered. */
    public @Nullable Secret unwrap(Secret secret, byte[] blob, Binding binding) {
        Secret volumeKey = Secret.empty(engine.keys());
        boolean opened = false;
        try (Secret kek = kek(secret, binding)) {
            opened = engine.wrap().unwrapKwp(kek.key(), blob, volumeKey.key());
        } finally {
            if (!opened) {
                volumeKey.close();
            }
        }
        return opened ? volumeKey : null;
    }

    private Secret kek(Secret secret, Binding binding) {
        UUID volume = binding.volume();
        byte[] salt = ByteBuffer.allocate(2 * Long.BYTES)
                .putLong(volume.getMostSignificantBits())
                .putLong(volume.getLeastSignificantBits())
                .array();
        Secret kek = Secret.empty(engine.keys());
        try {
            engine.derivation().hkdf(secret.key(), salt, info, kek.key());
            return kek;
        } catch (RuntimeException e) {
            kek.close();
            throw e;
        }
    }
}
