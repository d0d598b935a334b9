package io.blockseal.format;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.UUID;
import java.util.function.Consumer;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class RootBlockTest {
    private static final byte[] MAC = GoldenBytes.counting(32, 0xc0);

    private static RootBlock sample() {
        RootBlock root = RootBlock.fresh()
                .uuidBytes(GoldenBytes.counting(16, 1))
                .commitSeq(0x0102030405060708L)
                .shifts(26, 12)
                .vkEpoch(1)
                .sizeBytes((100L << 26) + 4096)
                .slots(103, 2)
                .dataOffsetBytes(64L << 20)
                .addExtent(0)
                .keySlots(1, GoldenBytes.counting(32, 0x20))
                .tableRoot(GoldenBytes.counting(32, 0x40))
                .identityTag(GoldenBytes.counting(16, 0x60))
                .createdSeconds(1_700_000_000L)
                .committedSeconds(1_700_000_001L)
                .label("db");
        root.seal(MAC);
        return root;
    }

    @Nested
    class OnDisk {
        @Test
        void liesByteForByteWhereTheSpecificationSays() {
            byte[] image = sample().image();
            CRC32C crc = new CRC32C();
            crc.update(image, 0, 0xffc);
            new GoldenBytes(image)
                    .at(0x000, "89 42534c 0d0a 1a 0a")
                    .at(0x008, "0100 0000 00100000")
                    .at(0x010, "0102030405060708 090a0b0c0d0e0f10")
                    .at(0x020, "0807060504030201")
                    .at(0x040, "0010009001000000")
                    .at(0x048, "1a 0c 0100 01000000")
                    .at(0x050, "6500000000000000")
                    .at(0x058, "67000000 02000000")
                    .at(0x060, "0000000400000000")
                    .at(0x068, "0100 01 00 00000000")
                    .at(0x270, "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f")
                    .at(0x290, "404142434445464748494a4b4c4d4e4f505152535455565758595a5b5c5d5e5f")
                    .at(0x2b0, "606162636465666768696a6b6c6d6e6f")
                    .at(0x2c0, "00f1536500000000 01f1536500000000")
                    .at(0x2d0, "6462")
                    .at(0xfc0, "c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf")
                    .at(0xffc, "%08x".formatted(Integer.reverseBytes((int) crc.getValue())))
                    .andZeroElsewhere();
        }

        @Test
        void comesBackAsItWasWritten() throws Exception {
            RootBlock read = RootBlock.decode(sample().image(), "root A");
            read.requireConsistent();
            assertEquals(UUID.fromString("01020304-0506-0708-090a-0b0c0d0e0f10"), read.uuid());
            assertEquals("db", read.label());
            assertEquals(101, read.rangeCount());
            assertArrayEquals(MAC, read.mac());
            assertArrayEquals(sample().image(), read.image());
        }

        @Test
        void macCoversAllThatPrecedesIt() {
            assertEquals(0xfc0, sample().macInput().length);
        }
    }

    @Nested
    class Damaged {
        @Test
        void isRefusedWhicheverBitFlips() {
            byte[] good = sample().image();
            for (int bit = 0; bit < good.length * 8; bit += 7) {
                byte[] bad = good.clone();
                bad[bit / 8] ^= (byte) (1 << (bit % 8));
                assertThrows(MalformedVolumeException.class, () -> RootBlock.decode(bad, "root A"));
            }
        }

        @Test
        void namesBlockAndField() {
            MalformedVolumeException e =
                    assertThrows(MalformedVolumeException.class, () -> RootBlock.decode(new byte[4096], "root B"));
            assertEquals("root B", e.block());
            assertEquals("magic", e.field());
        }
    }

    @Nested
    class WithARightCrcAndWrongNumbers {
        @Test
        void isInconsistent() {
            refused("suite", root -> root.putForTest(0x4a, (short) 0));
            refused("suite", root -> root.putForTest(0x4a, (short) 2));
            refused("unit shift", root -> root.shifts(26, 10));
            refused("range shift", root -> root.shifts(35, 12));
            refused("range shift", root -> root.shifts(-1, 12));
            refused("volume size", root -> root.sizeBytes(4095));
            refused("volume size", root -> root.sizeBytes(Long.MAX_VALUE & ~4095L));
            refused("slot count", root -> root.slots(100, 0));
            refused("slot count", root -> root.slots((1L << 28) + 1, 0));
            refused("placement", root -> root.placement(2));
            refused("data offset", root -> root.dataOffsetBytes(4096));
            refused("data offset", root -> root.dataOffsetBytes(-4096));
            refused("data offset", root -> root.dataOffsetBytes(Long.MAX_VALUE & ~4095L));
            refused("extent 1", root -> root.addExtent(4096));
            refused("extent 1", root -> root.addExtent(-4096));
            refused("extent 1", root -> root.addExtent((64L << 20) + (102L << 26) + 4096));
            refused("range count", root -> root.putForTest(0x50, (short) 7));
            refused("extent count", root -> root.putForTest(0x68, (short) 0));
            refused("extent count", root -> root.putForTest(0x68, (short) 65));
        }

        @Test
        void isMajorVersionAndBlockSizeRefusedAtOnce() {
            decodeRefused("major version", root -> root.putForTest(0x08, (short) 2));
            decodeRefused("block size", root -> root.putForTest(0x0c, (short) 512));
            decodeRefused("key slot area", root -> root.putForTest(0x6a, (short) 2));
        }

        @Test
        void placesALaterExtentAmongTheSlots() {
            assertDoesNotThrow(
                    () -> sample().addExtent((64L << 20) + (101L << 26)).requireConsistent());
        }

        private void refused(String field, Consumer<RootBlock> change) {
            RootBlock root = sample();
            change.accept(root);
            MalformedVolumeException e = assertThrows(MalformedVolumeException.class, root::requireConsistent, field);
            assertEquals(field, e.field());
        }

        private void decodeRefused(String field, Consumer<RootBlock> change) {
            RootBlock root = sample();
            change.accept(root);
            root.seal(MAC);
            MalformedVolumeException e =
                    assertThrows(MalformedVolumeException.class, () -> RootBlock.decode(root.image(), "root A"));
            assertEquals(field, e.field());
        }
    }

    @Test
    void tellsUnknownFeaturesApart() {
        RootBlock root = sample().features(4, 8, 16);
        assertEquals(4, root.unknownIncompat());
        assertEquals(8, root.unknownRoCompat());
        assertDoesNotThrow(root::requireConsistent);
    }

    @Test
    void keepsBytesOfLaterMinorVersions() throws Exception {
        RootBlock root = sample();
        root.putForTest(0x400, (short) 0x1234);
        root.seal(MAC);
        RootBlock rewritten = RootBlock.decode(root.image(), "root A").copy().commitSeq(9);
        assertEquals(0x34, rewritten.image()[0x400]);
    }
}
