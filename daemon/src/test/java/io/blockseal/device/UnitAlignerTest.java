package io.blockseal.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.Geometry;
import io.blockseal.memory.ArenaBuf;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The whole stack with requests of any bytes. */
class UnitAlignerTest {
    private static final int UNIT = 4096;

    @Test
    void takesAnyByteAndPrefersWholeUnits() {
        try (Rig rig = Rig.plan().unit(512).build()) {
            assertEquals(
                    new Geometry(Rig.SIZE, 1, 4096, false, true, true, true),
                    rig.stack.top().geometry());
        }
    }

    /** Z2: the rest of a unit that was never written is zeros. */
    @Test
    void aSmallWriteLeavesTheRestOfItsUnitZeros() {
        try (Rig rig = Rig.plan().build()) {
            byte[] data = Rig.noise(1, 512);
            assertEquals(Errno.OK, rig.write(UNIT + 1024, data));
            byte[] expected = new byte[3 * UNIT];
            System.arraycopy(data, 0, expected, UNIT + 1024, 512);
            assertArrayEquals(expected, rig.read(0, expected.length));
        }
    }

    @ParameterizedTest
    @CsvSource({"512,1", "512,512", "512,4096", "4096,1", "4096,512", "4096,4096"})
    void readsBackWritesOfEveryShape(int unit, int alignment) {
        try (Rig rig = Rig.plan().unit(unit).storeAlignment(alignment).build()) {
            byte[] model = new byte[Rig.SIZE];
            int[] edges = {0, 1, 511, 512, 4095, 4096, 4097, Rig.RANGE - 1, Rig.RANGE, Rig.RANGE + 513, 300_000};
            int seed = 0;
            for (int start : edges) {
                for (int end : edges) {
                    if (start < end) {
                        byte[] data = Rig.noise(++seed, end - start);
                        assertEquals(Errno.OK, rig.write(start, data));
                        System.arraycopy(data, 0, model, start, data.length);
                        assertArrayEquals(data, rig.read(start, data.length));
                    }
                }
            }
            assertArrayEquals(Arrays.copyOf(model, 400_000), rig.read(0, 400_000));
        }
    }

    @Test
    void passesWholeBlocksInTheMiddleDownWithoutACopy() {
        try (Rig rig = Rig.plan().build()) {
            int length = 10 * UNIT;
            assertEquals(Errno.OK, rig.write(100, Rig.noise(1, length)));
            assertEquals(3, rig.store.calls(Command.WRITE), "middle, head and tail");
            assertEquals(2, rig.store.calls(Command.READ), "head and tail are read first");
        }
    }

    @Test
    void durabilityReachesEveryPart() {
        try (Rig rig = Rig.plan().build()) {
            rig.store.fault = r -> r.command() != Command.WRITE || r.has(BlockRequest.FUA) ? Errno.OK : Errno.EIO;
            assertEquals(Errno.OK, rig.write(BlockRequest.FUA, 100, Rig.noise(1, 3 * UNIT)));
        }
    }

    @Test
    void copiesWhenTheStoreCannotUseTheMemory() {
        try (Rig rig = Rig.plan().storeAlignment(512).build()) {
            byte[] data = Rig.noise(4, 200_000);
            Rig.Sent write = rig.send(0, Command.WRITE, 0, UNIT, 45 * UNIT, Arrays.copyOf(data, 45 * UNIT), 7);
            rig.turnUntilIdle();
            assertEquals(Errno.OK, rig.outcome(write));
            Rig.Sent read = rig.send(0, Command.READ, 0, UNIT + 3, 44 * UNIT, null, 9);
            rig.turnUntilIdle();
            assertEquals(Errno.OK, read.errno);
            assertArrayEquals(Arrays.copyOfRange(data, 3, 3 + 44 * UNIT), rig.bytesOf(read, 44 * UNIT, 9));
        }
    }

    @Test
    void answersRequestsOfNoLength() {
        try (Rig rig = Rig.plan().build()) {
            assertEquals(Errno.OK, rig.run(Command.READ, 0, 5, 0));
            assertEquals(Errno.OK, rig.run(Command.WRITE, 0, 5, 0));
            assertEquals(Errno.OK, rig.run(Command.TRIM, 0, 5, 0));
            assertEquals(Errno.OK, rig.run(Command.WRITE_ZEROES, BlockRequest.NO_HOLE, Rig.SIZE, 0));
            assertEquals(0, rig.store.callsInAll());
        }
    }

    @Test
    void aReadOnlyVolumeRefusesEveryChange() {
        try (Rig rig = Rig.plan().readOnly().build()) {
            assertEquals(Errno.EPERM, rig.write(3, new byte[1]));
            assertEquals(Errno.EPERM, rig.run(Command.TRIM, 0, 0, UNIT));
            assertEquals(Errno.EPERM, rig.run(Command.WRITE_ZEROES, 0, 3, 9));
            assertArrayEquals(new byte[9], rig.read(3, 9));
            assertTrue(rig.stack.top().geometry().readOnly());
        }
    }

