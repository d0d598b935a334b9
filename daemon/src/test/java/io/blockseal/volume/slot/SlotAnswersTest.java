package io.blockseal.volume.slot;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.KernelRandom;
import io.blockseal.crypto.KeyLeaks;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.UnwrapOnly;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What is asked a second time costs a service a question, and a token perhaps one of its last tries. */
class SlotAnswersTest {
    private static final int KEY_SLOTS = 8;

    private final CryptoEngine engine = new JavaCryptoEngine(KEY_SLOTS, new KernelRandom());
    private final Binding binding = new Binding(new UUID(1, 2));
    private final Counting source = new Counting();

    @AfterEach
    void leavesNoKeyBehind() {
        KeyLeaks.requireNone(engine.keys(), KEY_SLOTS);
        engine.close();
    }

    /** Arrays of its own each time, as each copy of the key slots is decoded for itself. */
    private static WrappedKey slot(int blob) {
        return new WrappedKey(WrapAlgorithm.OPAQUE, "far", "1", new byte[] {4}, new byte[] {(byte) blob});
    }

    @Test
    void givesAKeyThatDidNotFitToTheNextWhoAsks() throws Exception {
        try (SlotAnswers answers = new SlotAnswers()) {
            Secret key = answers.unwrap(source, slot(1), binding);
            answers.bringBack(source, slot(1), binding, key);
            assertSame(key, answers.unwrap(source, slot(1), binding));
            assertEquals(1, source.asked);
            answers.bringBack(source, slot(1), binding, key);
        }
    }

    @Test
    void repeatsWhatWasSaidWhereThereWasNoKey() throws Exception {
        try (SlotAnswers answers = new SlotAnswers()) {
            source.trouble = new KeySourceException(KeySourceException.Kind.UNREACHABLE, "away");
            for (int i = 0; i < 3; i++) {
                assertSame(
                        source.trouble,
                        assertThrows(KeySourceException.class, () -> answers.unwrap(source, slot(1), binding)));
            }
            source.trouble = null;
            source.stranger = new WrongKeyException("another");
            for (int i = 0; i < 3; i++) {
                assertSame(
                        source.stranger,
                        assertThrows(WrongKeyException.class, () -> answers.unwrap(source, slot(2), binding)));
            }
            assertEquals(2, source.asked);
        }
    }

    @Test
    void asksWhateverIsAnotherQuestion() throws Exception {
        Counting other = new Counting();
        try (SlotAnswers answers = new SlotAnswers()) {
            Secret first = answers.unwrap(source, slot(1), binding);
            answers.bringBack(source, slot(1), binding, first);
            try (Secret slot = answers.unwrap(source, slot(2), binding);
                    Secret volume = answers.unwrap(source, slot(1), new Binding(new UUID(1, 3)));
                    Secret elsewhere = answers.unwrap(other, slot(1), binding)) {
                assertNotSame(first, slot);
                assertNotSame(first, volume);
                assertNotSame(first, elsewhere);
            }
            assertEquals(3, source.asked);
            assertEquals(1, other.asked);
        }
    }

    private final class Counting extends UnwrapOnly {
        private int asked;
        private @Nullable KeySourceException trouble;
        private @Nullable WrongKeyException stranger;

        Counting() {
            super("far");
        }

        @Override
        public Secret unwrap(WrappedKey wrapped, Binding volume) throws KeySourceException, WrongKeyException {
            asked++;
            if (trouble != null) {
                throw trouble;
            }
            if (stranger != null) {
                throw stranger;
            }
            return Secret.random(engine.keys(), 32);
        }
    }
}
