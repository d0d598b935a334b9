package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import io.blockseal.format.RootBlock;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.rotation.Rotations;
import io.blockseal.volume.table.RangeWord;
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
