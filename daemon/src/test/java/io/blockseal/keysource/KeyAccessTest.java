package io.blockseal.keysource;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.keysource.KeyAccess.Standing;
import io.blockseal.keysource.KeySourceException.Kind;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class KeyAccessTest {
    private static final long MINUTE = 60_000;
    private static final long GRACE = 60 * MINUTE;

    private final KeyAccess access = new KeyAccess(GRACE, 0);

    @Test
    void threeRefusalsOverFiveMinutesBeginTheGrace() {
        assertEquals(Standing.REFUSED, access.failed(Kind.REFUSED, 10 * MINUTE));
        assertEquals(Standing.REFUSED, access.failed(Kind.REFUSED, 12 * MINUTE));
        assertEquals(Standing.REFUSED, access.failed(Kind.REFUSED, 14 * MINUTE));
        assertEquals(Standing.GRACE, access.failed(Kind.REFUSED, 15 * MINUTE));
        assertEquals(Standing.GRACE, access.failed(Kind.REFUSED, 75 * MINUTE - 1));
        assertEquals(Standing.REVOKED, access.failed(Kind.REFUSED, 75 * MINUTE));
        assertEquals(Standing.REVOKED, access.failed(Kind.REFUSED, 500 * MINUTE));
        assertEquals(0, access.verifiedAt());
    }

    @Test
    void twoRefusalsFarApartAreNotEnough() {
        assertEquals(Standing.REFUSED, access.failed(Kind.REFUSED, MINUTE));
        assertEquals(Standing.REFUSED, access.failed(Kind.REFUSED, 100 * MINUTE));
        assertEquals(Standing.GRACE, access.failed(Kind.REFUSED, 100 * MINUTE + 1));
    }

    @Test
    void oneGoodAnswerEndsAllOfIt() {
        refuseUntil(80 * MINUTE);
        assertEquals(Standing.REVOKED, access.standing());
        assertEquals(Standing.GOOD, access.opened(81 * MINUTE));
        assertEquals(81 * MINUTE, access.verifiedAt());
        assertEquals(Standing.REFUSED, access.failed(Kind.REFUSED, 82 * MINUTE));
    }

    @Test
    void oneRefusalBetweenGoodAnswersIsNothing() {
        for (int i = 0; i < 1000; i++) {
            assertEquals(Standing.REFUSED, access.failed(Kind.REFUSED, 2L * i * MINUTE));
            assertEquals(Standing.GOOD, access.opened((2L * i + 1) * MINUTE));
        }
    }

    @ParameterizedTest
    @EnumSource(value = Kind.class, mode = EnumSource.Mode.EXCLUDE, names = "REFUSED")
    void doubtNeverRevokesAndEndsNoRevocation(Kind doubt) {
        for (int i = 0; i < 10_000; i++) {
            assertEquals(Standing.IN_DOUBT, access.failed(doubt, i * MINUTE));
        }
        access.opened(0);
        access.failed(Kind.REFUSED, 0);
        assertEquals(Standing.REFUSED, access.failed(doubt, MINUTE));
        access.failed(Kind.REFUSED, 2 * MINUTE);
        assertEquals(Standing.REFUSED, access.failed(doubt, 1000 * MINUTE));
        assertEquals(Standing.GRACE, access.failed(Kind.REFUSED, 1001 * MINUTE));
        assertEquals(Standing.GRACE, access.failed(doubt, 1002 * MINUTE));
    }

    /** Else whoever cuts the line to the source, once the key is revoked, could use it for ever. */
    @ParameterizedTest
    @EnumSource(Kind.class)
    void theGraceEndsByTheClockWhateverIsAnswered(Kind kind) {
        refuseUntil(5 * MINUTE);
        assertEquals(Standing.GRACE, access.standing());
        assertEquals(65 * MINUTE, access.graceUntil());
        assertEquals(Standing.GRACE, access.failed(kind, 65 * MINUTE - 1));
        assertEquals(Standing.REVOKED, access.failed(kind, 65 * MINUTE));
        assertEquals(Standing.REVOKED, access.failed(Kind.UNREACHABLE, 66 * MINUTE));
    }

    @Test
    void theGraceEndsByTheClockWithNoAnswerAtAll() {
        assertEquals(Standing.GOOD, access.passed(1000 * MINUTE));
        refuseUntil(4 * MINUTE);
        assertEquals(Standing.REFUSED, access.passed(1000 * MINUTE));
        access.failed(Kind.REFUSED, 5 * MINUTE);
        assertEquals(Standing.GRACE, access.passed(65 * MINUTE - 1));
        assertEquals(Standing.REVOKED, access.passed(65 * MINUTE));
    }

    @Test
    void withoutGraceItIsOverAtOnce() {
        KeyAccess strict = new KeyAccess(0, 0);
        strict.failed(Kind.REFUSED, 0);
        strict.failed(Kind.REFUSED, MINUTE);
        assertEquals(Standing.REVOKED, strict.failed(Kind.REFUSED, 5 * MINUTE));
    }

    private void refuseUntil(long end) {
        for (long now = 0; now <= end; now += MINUTE) {
            access.failed(Kind.REFUSED, now);
        }
    }

    /** Whatever is answered: revoked only after enough refusals since the last good answer, spread and waited for. */
    @Test
    void holdsForAnyAnswers() {
        long seed = 20261126;
        Random random = new Random(seed);
        for (int run = 0; run < 2000; run++) {
            KeyAccess any = new KeyAccess(GRACE, 0);
            long now = 0;
            long firstRefusal = -1;
            int refusals = 0;
            for (int step = 0; step < 60; step++) {
                now += random.nextInt(10) * MINUTE;
                Kind kind = List.of(Kind.REFUSED, Kind.REFUSED, Kind.REFUSED, Kind.UNREACHABLE, Kind.THROTTLED)
                        .get(random.nextInt(5));
                if (random.nextInt(12) == 0) {
                    assertEquals(Standing.GOOD, any.opened(now));
                    firstRefusal = -1;
                    refusals = 0;
                    continue;
                }
                Standing standing = any.failed(kind, now);
                if (kind == Kind.REFUSED) {
                    firstRefusal = refusals == 0 ? now : firstRefusal;
                    refusals++;
                }
                String where = "seed " + seed + " run " + run + " step " + step;
                assertNotEquals(Standing.GOOD, standing, where);
                if (standing == Standing.GRACE || standing == Standing.REVOKED) {
                    assertTrue(refusals >= 3 && now - firstRefusal >= 5 * MINUTE, where);
                }
                if (standing == Standing.REVOKED) {
                    assertTrue(refusals >= 3 && now - firstRefusal >= 5 * MINUTE + GRACE, where);
                }
            }
        }
    }
}
