package io.blockseal.keysource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.KernelRandom;
import io.blockseal.crypto.KeyLeaks;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.java.JavaCryptoEngine;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A key source that opens too little loses the volume; one that opens too much gives it away. */
public abstract class KeySourceContract {
    /** Few slots, so that a source that leaks one is found out. */
    private static final int KEY_SLOTS = 8;

    protected final CryptoEngine engine = new JavaCryptoEngine(KEY_SLOTS, new KernelRandom());
    protected final Binding binding = new Binding(UUID.fromString("01234567-89ab-cdef-0123-456789abcdef"));

    /** A source over the key that the tests use. */
    protected abstract KeySource source() throws Exception;

    /** A source of the same kind over another key. */
    protected abstract KeySource otherSource() throws Exception;

    @AfterEach
    void close() {
        engine.close();
    }

    @Test
    void opensWhatItWrapped() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey wrapped = wrapped(volumeKey);
            try (KeySource again = source();
                    Secret opened = again.unwrap(wrapped, binding)) {
                assertTrue(again.mayOpen(wrapped));
                assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
            }
        }
    }

    @Test
    void fitsIntoAKeySlot() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey wrapped = wrapped(volumeKey);
            assertTrue(wrapped.reference().getBytes(StandardCharsets.UTF_8).length <= 256);
            assertTrue(wrapped.parameters().length <= 128);
            assertEquals(40, wrapped.blob().length);
            assertEquals("", wrapped.version());
        }
    }

    @Test
    void refusesAnotherKey() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey wrapped = wrapped(volumeKey);
            try (KeySource other = otherSource()) {
                assertTrue(other.mayOpen(wrapped));
                assertThrows(WrongKeyException.class, () -> other.unwrap(wrapped, binding));
            }
        }
    }

    @Test
    void refusesAnAlteredOrTruncatedBlob() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = source()) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            Set<String> messages = new HashSet<>();
            for (int i : new int[] {0, 20, 39}) {
                byte[] blob = wrapped.blob().clone();
                blob[i] ^= 1;
                messages.add(assertThrows(WrongKeyException.class, () -> source.unwrap(with(wrapped, blob), binding))
                        .getMessage());
            }
            assertEquals(1, messages.size(), () -> "it is told which part was wrong: " + messages);
            byte[] truncated = Arrays.copyOf(wrapped.blob(), 39);
            assertThrows(WrongKeyException.class, () -> source.unwrap(with(wrapped, truncated), binding));
        }
    }

    @Test
    void leavesSlotsOfOthersAlone() throws Exception {
        try (KeySource source = source()) {
            for (WrapAlgorithm algorithm : WrapAlgorithm.values()) {
                WrappedKey foreign = new WrappedKey(algorithm, "azure:prod", "1", new byte[0], new byte[40]);
                if (algorithm != WrapAlgorithm.ARGON2ID_KWP) {
                    assertFalse(source.mayOpen(foreign));
                    assertThrows(WrongKeyException.class, () -> source.unwrap(foreign, binding));
                }
            }
        }
    }

    @Test
    void leavesNoKeyBehind() throws Exception {
        for (int i = 0; i < 3; i++) {
            try (Secret volumeKey = Secret.random(engine.keys(), 32);
                    KeySource source = source();
                    KeySource other = otherSource()) {
                WrappedKey wrapped = source.wrap(volumeKey, binding);
                source.unwrap(wrapped, binding).close();
                assertThrows(WrongKeyException.class, () -> other.unwrap(wrapped, binding));
            }
        }
        KeyLeaks.requireNone(engine.keys(), KEY_SLOTS);
    }

    protected final WrappedKey wrapped(Secret volumeKey) throws Exception {
        try (KeySource source = source()) {
            return source.wrap(volumeKey, binding);
        }
    }

    protected static WrappedKey with(WrappedKey wrapped, byte[] blob) {
        return new WrappedKey(wrapped.algorithm(), wrapped.reference(), wrapped.version(), wrapped.parameters(), blob);
    }
}
