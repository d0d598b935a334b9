package io.blockseal.rotation;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.Patience;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeShredder;
import io.blockseal.volume.WrittenChunks;
import io.blockseal.volume.table.RangeWord;
import java.time.Instant;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** A rotation that is to be slow does not hold up an operator who has to destroy something. */
@Timeout(60)
class RotationGivesWayTest {
    private final VolumeFixture fixture = new VolumeFixture();

    @Test
    void aRangeIsShreddedAtOnceAlthoughAnotherIsBeingCopiedByteForByte() throws Exception {
        MemoryStore store = fixture.create(4);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, 1, 7);
            fixture.write(volume, 2, 8);
            AtomicReference<CompletableFuture<Integer>> shredding = new AtomicReference<>();
            JobControl untilShredded = new JobControl() {
                @Override
                public void checkpoint() throws JobCanceledException {
                    if (shredding.get() != null) {
                        assertEquals(1, shredding.get().join());
                        throw new JobCanceledException("enough");
                    }
                }

                @Override
                public void phase(String words) {}

                @Override
                public void progress(long done, long total) {}
            };
            DekRotation rotation = new DekRotation(
                    volume,
                    new JvmMemorySource().map(WrittenChunks.CHUNK_BYTES),
                    new RateLimit(1, System::nanoTime),
                    Patience.TWENTY_SECONDS,
                    nanos -> {
                        // Nothing ends this but that the rotation sees who waits.
                        if (shredding.get() == null) {
                            shredding.set(shredded(volume, 2));
                        }
                        Thread.onSpinWait();
                    },
                    0);
            assertThrows(
                    JobCanceledException.class,
                    () -> rotation.run(new RangeSelection(1, 1, Instant.MAX), untilShredded));
            assertEquals(RangeWord.SHREDDED, RangeWord.state(volume.word(2)));
            assertEquals(7, fixture.read(volume, 1));
        }
    }

    private static CompletableFuture<Integer> shredded(Volume volume, long range) {
        CompletableFuture<Integer> answer = new CompletableFuture<>();
        Thread thread = new Thread(() -> {
            try {
                answer.complete(VolumeShredder.shred(volume, range, 1));
            } catch (Exception failed) {
                answer.completeExceptionally(failed);
            }
        });
        thread.setDaemon(true);
        thread.start();
        return answer;
    }
}
