package io.blockseal.volume.slot;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;

/**
 * Wraps a volume key by a source that has shown that it gives the same key back. Whoever commits a key slot on a
 * source's word alone finds out too late that nobody opens it. On key-source threads.
 */
public final class ProvenWrap {
    private ProvenWrap() {}

    /** The volume key as a slot will hold it; nothing was written anywhere if this throws. */
    public static WrappedKey wrap(
            CryptoEngine engine, String volumeName, KeySource source, Secret volumeKey, Binding binding)
            throws KeySourceException {
        return proven(source.wrap(volumeKey, binding), engine, volumeName, source, volumeKey, binding);
    }

    /** Likewise of a key that {@code old} holds, which the source may open: it need not be shown the key for that. */
    public static WrappedKey rewrap(
            CryptoEngine engine, String volumeName, KeySource source, WrappedKey old, Secret volumeKey, Binding binding)
            throws KeySourceException {
        return proven(source.rewrap(old, volumeKey, binding), engine, volumeName, source, volumeKey, binding);
    }

    private static WrappedKey proven(
            WrappedKey wrapped,
            CryptoEngine engine,
            String volumeName,
            KeySource source,
            Secret volumeKey,
            Binding binding)
            throws KeySourceException {
        try (Secret back = source.unwrap(wrapped, binding)) {
            if (engine.keys().same(back.key(), volumeKey.key())) {
                return wrapped;
            }
        } catch (WrongKeyException e) {
            throw unproven(volumeName, source, "does not open what it has just wrapped (" + e.getMessage() + ")");
        }
        throw unproven(volumeName, source, "gave another key back than it was given");
    }

    private static KeySourceException unproven(String volumeName, KeySource source, String what) {
        return new KeySourceException(
                KeySourceException.Kind.MISCONFIGURED,
                volumeName + ": the key source " + source.reference() + " " + what
                        + "; nothing was changed. Look at the key there, and try again.");
    }
}
