package io.blockseal.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import org.junit.jupiter.api.Test;

class TablePageTest {
    private static TablePage sample() {
        TablePage page = TablePage.fresh(5, 1);
        page.commitSeq(7);
        page.entry(
                30, new TableEntry(TableEntry.ACTIVE, 1, 2, 185, 0x65000000, 7, 4096, GoldenBytes.counting(92, 0x10)));
        page.seal(GoldenBytes.counting(32, 0xa0));
        return page;
    }

    @Test
    void liesByteForByteWhereTheSpecificationSays() {
        new GoldenBytes(sample().image())
                .at(0, "42535450 05000000")
                .at(8, "0700000000000000")
                .at(16, "01000000 1f00 0000")
                .at(96, "a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf")
                .at(3968, "01 01 0000 02000000 b9000000 00000065")
                .at(3984, "0000 0000 07000000 0010000000000000 00000000")
                .at(4004, "101112131415161718191a1b")
                .at(
                        4016,
                        "1c1d1e1f202122232425262728292a2b2c2d2e2f303132333435363738393a3b"
                                + "3c3d3e3f404142434445464748494a4b4c4d4e4f505152535455565758595a5b")
                .at(4080, "5c5d5e5f606162636465666768696a6b")
                .andZeroElsewhere();
    }

    @Test
    void comesBackAsItWasWritten() throws Exception {
        TablePage page = TablePage.decode(sample().image(), 5, "table page 5 copy A");
        TableEntry entry = page.entry(30);
        assertEquals(185, entry.slot());
        assertEquals(2, entry.generation());
        assertArrayEquals(GoldenBytes.counting(92, 0x10), entry.wrappedDek());
        assertEquals(TableEntry.NONE, page.entry(29).state());
    }

    @Test
    void isKnownByItsPlace() {
        MalformedVolumeException e = assertThrows(
                MalformedVolumeException.class, () -> TablePage.decode(sample().image(), 6, "table page 6 copy A"));
        assertEquals("page index", e.field());
    }

    @Test
    void macCoversAllButItself() {
        ByteBuffer covered = ByteBuffer.allocate(4096);
        sample().macInput().forEach(covered::put);
        byte[] expected = sample().image();
        for (int i = 96; i < 128; i++) {
            expected[i] = 0;
        }
        assertArrayEquals(expected, covered.array());
    }

    @Test
    void wipesTheDeksAndNothingElse() {
        TablePage page = sample();
        page.wipeDeks();
        TablePage expected = sample();
        for (int i = 0; i < TablePage.ENTRIES; i++) {
            expected.wrappedDek(i).put(new byte[TableEntry.WRAPPED_DEK_BYTES]);
        }
        assertTrue(page.sameAs(expected));
        assertFalse(page.sameAs(sample()));
        assertEquals(sample().generation(30), page.generation(30));
    }

    @Test
    void aPageOnDiskIsReadWithoutTheHeap() throws Exception {
        ByteBuffer found = ByteBuffer.allocateDirect(3 * 4096).position(4096).limit(2 * 4096);
        found.put(4096, sample().image());
        TablePage page = TablePage.decode(found, 5, "table page 5 copy A");
        assertTrue(page.sameAs(sample()));
        assertEquals(4096, found.remaining());
        assertFalse(TablePage.isZero(found));
        assertTrue(TablePage.isZero(found.duplicate().position(0).limit(4096)));
    }

    @Test
    void tellsAPageThatWasNeverWritten() {
        assertTrue(TablePage.isZero(new byte[4096]));
        assertFalse(TablePage.isZero(sample().image()));
    }
}
