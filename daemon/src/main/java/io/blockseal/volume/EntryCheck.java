package io.blockseal.volume;

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
final class EntryCheck {
    /** Takes what is wrong: the block, its field by its name in docs/format.md, and what was found. */
    interface Complaints {
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
    EntryCheck(CryptoEngine engine, RootBlock root, @Nullable VolumeKeys keys, Complaints complaints) {
        this.engine = engine;
        this.root = root;
        this.keys = keys;
        this.complaints = complaints;
        this.slots = new SlotMap(root);
    }

    /** How many ranges had a DEK so far. */
    long activeRanges() {
        return activeRanges;
    }

    /** Looks at one page; each page once. */
    void page(TablePage page) {
        String block = "table page " + page.index();
        if (page.flags() != 0) {
            complaints.add(block, "flags", page.flags() + ", not 0");
        }
        if (!root.admits(page.index(), page.vkEpoch())) {
            complaints.add(block, "vk_epoch", page.vkEpoch() + ", but the root's is " + root.vkEpoch());
        }
        for (int i = 0; i < TablePage.ENTRIES; i++) {
            long range = TablePage.firstRange(page.index()) + i;
            entry(range, page.entry(i), page.vkEpoch());
            String leftOver = page.leftOver(i);
            if (leftOver != null) {
                complaints.add("range " + range, leftOver, "should be zero, and is not");
            }
        }
    }

    private void entry(long range, TableEntry entry, int epoch) {
        String block = "range " + range;
        if (entry.state() != TableEntry.NONE && range >= root.rangeCount()) {
            complaints.add(block, "state", "lies beyond the end, yet has state " + entry.state());
        } else if (entry.state() > TableEntry.LOST) {
            complaints.add(block, "state", entry.state() + " is unknown");
        } else if (entry.state() == TableEntry.LOST) {
            complaints.givenUp(range);
        }
        if (entry.state() == TableEntry.ACTIVE) {
            activeRanges++;
            active(range, entry, epoch, block);
        }
    }

    private void active(long range, TableEntry entry, int epoch, String block) {
        if (entry.suite() != RootBlock.SUITE_AES_256_XTS) {
            complaints.add(block, "suite", entry.suite() + " is unknown");
        }
        if (!slots.exists(entry.slot())) {
            complaints.add(block, "slot", entry.slot() + " is outside the data area");
        } else if (!slots.take(entry.slot())) {
            complaints.add(block, "slot", entry.slot() + " belongs to another range or to the metadata");
        }
        if (entry.generation() == 0) {
            // No DEK was ever wrapped for it, so there is no use in trying.
            complaints.add(block, "generation", "0, but the first DEK's is 1");
        } else if (keys != null && !unwraps(range, entry, epoch, keys)) {
            complaints.add(block, "wrapped DEK", "does not unwrap");
        }
    }

    private boolean unwraps(long range, TableEntry entry, int epoch, VolumeKeys with) {
        byte[] aad = with.newAad();
        EpochKeys.bindDek(aad, range, entry.generation(), entry.slot());
        try (Secret dek = Secret.empty(engine.keys())) {
            return with.unwrapDek(epoch, range, entry.generation(), aad, entry.wrappedDek(), dek.key());
        }
    }
}
