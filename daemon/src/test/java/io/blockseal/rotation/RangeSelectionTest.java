package io.blockseal.rotation;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeShredder;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RangeSelectionTest {
    private final VolumeFixture fixture = new VolumeFixture();
    private final Instant made = fixture.clock().instant();
    private Volume volume;

    @BeforeEach
    void open() throws Exception {
        volume = fixture.open(fixture.create(3));
        fixture.write(volume, 0, 1);
        volume.enciphered(1, 1000);
        volume.enciphered(2, 999);
    }

    @AfterEach
    void close() {
        volume.close();
    }

    private List<Long> of(Instant madeBefore, long encipheredMin) {
        return new RangeSelection(0, Long.MAX_VALUE, madeBefore, encipheredMin).of(volume);
    }

    @Test
    void hasWhatIsTooOldOrHasEncipheredTooMuch() {
        assertEquals(List.of(0L, 1L, 2L), of(made.plusSeconds(1), RangeSelection.ANY_AMOUNT));
        assertEquals(List.of(), of(made, RangeSelection.ANY_AMOUNT));
        assertEquals(List.of(1L), of(made, 1000));
        assertEquals(List.of(1L), of(RangeSelection.ANY_AGE, 1000));
        assertEquals(List.of(0L, 1L, 2L), of(made.plusSeconds(1), 1000));
        assertEquals(List.of(), of(RangeSelection.ANY_AGE, RangeSelection.ANY_AMOUNT));
    }

    @Test
    void countsAsNewWhatTheRotationItselfMakesWhereAgeDoesNotMatter() {
        assertEquals(5, new RangeSelection(0, 1, Instant.ofEpochSecond(5)).newSinceSeconds(7));
        assertEquals(7, new RangeSelection(0, 1, Instant.ofEpochSecond(8)).newSinceSeconds(7));
        assertEquals(7, new RangeSelection(0, 1, RangeSelection.ANY_AGE, 1000).newSinceSeconds(7));
    }

    @Test
    void hasNoRangeWithoutADek() throws Exception {
        VolumeShredder.shred(volume, 1, 1);
        assertEquals(List.of(0L, 2L), of(made.plusSeconds(1), 1));
    }
}
