package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What the commit looks at once more, as others may have changed the slots while sources were asked. */
class SlotsAfterLeakTest {
    private static KeySlotArea with(int... slots) {
        KeySlotArea area = KeySlotArea.empty();
        for (int slot : slots) {
            area = area.with(
                    slot,
                    new KeySlot(
                            1,
                            KeySlot.State.ACTIVE,
                            1,
                            0,
                            1,
                            2,
                            "",
                            "file",
                            "file:/k" + slot,
                            new byte[0],
                            new byte[40]));
        }
        return area;
    }

    @Test
    void dropsWhatIsSaid() throws Exception {
        KeySlotArea after = new SlotsAfterLeak("vol", Set.of(1), Set.of(2)).apply(0, with(0, 1, 2));
        assertEquals(2, after.activeCount());
        assertTrue(SlotsAfterLeak.isTaken(after, 0) && SlotsAfterLeak.isTaken(after, 2));
    }

    /** With the rest of it dropped nothing would open the volume any more. */
    @Test
    void wantsTheSlotThatItBeginsWith() {
        VolumeRefusedException refused = assertThrows(
                VolumeRefusedException.class, () -> new SlotsAfterLeak("vol", Set.of(1), Set.of()).apply(0, with(1)));
        assertTrue(refused.getMessage().contains("key slot 0, which this begins with, is free"), refused.getMessage());
    }

    @Test
    void wantsToHearOfEveryOther() {
        VolumeRefusedException refused = assertThrows(
                VolumeRefusedException.class, () -> new SlotsAfterLeak("vol", Set.of(), Set.of()).apply(0, with(0, 3)));
        assertTrue(refused.getMessage().contains("--drop-slot 3"), refused.getMessage());
    }
}
