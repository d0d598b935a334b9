package io.blockseal.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every call to the store fails once, in every kind of request: the client gets the store's error, what the stack held
 * comes back (the rig checks that on closing), and the device goes on.
 */
class StoreFaultTest {
    private static final int UNIT = 4096;

    private record Case(Command command, int flags, long offset, int length) {}

    private static final Case[] CASES = {
        new Case(Command.READ, 0, UNIT, 3 * Rig.RANGE),
        new Case(Command.READ, 0, 100, 200),
        new Case(Command.READ, 0, 100, 3 * Rig.RANGE),
        new Case(Command.WRITE, 0, UNIT, 3 * Rig.RANGE),
        new Case(Command.WRITE, BlockRequest.FUA, 100, 200),
        new Case(Command.WRITE, 0, UNIT - 1, 3 * Rig.RANGE),
        new Case(Command.TRIM, 0, UNIT, 9 * Rig.RANGE),
        new Case(Command.TRIM, 0, 100, 9 * Rig.RANGE),
        new Case(Command.WRITE_ZEROES, 0, 100, 9 * Rig.RANGE),
        new Case(Command.WRITE_ZEROES, BlockRequest.FAST_ZERO, 100, 9 * Rig.RANGE),
        new Case(Command.WRITE_ZEROES, BlockRequest.NO_HOLE, 100, 9 * Rig.RANGE),
        new Case(Command.FLUSH, 0, 0, 0),
    };

    @ParameterizedTest
    @EnumSource(ScatterStore.Timing.class)
    void eachFaultIsAnsweredAndNothingIsKeptOrHangs(ScatterStore.Timing timing) {
        int faults = 0;
        for (Case c : CASES) {
            for (int failing = 0; ; failing++) {
                Errno expected = failing % 2 == 0 ? Errno.EIO : Errno.ENOSPC;
                try (Rig rig = Rig.plan().timing(timing).seed(failing + 1).build()) {
                    for (int i = 0; i < 12; i++) {
                        assertEquals(Errno.OK, rig.write((long) i * Rig.RANGE, Rig.noise(i, Rig.RANGE)));
                    }
                    AtomicInteger left = new AtomicInteger(failing);
                    rig.store.fault = r -> left.getAndDecrement() == 0 ? expected : Errno.OK;
                    Errno errno = rig.run(c.command, c.flags, c.offset, c.length);
                    rig.turnUntilIdle();
                    if (left.get() >= 0) {
                        assertEquals(Errno.OK, errno);
                        break;
                    }
                    faults++;
                    assertEquals(expected, errno, c + " with call " + failing + " failing");
                    // No lock and no state is left behind: the same request now succeeds.
                    assertEquals(Errno.OK, rig.run(c.command, c.flags, c.offset, c.length));
                    assertArrayEquals(Rig.noise(11, Rig.RANGE), rig.read(11L * Rig.RANGE, Rig.RANGE));
                }
            }
        }
        assertTrue(faults >= 50, "faults: " + faults);
    }
}
