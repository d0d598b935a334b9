package io.blockseal.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.block.ExtentList;
import io.blockseal.volume.table.RangeWord;
import org.junit.jupiter.api.Test;

/** Which of its DEKs each range is enciphered under, for whoever asks by BLOCK_STATUS. */
class DekGenerationsTest {
    private static String map(Rig rig, long offset, long length, int room) {
        ExtentList list = new ExtentList(room);
        new DekGenerations(rig.plane).fill(offset, length, list);
        StringBuilder text = new StringBuilder();
        for (int i = 0; i < list.count(); i++) {
            text.append(list.lengthBytes(i)).append('=').append(list.state(i)).append(' ');
        }
        return text.toString().trim();
    }

    @Test
    void joinsNeighboursAndCutsWhereTheRequestDoes() {
        try (Rig rig = Rig.plan().build()) {
            assertEquals(Rig.SIZE + "=0", map(rig, 0, Rig.SIZE, 8), "nothing was written");
            rig.plane.setState(1, RangeWord.ACTIVE);
            rig.plane.setState(2, RangeWord.ACTIVE);
            rig.plane.setState(3, RangeWord.SHREDDED);
            int first = RangeWord.generation(rig.plane.word(1));
            assertEquals(
                    Rig.RANGE + "=0 " + 2L * Rig.RANGE + "=" + first + " " + (Rig.SIZE - 3L * Rig.RANGE) + "=0",
                    map(rig, 0, Rig.SIZE, 8));
            assertEquals("10=0 20=" + first, map(rig, Rig.RANGE - 10, 30, 8));
            assertEquals("10=0", map(rig, Rig.RANGE - 10, 30, 1), "a full list ends the answer");
        }
    }
}
