package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * One malformed volume a row: sizes, overlaps, counts, overflow, unknown codes, wrong lengths. Each is tried with its
 * checksum right, and again with its MAC right, by somebody who has the keys: then the opener's own checks are all there
 * is.
 */
@ExtendWith(TamperTable.class)
class MalformedVolumesTest {
    /** What becomes of one whose MAC is right. */
    private enum Fate {
        REFUSED,
        OPENS
    }

    private record Row(String name, Fate fate, Consumer<ByteBuffer> change) {}

    private final List<Row> rows = new ArrayList<>();

    private void row(String name, Fate fate, Consumer<ByteBuffer> change) {
        rows.add(new Row(name, fate, change));
    }

    private void longs(String name, Fate fate, int at, long... values) {
        for (long value : values) {
            row(name + " " + value, fate, root -> root.putLong(at, value));
        }
    }

    private void ints(String name, Fate fate, int at, int... values) {
        for (int value : values) {
            row(name + " " + value, fate, root -> root.putInt(at, value));
        }
    }

    private void shorts(String name, Fate fate, int at, int... values) {
        for (int value : values) {
            row(name + " " + value, fate, root -> root.putShort(at, (short) value));
        }
    }

    private void bytes(String name, Fate fate, int at, int... values) {
        for (int value : values) {
            row(name + " " + value, fate, root -> root.put(at, (byte) value));
        }
    }

    private void roots() {
        longs("magic", Fate.REFUSED, 0, 0, -1, 0x0a1a_0a0d_4c53_4288L);
        shorts("major", Fate.REFUSED, 8, 0, 2, 0xffff);
        shorts("minor", Fate.OPENS, 10, 1, 0xffff);
        ints("block size", Fate.REFUSED, 12, 0, 512, 4095, 8192, -1);
        longs("commit_seq", Fate.REFUSED, 0x20, 0, -1, Long.MIN_VALUE);
        longs("size", Fate.REFUSED, 0x40, 0, -1, 1, 4095, 70L << 17, Long.MAX_VALUE, Long.MIN_VALUE, (70L << 16) + 512);
        bytes("range shift", Fate.REFUSED, 0x48, 0, 9, 15, 17, 35, 63, 64, 0x7f, 0x80, 0xff);
        bytes("unit shift", Fate.REFUSED, 0x49, 0, 8, 10, 11, 13, 16, 31, 32, 64, 0xff);
        shorts("suite", Fate.REFUSED, 0x4a, 0, 2, 0x100, 0xffff);
        longs("range count", Fate.REFUSED, 0x50, 0, 1, 69, 71, -1, Long.MAX_VALUE, Long.MIN_VALUE, 1L << 32);
        ints("slot count", Fate.REFUSED, 0x58, 0, 1, 69, (1 << 28) + 1, -1, Integer.MIN_VALUE, 1 << 28, 73);
        ints("spare target", Fate.OPENS, 0x5c, 0, -1, Integer.MIN_VALUE, Integer.MAX_VALUE);
        longs(
                "data offset",
                Fate.REFUSED,
                0x60,
                0,
                1,
                4096,
                (64 << 20) - 4096,
                (64 << 20) + 1,
                -4096,
                Long.MAX_VALUE & ~4095,
                Long.MIN_VALUE,
                Long.MAX_VALUE >>> 1 & ~4095);
        shorts("extent count", Fate.REFUSED, 0x68, 0, 2, 64, 65, 0xffff);
        bytes("key slot area", Fate.REFUSED, 0x6a, 2, 3, 0xff);
        bytes("key slot area", Fate.OPENS, 0x6a, 1);
        bytes("placement", Fate.REFUSED, 0x6b, 1, 2, 3, 0x80, 0xff);
        longs("extent 0", Fate.REFUSED, 0x70, 4096, -1, Long.MIN_VALUE);
        for (long second :
                new long[] {0, 4096, 32 << 20, (64 << 20) + 1, -4096, Long.MIN_VALUE, Long.MAX_VALUE & ~4095}) {
            row("extent 1 at " + second, Fate.REFUSED, root -> {
                root.putShort(0x68, (short) 2);
                root.putLong(0x78, second);
            });
        }
        row("64 extents, all alike", Fate.REFUSED, root -> {
            root.putShort(0x68, (short) 64);
            for (int i = 1; i < 64; i++) {
                root.putLong(0x70 + 8 * i, 64 << 20);
            }
        });
        row("extent 1 across the end of the data", Fate.REFUSED, root -> {
            root.putShort(0x68, (short) 2);
            root.putLong(0x78, (64 << 20) + (71L << 16));
        });
        row("size and counts of 2^44 bytes in a small store", Fate.REFUSED, root -> {
            root.putLong(0x40, 1L << 44);
            root.putLong(0x50, 1L << 28);
            root.putInt(0x58, 1 << 28);
        });
        row("ranges for which the extents have no pages", Fate.REFUSED, root -> {
            root.putLong(0x40, 246_017L << 16);
            root.putLong(0x50, 246_017);
            root.putInt(0x58, 246_017);
        });
        row("key slot hash of nothing", Fate.REFUSED, root -> root.put(0x270, new byte[32]));
        row("table root of nothing", Fate.REFUSED, root -> root.put(0x290, new byte[32]));
        longs("created", Fate.OPENS, 0x2c0, 0, -1, Long.MIN_VALUE);
        row("label that is no UTF-8", Fate.OPENS, root -> root.put(0x2d0, filled(48, 0xff)));
        row(
                "reserved bytes of a later minor version",
                Fate.OPENS,
                root -> root.put(0x330, filled(0xfc0 - 0x330, 0x5a)));
        row("bytes behind the MAC", Fate.REFUSED, root -> root.put(0xfe0, filled(28, 1)));
    }

