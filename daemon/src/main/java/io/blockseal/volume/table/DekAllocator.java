package io.blockseal.volume.table;

import io.blockseal.block.Errno;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Prepares DEKs and slots for ranges that have none: of the range that was asked for, and of its neighbours on the page
 * as long as that costs no I/O. On the keeper only.
 *
 * <p>A slot must read as zeros before it is put in service (docs/format.md, "Zeros"). It is known to do so if the store
 * promises it and no range ever had the slot; else it is zeroed first.
 */
public final class DekAllocator {
    /** Changes that one commit will carry. */
    public final class Draft {
        private final long commitSeq;
        private final TreeMap<Integer, TablePage> pages = new TreeMap<>();
        private final List<Long> takenSlots = new ArrayList<>();
        private final long losses = data.lossCount();
        private boolean zeroed;
        private boolean relocated;

        private Draft(long commitSeq) {
            this.commitSeq = commitSeq;
        }

        /** The changed pages. */
        public Collection<TablePage> pages() {
            return pages.values();
        }

        /** Makes the zeroed slots durable and tells the root what it has to know. */
        public void settle(RootBlock next) throws StoreException {
            if (zeroed) {
                data.flush();
                if (data.lossCount() != losses) {
                    // Somebody else's flush failed meanwhile; the zeros may be gone, and what lay there shine through.
                    throw new StoreException(
                            Errno.EIO,
                            data.name() + ": a flush failed while slots were zeroed; they are zeroed again.");
                }
            }
            if (relocated) {
                next.markRelocated();
                slotsUnknown = true;
            }
        }

        /** Gives the slots back. */
        public void abandon() {
            takenSlots.forEach(slots::release);
        }

        private TablePage page(int index) {
            return pages.computeIfAbsent(index, i -> {
                TablePage current = table.page(i);
                return current == null ? keys.freshPage(i) : keys.forChange(current);
            });
        }
    }

    private final BlockStore data;
    private final DekTable table;
    private final SlotMap slots;
    private final VolumeKeys keys;
    private final RootBlock root;
    private final InstantSource clock;
    private boolean slotsUnknown;

    /** {@code root} for what does not change while a volume is open. */
    public DekAllocator(
            BlockStore data, DekTable table, SlotMap slots, VolumeKeys keys, RootBlock root, InstantSource clock) {
        this.data = data;
        this.table = table;
        this.slots = slots;
        this.keys = keys;
        this.root = root;
        this.clock = clock;
        this.slotsUnknown = root.relocated() || root.dirty();
    }

    /** An empty draft for the commit of that number. */
    public Draft newDraft(long commitSeq) {
        return new Draft(commitSeq);
    }

    /** How many slots are free. From any thread. */
    public int freeSlots() {
        return slots.freeCount();
    }

    /** Takes back the slot of a range that has none any more; it will be zeroed before another range gets it. */
    public void release(long slot) {
        slots.release(slot);
    }

    /**
     * Takes a slot that a range is to be copied to, one behind those of all ranges if there is one; -1 if none is free.
     * Whatever becomes of the copy, no slot is taken for untouched any more; the root has to say so before it is begun.
     */
    public long takeSpare() {
        slotsUnknown = true;
        return slots.takeNear(table.rangeCount());
    }

    /** Takes that slot if it is free. */
    public boolean take(long slot) {
        return slots.take(slot);
    }

    /** Whether the range has a key that is committed. */
    public boolean isActive(long range) {
        return RangeWord.state(table.word(range)) == RangeWord.ACTIVE;
    }

    /** Takes note of a commit that was found to have happened although it seemed to fail, and whose slots were given back. */
    public void adopt(RootBlock committed, Collection<TablePage> pages) {
        for (TablePage page : pages) {
            for (int i = 0; i < TablePage.ENTRIES; i++) {
                if (page.state(i) == TableEntry.ACTIVE) {
                    slots.take(page.slot(i));
                }
            }
        }
        slotsUnknown |= committed.relocated() || committed.dirty();
    }

    /** Puts the range and its neighbours into the draft. Whatever is not OK concerns this range alone. */
    public Errno prepare(Draft draft, long range) {
        int pageIndex = TablePage.pageOf(range);
        int state = stateInDraft(draft, range);
        if (state == RangeWord.LOST) {
            return Errno.EIO;
        }
        if (state == RangeWord.ACTIVE) {
            return Errno.OK;
        }
        Errno errno = give(draft, range, true);
        if (errno != Errno.OK) {
            return errno;
        }
        long first = TablePage.firstRange(pageIndex);
        for (long other = first; other < first + TablePage.ENTRIES && other < table.rangeCount(); other++) {
            if (stateInDraft(draft, other) == RangeWord.NONE) {
                give(draft, other, false);
            }
        }
        return Errno.OK;
    }

    private Errno give(Draft draft, long range, boolean atAnyCost) {
        TablePage old = pageInDraft(draft, range);
        int oldGeneration = old == null ? 0 : old.generation(TablePage.entryOf(range));
        long slot = slots.takeNear(range);
        if (slot < 0) {
            return Errno.ENOSPC;
        }
        boolean fresh = slot == range && oldGeneration == 0 && !slotsUnknown && data.trimmedReadsZeros();
        if (!fresh && !atAnyCost) {
            slots.release(slot);
            return Errno.OK;
        }
        if (!fresh) {
            try {
                data.zero(root.dataOffsetBytes() + (slot << root.rangeShift()), 1L << root.rangeShift());
                draft.zeroed = true;
            } catch (StoreException e) {
                slots.release(slot);
                return e.errno();
            }
        }
        draft.takenSlots.add(slot);
        draft.relocated |= slot != range;
        int generation = oldGeneration + 1;
        TablePage page = draft.page(TablePage.pageOf(range));
        int entry = TablePage.entryOf(range);
        page.entry(
                entry,
                new TableEntry(
                        TableEntry.ACTIVE,
                        RootBlock.SUITE_AES_256_XTS,
                        generation,
                        slot,
                        (int) clock.instant().getEpochSecond(),
                        (int) draft.commitSeq,
                        0,
                        new byte[TableEntry.WRAPPED_DEK_BYTES]));
        keys.wrapNewDek(range, generation, slot, page.wrappedDek(entry));
        return Errno.OK;
    }

    private int stateInDraft(Draft draft, long range) {
        TablePage drafted = draft.pages.get(TablePage.pageOf(range));
        return drafted == null ? RangeWord.state(table.word(range)) : drafted.state(TablePage.entryOf(range));
    }

    private @Nullable TablePage pageInDraft(Draft draft, long range) {
        TablePage drafted = draft.pages.get(TablePage.pageOf(range));
        return drafted == null ? table.page(TablePage.pageOf(range)) : drafted;
    }
}
