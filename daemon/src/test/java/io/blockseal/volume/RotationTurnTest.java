package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.format.RootBlock;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.rotation.DekRotation;
import io.blockseal.rotation.RangeSelection;
import io.blockseal.rotation.RateLimit;
import io.blockseal.rotation.Rotations;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.table.RangeWord;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/** Ranges are changed by one at a time, and what a rotation saw before its turn may be past when it has it. */
class RotationTurnTest {
    private final VolumeFixture fixture = new VolumeFixture();

    /** An fstrim of a guest would end the rotation of all ranges with an error. */
    @Test
    void aRangeThatIsShreddedBeforeItsTurnIsLeftOut() throws Exception {
        try (Volume volume = fixture.open(fixture.create(2))) {
            fixture.write(volume, 0, 0x5a);
            volume.rangeChanges().acquire();
            CompletableFuture<Boolean> rotated = CompletableFuture.supplyAsync(() -> isRotated(volume));
            while (!volume.rangeChanges().hasQueuedThreads() && !rotated.isDone()) {
                Thread.onSpinWait();
            }
            shred(volume);
            volume.rangeChanges().release();
            assertFalse(rotated.get(60, TimeUnit.SECONDS));
            assertEquals(RangeWord.SHREDDED, RangeWord.state(volume.word(0)));
        }
    }

    /** A rotation of all ranges that is frozen for a moment would end with an error, and be forgotten. */
    @Test
    void aLockThatComesBetweenItsLookAndItsTurnIsWaitedFor() throws Exception {
        try (Volume volume = fixture.open(fixture.create(2))) {
            fixture.write(volume, 0, 0x5a);
            volume.rangeChanges().acquire();
            CompletableFuture<Exception> ended = CompletableFuture.supplyAsync(() -> endOf(volume));
            while (!volume.rangeChanges().hasQueuedThreads() && !ended.isDone()) {
                Thread.onSpinWait();
            }
            // As the lock does, which has its turn before the rotation.
            volume.committer().takeKeysAway(volume.keys()::close);
            assertInstanceOf(JobCanceledException.class, ended.get(60, TimeUnit.SECONDS));
            volume.rangeChanges().release();
        }
    }

    /** Where there are no holes, to zero a slot is to write gigabytes; the keys would stay in memory as long. */
    @Test
    void aLockDoesNotWaitUntilTheSlotOfACopyThatIsGivenUpIsWrittenOver() throws Exception {
        MemoryStore store = fixture.create(2).fastZero(false);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, 0, 0x5a);
            RangeMove move = RangeMove.begin(volume, 0, Patience.TWENTY_SECONDS);
            CompletableFuture<Void> locked = CompletableFuture.runAsync(() -> lock(volume));
            while (!volume.isLockedOrAboutTo() && !locked.isDone()) {
                Thread.onSpinWait();
            }
            store.startRecording();
            move.close();
            locked.get(60, TimeUnit.SECONDS);
            assertEquals(
                    0,
                    store.operations().stream()
                            .filter(operation -> operation.kind() == MemoryStore.Kind.ZERO)
                            .count());
            volume.lock().unlock(List.of(fixture.key(1)));
            assertTrue(Rotations.rotate(volume, 0, Patience.TWENTY_SECONDS));
            assertEquals(0x5a, fixture.read(volume, 0));
            assertEquals(0, fixture.read(volume, 1));
        }
    }

    private static void lock(Volume volume) {
        try {
            volume.lock().lock(VolumeLock.Policy.FREEZE);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** How a rotation ends that is told to end when it looks again. */
    private static Exception endOf(Volume volume) {
        int[] looks = {0};
        JobControl control = new JobControl() {
            @Override
            public void checkpoint() throws JobCanceledException {
                if (looks[0]++ > 0) {
                    throw new JobCanceledException("enough");
                }
            }

            @Override
            public void phase(String words) {}

            @Override
            public void progress(long done, long total) {}
        };
        return assertThrows(Exception.class, () -> new DekRotation(
                        volume,
                        new JvmMemorySource().map(WrittenChunks.CHUNK_BYTES),
                        new RateLimit(Long.MAX_VALUE, System::nanoTime))
                .run(new RangeSelection(0, 0, Instant.MAX), control));
    }

    private static boolean isRotated(Volume volume) {
        try {
            return Rotations.rotate(volume, 0, Patience.TWENTY_SECONDS);
        } catch (Exception e) {
            throw new AssertionError(e);
        }
    }

    /** As whoever has the turn does. */
    private static void shred(Volume volume) throws Exception {
        volume.committer().runAlone(() -> {
            RootBlock next = volume.root().copy();
            TablePage page = volume.keys()
                    .forChange(Objects.requireNonNull(volume.table().page(0)));
            int generation = page.entry(0).generation();
            page.entry(
                    0,
                    new TableEntry(
                            TableEntry.SHREDDED,
                            0,
                            generation,
                            0,
                            0,
                            (int) next.commitSeq() + 1,
                            0,
                            new byte[TableEntry.WRAPPED_DEK_BYTES]));
            volume.committer().commitAndScrub(next, List.of(page), () -> {});
        });
    }
}
