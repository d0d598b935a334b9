package io.blockseal.rotation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.Memory;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.CreateOptions;
import io.blockseal.volume.DataPlane;
import io.blockseal.volume.LoopGate;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.ShredOnDiscard;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.WrittenChunks;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.table.RangeWord;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

/**
 * Guests that read, write, trim and zero while the DEKs of the same ranges are rotated, and shredded where everything was
 * discarded, in as many orders as there are
 * seeds: every step of a request's way through the storage may fall before, into or after every step of the rotation, and
 * after all of it each byte is what the guests were told. {@code -Dblockseal.rotations=N} for more,
 * {@code -Dblockseal.seed=N} for one again.
 */
class InterleavedRotationTest {
    private static final int RANGE_BYTES = 256 << 10;
    private static final int RANGES = 5;
    private static final int ROTATIONS_OF_A_VOLUME = 25;
    private static final int STEPS_MAX = 1_000_000;

    /** A storage that does not answer in time is what it complains about, again and again. */
    private final Logger logger = (Logger) LoggerFactory.getLogger("io.blockseal.volume");

    private final Level levelBefore = logger.getLevel();
    private final VolumeFixture fixture = new VolumeFixture();
    private final Memory chunk = new JvmMemorySource().map(WrittenChunks.CHUNK_BYTES);

    @BeforeEach
    void silence() {
        logger.setLevel(Level.OFF);
    }

    @AfterEach
    void speak() {
        logger.setLevel(levelBefore);
    }

    /** One volume's life. */
    private final class Life {
        private final Random random;
        private final SlowStore store;
        private final Volume volume;
        private final BusyGuests guests;
        private final ArrayDeque<Runnable> later = new ArrayDeque<>();
        private final ShredOnDiscard shredding;
        private boolean busy;
        /** How much guests may do in one pause. */
        private int restlessness = 5;

        private int rotated;
        private int shredded;

        Life(Random random, SlowStore store, byte[] model, Bug bug) throws Exception {
            this.random = random;
            this.store = store;
            this.volume =
                    fixture.opener().open(VolumeStores.inBand(store), List.of(fixture.key(1)), OpenOptions.DEFAULT);
            this.shredding =
                    new ShredOnDiscard(volume, Runnable::run, (delayMillis, task) -> later.add(task), this::await);
            this.guests = new BusyGuests(bug.plant(volume), store, model, random);
        }

        /** In the pauses of the rotation's calls. */
        void meanwhile() {
            if (busy) {
                return;
            }
            busy = true;
            for (int i = random.nextInt(restlessness); i > 0; i--) {
                guests.live();
            }
            busy = false;
        }

        boolean await(CountDownLatch quiet) {
            if (random.nextInt(20) == 0) {
                return quiet.getCount() == 0;
            }
            busy = true;
            for (int step = 0; quiet.getCount() > 0; step++) {
                assertTrue(step < STEPS_MAX, "never quiet");
                guests.live();
            }
            busy = false;
            return true;
        }

        /** What was discarded is looked at; guests go on. */
        void shred() {
            int before = shreddedRanges();
            guests.discard(random.nextInt(RANGES));
            restlessness = 1 + random.nextInt(5);
            store.meanwhile(this::meanwhile);
            for (int due = later.size(); due > 0; due--) {
                later.remove().run();
            }
            store.meanwhile(() -> {});
            restlessness = 5;
            shredded += Math.max(0, shreddedRanges() - before);
        }

        private int shreddedRanges() {
            int count = 0;
            for (int range = 0; range < RANGES; range++) {
                count += RangeWord.state(volume.word(range)) == RangeWord.SHREDDED ? 1 : 0;
            }
            return count;
        }

        void rotate() throws Exception {
            for (int i = random.nextInt(12); i > 0; i--) {
                guests.live();
            }
            int range = random.nextInt(RANGES);
            long before = volume.word(range);
            store.meanwhile(this::meanwhile);
            DekRotation rotation = new DekRotation(
                    volume,
                    chunk,
                    new RateLimit(Long.MAX_VALUE, System::nanoTime),
                    this::await,
                    nanos -> meanwhile(),
                    random.nextInt(3));
            int done = 0;
            try {
                done = (int) rotation.run(new RangeSelection(range, range, Instant.MAX), new Moody(this))
                        .rotatedRanges();
            } catch (JobCanceledException | StoreException e) {
                // Cancelled, or requests did not end in time. Nothing has moved.
                boolean asItWas = RangeWord.state(before) != RangeWord.ACTIVE || volume.word(range) == before;
                assertTrue(asItWas, () -> "it has moved, and yet: " + e);
            } finally {
                store.meanwhile(() -> {});
            }
            rotated += done;
            if (done > 0 && RangeWord.state(before) == RangeWord.ACTIVE) {
                assertEquals(RangeWord.generation(before) + 1, RangeWord.generation(volume.word(range)));
            }
            requireSlotsApart();
            if (random.nextInt(6) == 0) {
                guests.compareAll();
            }
        }

        void end() {
            guests.compareAll();
            guests.close();
            shredding.close();
            volume.close();
        }

