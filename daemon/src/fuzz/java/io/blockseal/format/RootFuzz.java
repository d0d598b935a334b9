package io.blockseal.format;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.blockseal.fuzz.Draw;
import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Patches;
import io.blockseal.fuzz.Seeds;
import java.util.Arrays;
import java.util.zip.CRC32C;

/**
 * A root block as found on a disk. First byte: bit 0, the rest is patches to a sound root instead of the block itself;
 * bit 1, the CRC is made right.
 */
public final class RootFuzz implements FuzzTarget {
    static final int PATCHES = 1;
    static final int RIGHT_CRC = 2;

    private final byte[] sound = sound();

    static byte[] sound() {
        RootBlock root = RootBlock.fresh()
                .uuidBytes(new byte[] {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16})
                .commitSeq(7)
                .shifts(26, 12)
                .vkEpoch(1)
                .sizeBytes((100L << 26) + 4096)
                .slots(103, 2)
                .dataOffsetBytes(128L << 20)
                .addExtent(0)
                .addExtent(64L << 20)
                .label("db");
        root.seal(new byte[32]);
        return root.image();
    }

    @Override
    public Seeds seeds() {
        byte[] golden = Seeds.golden(0, MetadataLayout.BLOCK_BYTES);
        byte[] repaired = {PATCHES | RIGHT_CRC};
        return new Seeds()
                .add("golden", new byte[1], golden)
                .add("sound", repaired)
                .add("cut-short", new byte[1], Arrays.copyOf(golden, 100))
                .add("suite-none", repaired, Patches.encode(RootLayout.SUITE, (byte) 0, (byte) 0))
                .add("data-offset-max", repaired, Patches.encode(RootLayout.DATA_OFFSET, Seeds.hex("00f0ffffffffff7f")))
                .add("slots-max", repaired, Patches.encode(RootLayout.SLOT_COUNT, Seeds.hex("ffffffff")))
                .add("size-and-ranges", repaired, Patches.encode(RootLayout.SIZE, new byte[24]))
                .add("extents-many", repaired, Patches.encode(RootLayout.EXTENT_COUNT, Seeds.hex("ffff 00 01")))
                .add("extent-one", repaired, Patches.encode(RootLayout.EXTENTS + 8, Seeds.hex("0000000400000000")))
                .add("features", repaired, Patches.encode(RootLayout.INCOMPAT, Seeds.hex("0100000000000000 01")))
                .add("label", repaired, Patches.encode(RootLayout.LABEL, Seeds.hex("fffefd c3 28 e2 82")));
    }

    @Override
    public void run(byte[] input) {
        Draw draw = new Draw(input);
        int how = draw.u8();
        byte[] image = (how & PATCHES) != 0 ? Patches.apply(sound, draw) : draw.rest();
        if ((how & RIGHT_CRC) != 0 && image.length == MetadataLayout.BLOCK_BYTES) {
            image = withRightCrc(image);
        }
        try {
            RootBlock root = RootBlock.decode(image, "root A");
            promise(Arrays.equals(image, root.image()), "a root loses bytes when it is read");
            describe(root);
            root.requireConsistent();
            checkBounds(root);
        } catch (MalformedVolumeException e) {
            promise(!e.block().isEmpty() && !e.field().isEmpty(), "a complaint names no place");
        }
    }

    /** What is shown of a root that nobody has vouched for. */
    private static void describe(RootBlock root) {
        promise(root.label().length() <= RootBlock.LABEL_BYTES, "a label grew");
        promise(root.uuid() != null && root.identityTag().length == 16, "no identity");
        promise(root.keySlotArea() <= 1, "a key slot area that does not exist");
    }

    /** Whatever is consistent can be computed with: no offset is negative or behind what it should lie in. */
    private static void checkBounds(RootBlock root) {
        promise(root.rangeCount() >= 1 && root.rangeCount() <= root.slotCount(), "ranges without slots");
        promise(root.dataEndBytes() > root.dataOffsetBytes(), "the data area has no bytes");
        int pages = root.pageCount();
        promise(pages >= 1 && pages <= MetadataLayout.pagesIn(root.extentCount()), "a page outside the extents");
        for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
            for (int page : new int[] {0, pages / 2, pages - 1}) {
                int extent = MetadataLayout.extentOfPage(page);
                long within = root.pageOffset(page, copy) - root.extentOffset(extent);
                promise(
                        within >= 0 && within <= MetadataLayout.EXTENT_BYTES - MetadataLayout.BLOCK_BYTES,
                        "page " + page + " lies outside its extent");
            }
        }
        promise(
                root.detached() || root.dataOffsetBytes() >= MetadataLayout.EXTENT_BYTES,
                "the data area lies over the metadata");
    }

    private static byte[] withRightCrc(byte[] image) {
        CRC32C crc = new CRC32C();
        crc.update(image, 0, RootLayout.CRC);
        byte[] sealed = image.clone();
        for (int i = 0; i < Integer.BYTES; i++) {
            sealed[RootLayout.CRC + i] = (byte) (crc.getValue() >>> (Byte.SIZE * i));
        }
        return sealed;
    }
}
