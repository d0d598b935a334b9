package io.blockseal.app.served;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.Cli;
import io.blockseal.app.console.CommandException;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.WrongKeyException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How often a key source is asked that could not give the key when the daemon started. */
class LateOpeningPausesTest {
    private static final long FIRST_MILLIS = 1000;
    private static final long MAX_MILLIS = 60_000;

    private final List<Long> pauses = new ArrayList<>();
    private @Nullable Runnable next;
    private @Nullable Exception trouble;
    private int tries;
    private ServedVolume volume;

    private final LateOpenings late = new LateOpenings(
            opened -> {
                tries++;
                if (trouble != null) {
                    throw trouble;
                }
            },
            Runnable::run,
            (millis, task) -> {
                pauses.add(millis);
                next = task;
            },
            FIRST_MILLIS,
            MAX_MILLIS);

    @TempDir
    private Path directory;

    @BeforeEach
    void isAway() throws Exception {
        volume = new ServedVolume(
                new Cli(directory)
                        .configuration("path: ./far.bsl, key-source: \"exec:/kms\"")
                        .volumes()
                        .get(0),
                1,
                () -> 0);
        late.await(volume, "away");
    }

    private void timeGoesBy() {
        Runnable due = next;
        assertNotNull(due, "nothing is to be tried any more");
        next = null;
        due.run();
    }

    private static long longest(int index) {
        return Math.min(MAX_MILLIS, FIRST_MILLIS << index);
    }

    /** A service that comes back is not met by everybody at once, and one that stays away is asked each minute. */
    @Test
    void growUpToAMinuteHalfOfThemByChance() {
        trouble = new KeySourceException(Kind.UNREACHABLE, "away");
        for (int i = 0; i < 12; i++) {
            long pause = pauses.get(i);
            assertTrue(pause >= longest(i) / 2 && pause <= longest(i), "pause " + i + ": " + pause + " ms");
            timeGoesBy();
        }
        assertEquals(12, tries);
        assertTrue(pauses.get(12) >= MAX_MILLIS / 2);
    }

    /** Whatever it says meanwhile, an operator may mend it without us; what was said last is shown. */
    @Test
    void goOnWhateverTheSourceSaysUntilItGivesTheKey() {
        for (Exception each : List.of(
                new KeySourceException(Kind.REFUSED, "disabled"),
                new KeySourceException(Kind.THROTTLED, "too often"),
                new KeySourceException(Kind.MISCONFIGURED, "no such key"),
                new WrongKeyException("wrong PIN"))) {
            trouble = each;
            timeGoesBy();
            assertEquals("awaited", volume.health().key().standing());
            assertEquals(each.getMessage(), volume.health().key().why());
        }
        trouble = null;
        timeGoesBy();
        assertEquals(5, tries);
        assertEquals(5, pauses.size(), "it is open");
    }

    /** One opener at a time: a try that is due meanwhile is put off, and goes on only if the order has failed. */
    @Test
    void standBackForAnOrder() throws Exception {
        Exception wrong = new WrongKeyException("not this one");
        assertSame(
                wrong,
                assertThrows(
                        WrongKeyException.class,
                        () -> late.openByOrder(
                                volume,
                                ordered -> {
                                    timeGoesBy();
                                    assertThrows(
                                            CommandException.class,
                                            () -> late.openByOrder(ordered, unused -> tries++, Duration.ZERO));
                                    throw wrong;
                                },
                                Duration.ZERO)));
        assertEquals(0, tries);
        timeGoesBy();
        assertEquals(1, tries);
        assertNull(next, "it is open");
        assertFalse(late.openByOrder(volume, unused -> tries++, Duration.ZERO));
        assertEquals(1, tries);
    }

    @Test
    void endWhenAnOrderHasOpenedIt() throws Exception {
        assertTrue(late.openByOrder(volume, unused -> {}, Duration.ZERO));
        timeGoesBy();
        assertEquals(0, tries);
        assertNull(next, "it is open");
    }

    @Test
    void noOrderOpensOneThatIsTakenOutOfService() throws Exception {
        assertTrue(late.giveUp(volume, Duration.ZERO));
        assertFalse(late.openByOrder(volume, unused -> tries++, Duration.ZERO));
        assertEquals(0, tries);
    }

    @Test
    void endWhenItIsGivenUp() throws Exception {
        assertTrue(late.giveUp(volume, Duration.ZERO));
        timeGoesBy();
        assertEquals(0, tries);
        assertEquals(1, pauses.size());
    }
}
