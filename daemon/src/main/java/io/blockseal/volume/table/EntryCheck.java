package io.blockseal.volume.table;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import org.jspecify.annotations.Nullable;

/**
 * Looks at the pages that are to be believed, entry by entry: whether each makes sense, fits the volume and all the
 * others, and gives its key. Used by whoever judges a whole table, page after page, on one thread.
 */
public final class EntryCheck {
    /** Takes what is wrong: the block, its field by its name in docs/format.md, and what was found. */
    public interface Complaints {
        void add(String block, String field, String found);

        /** Takes a range that an operator gave up: no mistake, but its data is gone. */
        default void givenUp(long range) {}
    }

    private final CryptoEngine engine;
    private final RootBlock root;
    private final @Nullable VolumeKeys keys;
    private final Complaints complaints;
    private final SlotMap slots;
    private long activeRanges;

    /** Without keys no DEK is unwrapped. */
    public EntryCheck(CryptoEngine engine, RootBlock root, @Nullable VolumeKeys keys, Complaints complaints) {
        this.engine = engine;
        this.root = root;
        this.keys = keys;
        this.complaints = complaints;
        this.slots = new SlotMap(root);
    }

    /** How many ranges had a DEK so far. */
    public long activeRanges() {
        return activeRanges;
    }

    /** Looks at one page; each page once. */
    public void page(TablePage page) {
        String block = "table page " + page.index();
        if (page.flags() != 0) {
            complaints.add(block, "flags", page.flags() + ", not 0");
        }
        if (!root.admits(page.index(), page.vkEpoch())) {
            complaints.add(block, "vk_epoch", page.vkEpoch() + ", but the root's is " + root.vkEpoch());
        }
        for (int i = 0; i < TablePage.ENTRIES; i++) {
            long range = TablePage.firstRange(page.index()) + i;
            entry(range, page, i);
            String leftOver = page.leftOver(i);
            if (leftOver != null) {
                complaints.add("range " + range, leftOver, "should be zero, and is not");
            }
        }
    }

    private void entry(long range, TablePage page, int i) {
        String block = "range " + range;
        int state = page.state(i);
        if (state != TableEntry.NONE && range >= root.rangeCount()) {
            complaints.add(block, "state", "lies beyond the end, yet has state " + state);
        } else if (state > TableEntry.LOST) {
            complaints.add(block, "state", state + " is unknown");
        } else if (state == TableEntry.LOST) {
            complaints.givenUp(range);
        }
        if (state == TableEntry.ACTIVE) {
            activeRanges++;
            active(range, page, i, block);
        }
    }

    private void active(long range, TablePage page, int i, String block) {
        if (page.suite(i) != RootBlock.SUITE_AES_256_XTS) {
            complaints.add(block, "suite", page.suite(i) + " is unknown");
        }
        if (!slots.exists(page.slot(i))) {
            complaints.add(block, "slot", page.slot(i) + " is outside the data area");
        } else if (!slots.take(page.slot(i))) {
            complaints.add(block, "slot", page.slot(i) + " belongs to another range or to the metadata");
        }
        if (page.generation(i) == 0) {
            // No DEK was ever wrapped for it, so there is no use in trying.
            complaints.add(block, "generation", "0, but the first DEK's is 1");
        } else if (keys != null && !unwraps(range, page, i, keys)) {
            complaints.add(block, "wrapped DEK", "does not unwrap");
        }
    }

    private boolean unwraps(long range, TablePage page, int i, VolumeKeys with) {
        byte[] aad = with.newAad();
        EpochKeys.bindDek(aad, range, page.generation(i), page.slot(i));
        try (Secret dek = Secret.empty(engine.keys())) {
            return with.unwrapDek(page, range, page.generation(i), aad, dek.key());
        }
    }
}