    private static byte[] filled(int length, int value) {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) value);
        return bytes;
    }

    @Test
    void byTheirRoot() throws Exception {
        roots();
        TamperRig rig = new TamperRig();
        byte[] good = rig.store.peek(0, MetadataLayout.BLOCK_BYTES);
        try (Forger forger = rig.forger();
                TamperTally crc = new TamperTally("gen-1", "malformed roots, CRC right: refused, unchanged");
                TamperTally mac = new TamperTally("gen-2", "malformed roots, MAC right: refused or as documented")) {
            for (Row row : rows) {
                byte[] image = good.clone();
                row.change().accept(ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN));
                assertTrue(!Arrays.equals(good, image), row.name() + " changes nothing");
                crc.state(row.name(), () -> {
                    rig.pokeRoots(Forger.withCrc(image));
                    declared(rig.refusedQuickly());
                });
                mac.state(row.name(), () -> {
                    rig.pokeRoots(forger.sealed(image));
                    expect(rig, row.fate());
                });
                rig.pokeRoots(good);
            }
        }
    }

    private void slots() {
        bytes("state", Fate.REFUSED, 2, 0, 3, 0xff);
        bytes("state, about to be removed", Fate.OPENS, 2, 2);
        shorts("type", Fate.REFUSED, 0, 0);
        shorts("type that nobody knows", Fate.OPENS, 0, 0x1234);
        bytes("priority", Fate.REFUSED, 3, 3, 0xff, 0);
        ints("flags", Fate.REFUSED, 4, 1, -1);
        longs("created", Fate.OPENS, 8, -1, Long.MIN_VALUE);
        shorts("wrap algorithm", Fate.REFUSED, 0x14, 0, 1, 3, 4, 5, 6, 7, 0xffff);
        shorts("blob length", Fate.REFUSED, 0x16, 0, 1, 7, 39, 41, 512, 513, 0x8000, 0xffff);
        shorts("reference length", Fate.REFUSED, 0x38, 257, 0x8000, 0xffff);
        shorts("parameters length", Fate.REFUSED, 0x3a, 129, 0x8000, 0xffff);
        shorts("parameters that KWP does not need", Fate.OPENS, 0x3a, 1, 128);
        row("reference that is no text", Fate.OPENS, slot -> slot.put(0x40, filled(6, 0xfe)));
        row("label of control characters", Fate.OPENS, slot -> slot.put(0x18, filled(32, 0x1b)));
        row("blob of zeros", Fate.REFUSED, slot -> slot.put(0x200, new byte[512]));
        row("all ones", Fate.REFUSED, slot -> slot.put(0, filled(1024, 0xff)));
    }

    @Test
    void byTheirKeySlot() throws Exception {
        slots();
        TamperRig rig = new TamperRig();
        byte[] good = rig.store.peek(0, MetadataLayout.BLOCK_BYTES);
        byte[] goodArea = rig.store.peek(MetadataLayout.keySlotAreaOffset(0), KeySlotArea.AREA_BYTES);
        try (Forger forger = rig.forger();
                TamperTally crc =
                        new TamperTally("gen-3", "malformed key slots, hash and CRC right: refused, unchanged");
                TamperTally mac =
                        new TamperTally("gen-4", "malformed key slots, MAC right: slot refused or as documented")) {
            for (Row row : rows) {
                byte[] area = goodArea.clone();
                row.change().accept(ByteBuffer.wrap(area).order(ByteOrder.LITTLE_ENDIAN));
                assertTrue(!Arrays.equals(goodArea, area), row.name() + " changes nothing");
                for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
                    rig.store.poke(MetadataLayout.keySlotAreaOffset(copy), area);
                }
                RootBlock root = RootBlock.decode(good, "root")
                        .copy()
                        .keySlots(0, KeySlotArea.decode(area).sha256());
                crc.state(row.name(), () -> {
                    root.seal(root.mac());
                    rig.pokeRoots(root.image());
                    declared(rig.refusedQuickly());
                });
                mac.state(row.name(), () -> {
                    rig.pokeRoots(forger.sealed(root.image()));
                    expect(rig, row.fate());
                });
                for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
                    rig.store.poke(MetadataLayout.keySlotAreaOffset(copy), goodArea);
                }
                rig.pokeRoots(good);
            }
        }
    }

    private void pages() {
        ints("magic", Fate.REFUSED, 0, 0, -1);
        ints("index", Fate.REFUSED, 4, 1, -1, Integer.MIN_VALUE);
        shorts("entry count", Fate.REFUSED, 20, 0, 30, 32, 0xffff);
        longs("commit_seq", Fate.REFUSED, 8, 0, -1, Long.MAX_VALUE, Long.MIN_VALUE);
    }

    /** A page is not the volume: the others go on. What matters is that nothing of it is believed, or the open refused. */
    @Test
    void byTheirTablePage() throws Exception {
        pages();
        TamperRig rig = new TamperRig();
        byte[] good = rig.store.peek(TamperRig.PAGES_A, MetadataLayout.BLOCK_BYTES);
        try (Forger forger = rig.forger();
                TamperTally tally = new TamperTally("gen-5", "malformed pages, MAC right or not: lost or refused")) {
            for (Row row : rows) {
                byte[] image = good.clone();
                row.change().accept(ByteBuffer.wrap(image).order(ByteOrder.LITTLE_ENDIAN));
                for (byte[] page : List.of(image, forger.sealedPage(image))) {
                    tally.state(row.name(), () -> {
                        rig.store.poke(TamperRig.PAGES_A, page);
                        rig.store.poke(TamperRig.PAGES_B, page);
                        String before = rig.store.fingerprint();
                        try (Volume volume = rig.fixture.open(rig.store)) {
                            assertEquals(-1, rig.fixture.read(volume, 0));
                            assertEquals(3, rig.fixture.read(volume, 40 * 16));
                        } catch (Exception e) {
                            declared(e);
                            assertEquals(before, rig.store.fingerprint(), "a refusal changes nothing");
                        }
                    });
                }
                rig.store.poke(TamperRig.PAGES_A, good);
                rig.store.poke(TamperRig.PAGES_B, good);
            }
        }
        assertEquals(31, TablePage.ENTRIES);
    }

    private static void expect(TamperRig rig, Fate fate) throws Exception {
        if (fate == Fate.REFUSED) {
            declared(rig.refusedQuickly());
            return;
        }
        try (Volume volume = rig.fixture.open(rig.store)) {
            assertEquals(1, rig.fixture.read(volume, 0));
            assertEquals(3, rig.fixture.read(volume, 40 * 16));
        }
    }

    /** Of the types that the opener declares; anything else is a crash. */
    private static void declared(Exception e) {
        assertTrue(
                e instanceof MalformedVolumeException
                        || e instanceof VolumeRefusedException
                        || e instanceof WrongKeyException
                        || e instanceof KeySourceException,
                "undeclared: " + e);
    }
}
