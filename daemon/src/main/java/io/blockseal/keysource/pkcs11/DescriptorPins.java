package io.blockseal.keysource.pkcs11;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.KeyArena;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.SecretAccess;
import io.blockseal.keysource.FirstLine;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * PINs that came through inherited descriptors. A pipe gives its PIN but once in the life of the process, and there may be
 * several volumes that have it from there, some of which come only when the configuration is loaded again: so each stays in
 * the engine until that is closed. From any thread.
 */
final class DescriptorPins {
    private static final class Kept {
        private final int number;
        private final CryptoEngine engine;
        private @Nullable Secret pin;

        Kept(int number, CryptoEngine engine) {
            this.number = number;
            this.engine = engine;
        }

        /** The first blocks until there is something in the pipe, and those after it with it. */
        synchronized byte[] read() throws KeySourceException {
            Secret before = pin;
            if (before != null) {
                byte[] text = new byte[engine.keys().length(before.key())];
                engine.keys().copyOut(before.key(), SecretAccess.LOG_IN_TO_TOKEN, ByteBuffer.wrap(text));
                return text;
            }
            byte[] text = FirstLine.ofDescriptor(number).read();
            if (text.length > KeyArena.KEY_BYTES_MAX) {
                Arrays.fill(text, (byte) 0);
                throw new KeySourceException(
                        Kind.MISCONFIGURED,
                        "descriptor " + number + ": a PIN from a descriptor may have " + KeyArena.KEY_BYTES_MAX
                                + " bytes");
            }
            Secret read = Secret.empty(engine.keys());
            engine.keys().put(read.key(), ByteBuffer.wrap(text));
            pin = read;
            return text;
        }
    }

    private final IdentityHashMap<CryptoEngine, Map<Integer, Kept>> kept = new IdentityHashMap<>();

    /** The PIN of that descriptor, which the caller wipes. */
    byte[] read(int number, CryptoEngine engine) throws KeySourceException {
        return of(number, engine).read();
    }

    private synchronized Kept of(int number, CryptoEngine engine) {
        return kept.computeIfAbsent(engine, any -> new HashMap<>())
                .computeIfAbsent(number, any -> new Kept(number, engine));
    }
}