        private void requireSlotsApart() {
            Set<Long> slots = new HashSet<>();
            for (int range = 0; range < RANGES; range++) {
                long word = volume.word(range);
                assertTrue(!RangeWord.isHeld(word), "range " + range + " is held for ever");
                boolean free = RangeWord.state(word) != RangeWord.ACTIVE || slots.add(RangeWord.slot(word));
                assertTrue(free, "two ranges have slot " + RangeWord.slot(word));
            }
        }
    }

    /** Pauses and cancels now and then. */
    private record Moody(Life life) implements JobControl {
        @Override
        public void checkpoint() throws JobCanceledException {
            life.meanwhile();
            if (life.random.nextInt(30) == 0) {
                throw new JobCanceledException("enough");
            }
        }

        @Override
        public boolean isDisturbed() {
            life.meanwhile();
            return life.random.nextInt(30) == 0;
        }

        @Override
        public void phase(String words) {}

        @Override
        public void progress(long done, long total) {}
    }

    /** What a device is told about the volume, if it has a bug. */
    private interface Bug {
        DataPlane plant(Volume volume);
    }

    private record Tally(int rotated, int shredded, long answered, long failed) {}

    /** So many rotations of a volume of its own, with guests on it; then it is opened again and compared. */
    private Tally live(long seed, Bug bug) throws Exception {
        Random random = new Random(seed);
        byte[] model = new byte[RANGES * RANGE_BYTES];
        MemoryStore disk = new MemoryStore("vol", 0).trimmedReadsZeros(random.nextInt(3) > 0);
        fixture.creator()
                .create(
                        VolumeStores.inBand(disk),
                        List.of(fixture.key(1)),
                        CreateOptions.ofSize(model.length)
                                .withSmallRanges(RANGE_BYTES)
                                .withUnitBytes(random.nextBoolean() ? 4096 : 512)
                                .withSpareSlots(1 + random.nextInt(2)));
        SlowStore store = new SlowStore(disk, random);
        store.failOneIn(random.nextInt(4) == 0 ? 40 : Integer.MAX_VALUE);
        Life life = new Life(random, store, model, bug);
        for (int i = 0; i < ROTATIONS_OF_A_VOLUME; i++) {
            life.rotate();
            if (random.nextInt(3) == 0) {
                life.shred();
            }
        }
        life.end();
        new Life(random, new SlowStore(disk, random), model, bug).end();
        return new Tally(life.rotated, life.shredded, life.guests.answered(), life.guests.failed());
    }

    @Test
    void losesNothingInWhateverOrder() throws Exception {
        int wanted = Integer.getInteger("blockseal.rotations", 2000);
        long seed = Long.getLong("blockseal.seed", 20_261_126L);
        long rotated = 0;
        long shredded = 0;
        long answered = 0;
        long failed = 0;
        for (int i = 0; i * ROTATIONS_OF_A_VOLUME < wanted; i++) {
            try {
                Tally tally = live(seed + i, volume -> volume);
                rotated += tally.rotated;
                shredded += tally.shredded;
                answered += tally.answered;
                failed += tally.failed;
            } catch (Exception | AssertionError e) {
                throw new AssertionError("seed " + (seed + i) + ": " + e.getMessage(), e);
            }
        }
        System.out.println("InterleavedRotationTest seed=" + seed + " rotated=" + rotated + " shredded=" + shredded
                + " answered=" + answered + " failed=" + failed);
        assertTrue(shredded > wanted / 50, "some ranges are to be shredded, not " + shredded);
        assertTrue(rotated > wanted / 2, "most rotations are to succeed, not " + rotated);
    }

    /** Would these tests see it? Each of these is what a mistake in the device would look like. */
    @Nested
    class Sees {
        private static final int LIVES_MAX = 40;

        private void assertSeen(Bug bug) {
            Throwable seen = assertThrows(
                    Throwable.class,
                    () -> {
                        for (int seed = 1; seed <= LIVES_MAX; seed++) {
                            live(seed, bug);
                        }
                    },
                    "the planted bug is not seen");
            // The rotation itself refuses to commit when chunks are left although the range is held.
            assertTrue(seen instanceof AssertionError || seen instanceof IllegalStateException, seen::toString);
        }

        @Test
        void thatChangesAreNotNoted() {
            assertSeen(volume -> new Passing(volume) {
                @Override
                public WrittenChunks writtenChunks() {
                    return null;
                }
            });
        }

        @Test
        void thatRequestsUnderWayAreNotWaitedFor() {
            assertSeen(volume -> new Passing(volume) {
                @Override
                public void attach(LoopGate gate) {
                    super.attach(new LoopGate() {
                        @Override
                        public void whenQuiet(Runnable task) {
                            task.run();
                        }

                        @Override
                        public void thaw(long first, long count) {
                            gate.thaw(first, count);
                        }
                    });
                }
            });
        }

        @Test
        void thatRequestsDoNotWaitForTheThaw() {
            assertSeen(volume -> new Passing(volume) {
                @Override
                public long word(long rangeIndex) {
                    return super.word(rangeIndex) & Long.MAX_VALUE;
                }
            });
        }
    }
}
