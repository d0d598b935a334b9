package io.blockseal.app.key;

import static org.junit.jupiter.api.Assertions.assertSame;

import io.blockseal.config.KeyConfig;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.KernelRandom;
import io.blockseal.crypto.KeyLeaks;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.file.KeyFile;
import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeyPlacesTest {
    private static final int KEY_SLOTS = 4;
    private static final Binding BINDING = new Binding(UUID.fromString("01234567-89ab-cdef-0123-456789abcdef"));

    @TempDir
    private Path folder;

    private final CryptoEngine engine = new JavaCryptoEngine(KEY_SLOTS, new KernelRandom());

    private KeyConfig keyFile(String name) throws Exception {
        Path file = folder.resolve(name);
        KeyFile.create(file, engine);
        return new KeyConfig(KeyConfig.Kind.KEY_FILE, file.toString());
    }

    private static WrappedKey wrap(KeySource source, CryptoEngine engine) throws Exception {
        try (Secret key = Secret.random(engine.keys(), 32)) {
            return source.wrap(key, BINDING);
        }
    }

    /** Each as long as somebody asks it, and no other for that. */
    @Test
    void keepsWhatSomebodyHoldsAndNothingElse() throws Exception {
        KeyPlaces places = new KeyPlaces(engine);
        KeyConfig ofTwo = keyFile("two");
        KeySource shared = places.open(ofTwo, "");
        KeySource other = places.open(keyFile("other"), "");
        assertSame(shared, places.open(ofTwo, ""));
        WrappedKey wrapped = wrap(shared, engine);
        wrap(other, engine);
        places.hold(shared);
        places.hold(shared);
        places.close();
        // Nobody holds the other's key: one slot is in use.
        KeyLeaks.requireNone(engine.keys(), KEY_SLOTS - 1);
        places.letGo(shared);
        shared.unwrap(wrapped, BINDING).close();
        KeyLeaks.requireNone(engine.keys(), KEY_SLOTS - 1);
        places.letGo(shared);
        KeyLeaks.requireNone(engine.keys(), KEY_SLOTS);
        engine.close();
    }

    @Test
    void whatIsLetGoEarlyStaysUntilAllIsClosed() throws Exception {
        KeyPlaces places = new KeyPlaces(engine);
        KeySource source = places.open(keyFile("one"), "");
        WrappedKey wrapped = wrap(source, engine);
        places.hold(source);
        places.letGo(source);
        source.unwrap(wrapped, BINDING).close();
        places.close();
        KeyLeaks.requireNone(engine.keys(), KEY_SLOTS);
        engine.close();
    }
}
