package io.blockseal.volume;

import io.blockseal.crypto.Secret;
import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.fuzz.Draw;
import io.blockseal.fuzz.Patches;
import io.blockseal.keysource.Binding;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.slot.KeySlotCodec;
import io.blockseal.volume.table.EpochKeys;
import io.blockseal.volume.table.TableRoot;
import java.util.Objects;

/**
 * Does to a volume's store what an input says, one act at a time: a kind byte, then what it needs. Acts that seal make the
 * CRC right, or the MAC as well, as somebody would who has the keys.
 */
public final class Intruder {
    private static final int ROOT = 0;
    private static final int KEY_SLOTS = 1;
    private static final int PAGE = 2;
    private static final int COPY_BLOCK = 3;
    private static final int SPOIL = 4;
    private static final int ERASE = 5;
    private static final int TRUNCATE = 6;
    private static final int TABLE_ROOT = 7;
    private static final int ACTS = 8;

    private static final int SEAL_CRC = 1;
    private static final int SEAL_MAC = 2;
    private static final int PAGES = 3;
    private static final int BLOCKS = 2 + 2 + 2 * PAGES;

    private final MemoryStore store;
    private final EpochKeys keys;

    Intruder(MemoryStore store, EpochKeys keys) {
        this.store = store;
        this.keys = keys;
    }

    /** The keys of a volume that key 1 opens; they live as long as the target. */
    static EpochKeys keys(VolumeFixture fixture, MemoryStore store) throws Exception {
        RootBlock root = RootBlock.decode(store.peek(0, MetadataLayout.BLOCK_BYTES), "root");
        byte[] area = store.peek(MetadataLayout.keySlotAreaOffset(0), KeySlotArea.AREA_BYTES);
        KeySlot slot = Objects.requireNonNull(KeySlotArea.decode(area).slot(0));
        try (Secret volumeKey =
                fixture.key(1).unwrap(Objects.requireNonNull(KeySlotCodec.toWrapped(slot)), new Binding(root.uuid()))) {
            return EpochKeys.derive(fixture.engine(), root.uuidBytes(), root.vkEpoch(), volumeKey);
        }
    }

    void act(Draw draw) {
        switch (draw.u8() % ACTS) {
            case ROOT -> changeRoot(draw);
            case KEY_SLOTS -> changeKeySlots(draw);
            case PAGE -> changePage(draw);
            case COPY_BLOCK -> put(draw.u8(), block(draw.u8()));
            case SPOIL -> store.spoil(offset(draw.u8()));
            case ERASE -> put(draw.u8(), new byte[MetadataLayout.BLOCK_BYTES]);
            case TRUNCATE -> store.truncate(Math.min(store.sizeBytes(), draw.u16() * 4096L));
            case TABLE_ROOT -> sumTableUp(draw.u8() & 1);
            default -> throw new AssertionError("no such act");
        }
    }

    private void changeRoot(Draw draw) {
        int copy = draw.u8() & 1;
        int seal = draw.u8();
        byte[] image = block(copy);
        Patches.one(image, draw);
        putRoot(copy, image, seal);
    }

    /** Writes a root with what is to be made right made right, if it can be read at all. */
    private void putRoot(int copy, byte[] image, int seal) {
        byte[] sealed = (seal & (SEAL_CRC | SEAL_MAC)) != 0 ? Forger.withCrc(image) : image;
        RootBlock root = readable(() -> RootBlock.decode(sealed, "root"));
        if (root != null && (seal & SEAL_MAC) != 0) {
            root.seal(keys.mac(root));
            put(copy, root.image());
        } else {
            put(copy, sealed);
        }
    }

    private void changeKeySlots(Draw draw) {
        int area = draw.u8() & 1;
        int seal = draw.u8();
        long offset = MetadataLayout.keySlotAreaOffset(area);
        byte[] image = peek(offset, KeySlotArea.AREA_BYTES);
        Patches.one(image, draw);
        store.poke(offset, image);
        RootBlock root = readable(() -> RootBlock.decode(block(area), "root"));
        if (root != null && (seal & SEAL_CRC) != 0) {
            root.keySlots(area, KeySlotArea.decode(image).sha256());
            putRoot(area, root.image(), seal);
        }
    }

    private void changePage(Draw draw) {
        int index = draw.u8() % PAGES;
        int copy = draw.u8() & 1;
        int seal = draw.u8();
        int place = 4 + index * 2 + copy;
        byte[] image = block(place);
        Patches.one(image, draw);
        put(place, image);
        TablePage page = readable(() -> TablePage.decode(image, index, "page"));
        if (page != null && (seal & SEAL_MAC) != 0) {
            page.seal(keys.mac(page));
            put(place, page.image());
        }
        if ((seal & SEAL_CRC) != 0) {
            put(place ^ 1, block(place));
        }
    }

    /** Makes a root's table_root fit the pages as they lie there now, in copy A. */
    private void sumTableUp(int copy) {
        RootBlock root = readable(() -> RootBlock.decode(block(copy), "root"));
        if (root == null) {
            return;
        }
        TableRoot sum = new TableRoot(new byte[32]);
        for (int i = 0; i < PAGES; i++) {
            int index = i;
            TablePage page = readable(() -> TablePage.decode(block(4 + index * 2), index, "page"));
            if (page != null) {
                sum.toggle(keys.tableTerm(page));
            }
        }
        putRoot(copy, root.tableRoot(sum.bytes()).image(), SEAL_MAC);
    }

    /** Something that decodes, or null if the bytes do not let it. */
    private static <T> T readable(Decoding<T> decoding) {
        try {
            return decoding.decode();
        } catch (MalformedVolumeException e) {
            return null;
        }
    }

    /** A decoding that may refuse its bytes. */
    private interface Decoding<T> {
        T decode() throws MalformedVolumeException;
    }

    private byte[] block(int place) {
        return peek(offset(place), MetadataLayout.BLOCK_BYTES);
    }

    private byte[] peek(long offset, int length) {
        return store.peek(offset, length);
    }

    private void put(int place, byte[] image) {
        store.poke(offset(place), image);
    }

    /** Where the blocks are that somebody would reach for: two roots, two key slot areas, both copies of each page. */
    private static long offset(int choice) {
        int place = choice % BLOCKS;
        if (place < 2) {
            return MetadataLayout.rootOffset(place);
        }
        if (place < 4) {
            return MetadataLayout.keySlotAreaOffset(place - 2);
        }
        return MetadataLayout.pageOffsetInExtent((place - 4) / 2, place & 1);
    }
}
