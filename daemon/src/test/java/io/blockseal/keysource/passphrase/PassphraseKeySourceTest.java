package io.blockseal.keysource.passphrase;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.Secret;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContract;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** A passphrase opens its volume, costs an attacker what it should, and is not left lying about. */
class PassphraseKeySourceTest extends KeySourceContract {
    private static final PassphrasePolicy POLICY = PassphrasePolicy.DEFAULT.withCost(Argon2Cost.FLOOR);

    @Override
    protected KeySource source() {
        return source("correct horse battery", POLICY);
    }

    @Override
    protected KeySource otherSource() {
        return source("correct horse battery ", POLICY);
    }

    private KeySource source(String passphrase, PassphrasePolicy policy) {
        return new PassphraseKeySource(engine, () -> passphrase.getBytes(StandardCharsets.UTF_8), policy);
    }

    private String refusalToWrap(String passphrase, PassphrasePolicy policy) {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = source(passphrase, policy)) {
            return assertThrows(KeySourceException.class, () -> source.wrap(volumeKey, binding))
                    .getMessage();
        }
    }

    @Test
    void refusesShortPassphrasesForNewSlotsUnlessToldOtherwise() throws Exception {
        assertTrue(refusalToWrap("elevenchars", POLICY).contains("has 11 characters; at least 12"));
        // Characters, not bytes.
        assertTrue(refusalToWrap("ääääääääääü", POLICY).contains("has 11 characters"));
        assertTrue(refusalToWrap("", POLICY).contains("1 to 4096 bytes"));
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = source("short", POLICY.allowingWeak())) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            try (KeySource strict = source("short", POLICY)) {
                strict.unwrap(wrapped, binding).close();
            }
        }
    }

    @Test
    void refusesCheapGuessesForNewSlots() {
        for (Argon2Cost cost : new Argon2Cost[] {
            new Argon2Cost((64 << 10) - 1, 3, 4),
            new Argon2Cost(64 << 10, 2, 4),
            new Argon2Cost(64 << 10, 3, 0),
            new Argon2Cost(64 << 10, 65, 4),
            new Argon2Cost((4 << 20) + 1, 3, 4)
        }) {
            String message = refusalToWrap("correct horse battery", POLICY.withCost(cost));
            assertTrue(message.contains("is not allowed"), message);
        }
    }

    @Test
    void wipesThePassphraseOnClose() throws Exception {
        byte[] typed = "correct horse battery".getBytes(StandardCharsets.UTF_8);
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = new PassphraseKeySource(engine, () -> typed, POLICY)) {
            source.wrap(volumeKey, binding);
        }
        assertArrayEquals(new byte[typed.length], typed);
    }

    @Test
    void asksOnceForAllSlots() throws Exception {
        int[] asked = {0};
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = new PassphraseKeySource(
                        engine,
                        () -> {
                            asked[0]++;
                            return "correct horse battery".getBytes(StandardCharsets.UTF_8);
                        },
                        POLICY)) {
            assertEquals(0, asked[0]);
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            source.unwrap(wrapped, binding).close();
            assertEquals(1, asked[0]);
        }
    }

    @Test
    void saltsEachSlot() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey first = wrapped(volumeKey);
            WrappedKey second = wrapped(volumeKey);
            assertFalse(Arrays.equals(first.parameters(), second.parameters()));
            assertFalse(Arrays.equals(first.blob(), second.blob()));
        }
    }

    @Nested
    class ASlotThatAsksForTooMuch {
        private KeySourceException refusal(int memoryKib, int passes, int lanes) {
            byte[] parameters = new Argon2Slot(new Argon2Cost(memoryKib, passes, lanes), new byte[32]).encode();
            WrappedKey bomb = new WrappedKey(WrapAlgorithm.ARGON2ID_KWP, "passphrase:", "", parameters, new byte[40]);
            KeySource source = new PassphraseKeySource(
                    engine,
                    () -> {
                        throw new AssertionError("nobody should have to type a passphrase for this");
                    },
                    POLICY);
            return assertThrows(KeySourceException.class, () -> source.unwrap(bomb, binding));
        }

        @Test
        void isRefusedAtOnceWithoutAskingForThePassphrase() {
            int gib = 1 << 20;
            for (int[] cost : new int[][] {
                {64 * gib, 3, 4}, {-1, 3, 4}, {Integer.MIN_VALUE, 3, 4}, {4 * gib + 1, 3, 4}, {64 << 10, -1, 4},
                {64 << 10, 65, 4}, {64 << 10, 0, 4}, {64 << 10, 3, 17}, {64 << 10, 3, 0}, {8, 3, 4}
            }) {
                KeySourceException e = refusal(cost[0], cost[1], cost[2]);
                assertEquals(KeySourceException.Kind.MISCONFIGURED, e.kind());
                assertTrue(e.getMessage().contains("at most 4 GiB"), e.getMessage());
            }
        }

        @Test
        void isRefusedWhereTheHeapIsTooSmallAndSaysHowToRaiseIt() {
            Argon2Slot slot = new Argon2Slot(new Argon2Cost(1 << 20, 4, 4), new byte[32]);
            String message = assertThrows(
                            KeySourceException.class, () -> Argon2id.derive(new byte[12], slot, 128L << 20))
                    .getMessage();
            assertTrue(message.contains("needs 1024 MiB") && message.contains("heap of 128 MiB"), message);
            assertTrue(message.contains("BLOCKSEAL_JAVA_OPTS=-Xmx1984m"), message);
        }

        @Test
        void theFloorFitsIntoASmallHeap() throws KeySourceException {
            byte[] key = Argon2id.derive("a passphrase".getBytes(StandardCharsets.US_ASCII), floor(), 128L << 20);
            assertEquals(32, key.length);
        }

        private Argon2Slot floor() {
            return new Argon2Slot(Argon2Cost.FLOOR, new byte[32]);
        }
    }

    @Nested
    class Calibration {
        private Argon2Cost at(double secondsAtFloor) throws KeySourceException {
            return Argon2Cost.calibrated(Duration.ofSeconds(2), cost -> {
                assertEquals(Argon2Cost.FLOOR, cost);
                return (long) (secondsAtFloor * 1e9);
            });
        }

        @Test
        void takesAsManyPassesAsTheTargetAllows() throws KeySourceException {
            assertEquals(new Argon2Cost(64 << 10, 12, 4), at(0.5));
            assertEquals(new Argon2Cost(64 << 10, 64, 4), at(0.001));
        }

        @Test
        void neverGoesBelowTheFloorHoweverSlowTheMachine() throws KeySourceException {
            assertEquals(Argon2Cost.FLOOR, at(60));
        }
    }
}