    @Nested
    class NeighboursInOneUnit {
        @Test
        void onDifferentLoopsKeepEachOthersBytes() {
            for (long seed = 1; seed <= 200; seed++) {
                try (Rig rig = Rig.plan().loops(4).seed(seed).build()) {
                    assertEquals(Errno.OK, rig.write(0, Rig.noise(seed, UNIT)));
                    List<Rig.Sent> sent = new ArrayList<>();
                    byte[] expected = new byte[UNIT];
                    for (int i = 0; i < 16; i++) {
                        byte[] data = Rig.noise(seed * 100 + i, 256);
                        System.arraycopy(data, 0, expected, i * 256, 256);
                        sent.add(rig.send(i % 4, Command.WRITE, 0, i * 256L, 256, data, 0));
                        for (int t = 0; t < seed % 5; t++) {
                            rig.turn();
                        }
                    }
                    rig.turnUntilIdle();
                    for (Rig.Sent s : sent) {
                        assertEquals(Errno.OK, rig.outcome(s), "seed " + seed);
                    }
                    assertArrayEquals(expected, rig.read(0, UNIT), "seed " + seed);
                }
            }
        }

        @Test
        void wholeBlocksBesideASmallWriteWaitOnlyForTheirOwnStripe() {
            try (Rig rig = Rig.plan().loops(2).build()) {
                assertEquals(Errno.OK, rig.write(0, Rig.noise(1, 4 * Rig.RANGE)));
                Rig.Sent small = rig.send(0, Command.WRITE, 0, 10, 20, null, 0);
                Rig.Sent same = rig.send(1, Command.WRITE, 0, 0, UNIT, Rig.noise(2, UNIT), 0);
                Rig.Sent other = rig.send(1, Command.WRITE, 0, 2L * Rig.RANGE, UNIT, Rig.noise(3, UNIT), 0);
                int writes = rig.store.calls(Command.WRITE);
                assertEquals(5, writes, "the whole block far away went down at once, the near one waits");
                rig.turnUntilIdle();
                rig.outcome(small);
                rig.outcome(same);
                rig.outcome(other);
                assertArrayEquals(Rig.noise(2, UNIT), rig.read(0, UNIT), "the later of two that overlap");
            }
        }

        @Test
        void aStreamOfWholeWritesDoesNotStarveASmallOne() {
            try (Rig rig = Rig.plan().loops(2).build()) {
                assertEquals(Errno.OK, rig.write(0, Rig.noise(1, UNIT)));
                Supplier<Rig.Sent> stream = () -> rig.send(1, Command.WRITE, 0, UNIT, UNIT, null, 0);
                Rig.Sent begun = stream.get();
                Rig.Sent small = rig.send(0, Command.WRITE, 0, 10, 20, null, 0);
                rig.outcomeBeside(stream, begun, small);
            }
        }
    }

    @Nested
    class WithTheBufferBudgetSpent {
        private List<ArenaBuf> spend(Rig rig) {
            List<ArenaBuf> taken = new ArrayList<>();
            for (ArenaBuf buf = rig.loops[0].buffers().lease(1);
                    buf != null;
                    buf = rig.loops[0].buffers().lease(1)) {
                taken.add(buf);
            }
            return taken;
        }

        private ArenaBuf payload(Rig rig, byte[] data, int skew) {
            ArenaBuf buf = rig.loops[0].buffers().lease(data.length + skew);
            buf.memory().bytes().put(buf.dataOffset() + skew, data);
            return buf;
        }

        /** All clients' payloads are there before the first request is: nothing is left for the layers. */
        @Test
        void everyKindOfRequestStillFinishesFromTheReserve() {
            try (Rig rig = Rig.plan().storeAlignment(512).budget(10L << 20).build()) {
                byte[] data = Rig.noise(1, 50_000);
                List<ArenaBuf> payloads = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    payloads.add(payload(rig, data, 5));
                }
                List<ArenaBuf> taken = spend(rig);
                List<Rig.Sent> sent = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    // Two ways to need a buffer: partial blocks, and memory that the store cannot use.
                    long offset = i * 65_536L + 11;
                    sent.add(rig.send(0, Command.WRITE, 0, offset, data.length, payloads.get(i), 5, null));
                }
                sent.add(rig.send(0, Command.WRITE_ZEROES, BlockRequest.NO_HOLE, 20L << 16, 3 << 15, null, 0, null));
                rig.turnUntilIdle();
                for (Rig.Sent s : sent) {
                    assertTrue(s.isDone(), "waits for a buffer that nobody will return");
                    assertEquals(Errno.OK, s.errno);
                }
                Rig.Sent read = rig.send(0, Command.READ, 0, 19 * 65_536L + 11, data.length, sent.get(0).buf, 5, null);
                rig.turnUntilIdle();
                assertEquals(Errno.OK, read.errno);
                assertArrayEquals(data, rig.bytesOf(read, data.length, 5));
                sent.subList(1, sent.size()).forEach(rig::outcome);
                taken.forEach(ArenaBuf::release);
                assertArrayEquals(new byte[1 << 15], rig.read(21L << 16, 1 << 15));
            }
        }

        @Test
        void moreRequestsThanTheReserveHasBuffersTakeTurns() {
            try (Rig rig = Rig.plan().budget(4L << 20).build()) {
                List<ArenaBuf> payloads = new ArrayList<>();
                for (int i = 0; i < 60; i++) {
                    payloads.add(payload(rig, Rig.noise(i, 100), 0));
                }
                List<ArenaBuf> taken = spend(rig);
                List<Rig.Sent> sent = new ArrayList<>();
                for (int i = 0; i < 60; i++) {
                    sent.add(rig.send(0, Command.WRITE, 0, i * 20_000L + 1, 100, payloads.get(i), 0, null));
                }
                rig.turnUntilIdle();
                sent.forEach(s -> assertEquals(Errno.OK, rig.outcome(s)));
                taken.forEach(ArenaBuf::release);
                for (int i = 0; i < 60; i++) {
                    assertArrayEquals(Rig.noise(i, 100), rig.read(i * 20_000L + 1, 100));
                }
            }
        }
    }
}
