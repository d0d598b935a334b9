package io.blockseal.format;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.blockseal.fuzz.Draw;
import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Patches;
import io.blockseal.fuzz.Seeds;
import java.util.Arrays;

/** A table page as found on a disk. First byte: 0, the rest is the page; else it is patches to a sound one. */
public final class TablePageFuzz implements FuzzTarget {
    private static final int INDEX = 0;

    private final byte[] sound = sound();

    static byte[] sound() {
        TablePage page = TablePage.fresh(INDEX, 1);
        page.commitSeq(9);
        for (int i = 0; i < 5; i++) {
            byte[] wrapped = new byte[TableEntry.WRAPPED_DEK_BYTES];
            Arrays.fill(wrapped, (byte) (i + 1));
            page.entry(i, new TableEntry(TableEntry.ACTIVE, 1, 1, 93 + i, 1_700_000_000, 9, 0, wrapped));
        }
        page.seal(new byte[TablePage.MAC_BYTES]);
        return page.image();
    }

    @Override
    public Seeds seeds() {
        byte[] patches = {1};
        return new Seeds()
                .add("golden", new byte[1], Seeds.golden(MetadataLayout.FIRST_PAGES_OFFSET, MetadataLayout.BLOCK_BYTES))
                .add("sound", patches)
                .add("zero", new byte[1 + 64])
                .add("other-place", patches, Patches.encode(4, (byte) 1))
                .add("entry-count", patches, Patches.encode(20, (byte) 32))
                .add(
                        "state",
                        patches,
                        Patches.encode(TablePage.entryOffset(0), Seeds.hex("04 02 ffff ffffffff ffffffff")));
    }

    @Override
    public void run(byte[] input) {
        Draw draw = new Draw(input);
        byte[] image = draw.u8() == 0 ? draw.rest() : Patches.apply(sound, draw);
        boolean zero = TablePage.isZero(image);
        try {
            TablePage page = TablePage.decode(image, INDEX, "table page 0 copy A");
            promise(!zero, "a page that was never written is taken for one");
            promise(page.index() == INDEX, "a page of another place");
            promise(Arrays.equals(image, page.image()), "a page loses bytes when it is read");
            checkEntries(page);
        } catch (MalformedVolumeException e) {
            promise(!e.block().isEmpty() && !e.field().isEmpty(), "a complaint names no place");
        }
    }

    /** What is read of an entry and written again reads the same, and touches no neighbour. */
    private static void checkEntries(TablePage page) {
        TablePage copy = page.copy();
        for (int i = 0; i < TablePage.ENTRIES; i++) {
            TableEntry entry = page.entry(i);
            promise(entry.slot() >= 0 && entry.slot() < 1L << 32, "a slot that is no number");
            copy.entry(i, entry);
            TableEntry again = copy.entry(i);
            promise(
                    again.state() == entry.state()
                            && again.suite() == entry.suite()
                            && again.generation() == entry.generation()
                            && again.slot() == entry.slot()
                            && Arrays.equals(again.wrappedDek(), entry.wrappedDek()),
                    "entry " + i + " changes when it is written");
        }
        promise(
                Arrays.equals(
                        Arrays.copyOf(copy.image(), TablePage.entryOffset(0)),
                        Arrays.copyOf(page.image(), TablePage.entryOffset(0))),
                "writing entries changes the header");
    }
}
