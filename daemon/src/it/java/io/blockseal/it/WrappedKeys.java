package io.blockseal.it;

import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Extent 0 of a volume or of its mirror, byte by byte as it is in the file now: what a thief finds. Of volumes whose
 * table has no other extent.
 */
final class WrappedKeys {
    private final byte[] extent = new byte[(int) MetadataLayout.EXTENT_BYTES];

    private WrappedKeys() {}

    static WrappedKeys in(Path file) throws IOException {
        WrappedKeys keys = new WrappedKeys();
        try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "r")) {
            bytes.readFully(keys.extent);
        }
        return keys;
    }

    /** All of it. */
    byte[] bytes() {
        return extent;
    }

    private byte[] copy(long offset, int length) {
        byte[] bytes = new byte[length];
        System.arraycopy(extent, (int) offset, bytes, 0, length);
        return bytes;
    }

    /** What both copies of the table say of a range; nothing if it and its neighbours never had a DEK. */
    List<TableEntry> entries(long range) throws Exception {
        List<TableEntry> entries = new ArrayList<>();
        for (int letter = 0; letter < MetadataLayout.COPIES; letter++) {
            int index = TablePage.pageOf(range);
            byte[] page = copy(MetadataLayout.pageOffsetInExtent(index, letter), MetadataLayout.BLOCK_BYTES);
            if (!TablePage.isZero(page)) {
                entries.add(TablePage.decode(page, index, "page " + index).entry(TablePage.entryOf(range)));
            }
        }
        return entries;
    }

    /** Nonce, ciphertext and tag of a range's DEK, in whichever copies there are. */
    void addDek(Needles needles, long range) throws Exception {
        for (TableEntry entry : entries(range)) {
            if (entry.state() == TableEntry.ACTIVE) {
                needles.add("the wrapped DEK of range " + range + " #" + entry.generation(), entry.wrappedDek());
            }
        }
    }

    /** The volume key as key slot 0 holds it, in whichever copies there are. */
    void addVolumeKey(Needles needles) {
        for (int letter = 0; letter < MetadataLayout.COPIES; letter++) {
            KeySlot slot = KeySlotArea.decode(copy(MetadataLayout.keySlotAreaOffset(letter), KeySlotArea.AREA_BYTES))
                    .slot(0);
            if (slot != null) {
                needles.add("the wrapped volume key", slot.blob());
            }
        }
    }
}
