package io.blockseal.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class KeySlotAreaTest {
    private static final KeySlot SLOT = new KeySlot(
            2,
            KeySlot.State.ACTIVE,
            1,
            1_700_000_000L,
            1,
            4,
            "night shift",
            "passphrase",
            "",
            GoldenBytes.counting(5, 0x51),
            GoldenBytes.counting(40, 0x80));

    @Test
    void liesByteForByteWhereTheSpecificationSays() {
        byte[] image = KeySlotArea.empty().with(3, SLOT).image();
        new GoldenBytes(image)
                .at(0xc00, "0200 01 01 00000000")
                .at(0xc08, "00f1536500000000")
                .at(0xc10, "01000000 0400 2800")
                .at(0xc18, "6e69676874207368696674")
                .at(0xc38, "0a00 0500 00000000")
                .at(0xc40, "70617373706872617365")
                .at(0xd80, "5152535455")
                .at(0xe00, "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9fa0a1a2a3a4a5a6a7")
                .andZeroElsewhere();
    }

    @Test
    void comesBackAsItWasWritten() {
        KeySlot read =
                KeySlotArea.decode(KeySlotArea.empty().with(15, SLOT).image()).slot(15);
        assertNotNull(read);
        assertEquals("night shift", read.label());
        assertEquals("passphrase", read.reference());
        assertArrayEquals(SLOT.parameters(), read.parameters());
        assertArrayEquals(SLOT.blob(), read.blob());
    }

    @Test
    void leavesNothingOfARemovedSlot() {
        assertArrayEquals(
                KeySlotArea.empty().image(),
                KeySlotArea.empty().with(4, SLOT).without(4).image());
    }

    @Test
    void refusesAnOddSlotAloneAndKeepsItsBytes() {
        byte[] image = KeySlotArea.empty().with(0, SLOT).with(1, SLOT).image();
        image[0x16] = (byte) 0xff;
        image[0x17] = (byte) 0xff;
        KeySlotArea area = KeySlotArea.decode(image);
        assertNull(area.slot(0));
        assertTrue(String.valueOf(area.refusal(0)).contains("blob length"), area.refusal(0));
        assertNotNull(area.slot(1));
        assertEquals(2, area.firstFree());
        assertArrayEquals(
                Arrays.copyOf(image, 1024), Arrays.copyOf(area.without(1).image(), 1024));
    }

    @Test
    void survivesAnyBytes() {
        long seed = 20_261_124;
        Random random = new Random(seed);
        for (int round = 0; round < 2000; round++) {
            byte[] noise = KeySlotArea.empty().with(round % 16, SLOT).image();
            for (int i = 0; i < 20; i++) {
                noise[random.nextInt(noise.length)] = (byte) random.nextInt();
            }
            KeySlotArea area = KeySlotArea.decode(noise);
            assertArrayEquals(noise, area.image(), "seed " + seed);
        }
    }

    @Test
    void readsTextThatIsNoText() {
        byte[] image = KeySlotArea.empty().with(0, SLOT).image();
        Arrays.fill(image, 0x18, 0x38, (byte) 0xff);
        KeySlot slot = KeySlotArea.decode(image).slot(0);
        assertNotNull(slot);
        assertEquals("?".repeat(32), slot.label());
    }

    @Test
    void refusesToWriteWhatDoesNotFit() {
        assertThrows(
                IllegalArgumentException.class,
                () -> new KeySlot(1, KeySlot.State.ACTIVE, 1, 0, 1, 2, "", "", "", new byte[0], new byte[513]));
        assertThrows(
                IllegalArgumentException.class,
                () -> new KeySlot(
                        1,
                        KeySlot.State.ACTIVE,
                        1,
                        0,
                        1,
                        KeySlot.WRAP_ALGORITHM_MAX + 1,
                        "",
                        "",
                        "",
                        new byte[0],
                        new byte[40]));
        assertThrows(IllegalArgumentException.class, () -> KeySlotArea.empty()
                .with(
                        0,
                        new KeySlot(
                                1,
                                KeySlot.State.ACTIVE,
                                1,
                                0,
                                1,
                                2,
                                "x".repeat(33),
                                "",
                                "",
                                new byte[0],
                                new byte[40])));
    }
}
