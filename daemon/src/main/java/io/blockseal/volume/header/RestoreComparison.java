package io.blockseal.volume.header;

import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.volume.KeySlotInfo;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Lays a header backup beside what is left of the volume, range by range: what comes back, what is lost, and which
 * entries must not come back because the data under their DEK has been overwritten since.
 */
final class RestoreComparison {
    private static final TableEntry NONE =
            new TableEntry(TableEntry.NONE, 0, 0, 0, 0, 0, 0, new byte[TableEntry.WRAPPED_DEK_BYTES]);

    private final HeaderBackup backup;
    private final LiveHeader live;
    private final RangeRuns lost = new RangeRuns();
    private final RangeRuns unknown = new RangeRuns();
    private final RangeRuns emptied = new RangeRuns();
    private final RangeRuns returning = new RangeRuns();
    /** Which range has a slot now, plus 1; 0 for none that is known. */
    private int[] ownersOfSlots = new int[64];
    /** By page: the backup's, with the entries that must not come back replaced. */
    private final TreeMap<Integer, TablePage> restored = new TreeMap<>();

    private RestoreComparison(HeaderBackup backup, LiveHeader live) {
        this.backup = backup;
        this.live = live;
    }

    static RestoreComparison of(HeaderBackup backup, LiveHeader live) {
        RestoreComparison comparison = new RestoreComparison(backup, live);
        comparison.findOwners();
        long ranges = Math.max(backup.root().rangeCount(), comparison.liveRangeCount());
        for (long range = 0; range < ranges; range++) {
            comparison.compare(range);
        }
        return comparison;
    }

    /** The pages of the restored table that have a range in use, unsealed and with their old commits. */
    SortedMap<Integer, TablePage> restored() {
        return restored;
    }

    RestorePreview preview(String volumeName) {
        RootBlock before = live.root();
        List<KeySlotInfo> returningSlots = new ArrayList<>();
        List<KeySlotInfo> leavingSlots = new ArrayList<>();
        List<KeySlotInfo> keptSlots = new ArrayList<>();
        KeySlotArea now = Objects.requireNonNullElse(live.area(), KeySlotArea.empty());
        for (KeySlotInfo slot : KeySlotInfo.ofAll(backup.area())) {
            if (slot.refusal().isEmpty()) {
                (holds(now, backup.area().slot(slot.index())) ? keptSlots : returningSlots).add(slot);
            }
        }
        for (KeySlotInfo slot : KeySlotInfo.ofAll(now)) {
            if (slot.refusal().isEmpty() && !holds(backup.area(), now.slot(slot.index()))) {
                leavingSlots.add(slot);
            }
        }
        return new RestorePreview(
                volumeName,
                backup.uuid(),
                backup.commitSeq(),
                backup.committedSeconds(),
                before == null ? 0 : before.commitSeq(),
                before == null ? 0 : before.committedSeconds(),
                backup.sizeBytes(),
                before == null ? 0 : before.sizeBytes(),
                lost,
                unknown,
                emptied,
                returning,
                returningSlots,
                leavingSlots,
                keptSlots,
                List.copyOf(live.complaints()));
    }

    /** Whether some slot of the area is the same wrapped key; its number and its label do not matter. */
    private static boolean holds(KeySlotArea area, @Nullable KeySlot wanted) {
        for (int i = 0; i < KeySlotArea.SLOTS && wanted != null; i++) {
            KeySlot slot = area.slot(i);
            if (slot != null && Arrays.equals(slot.blob(), wanted.blob())) {
                return true;
            }
        }
        return false;
    }

    private long liveRangeCount() {
        RootBlock root = live.root();
        return root == null ? 0 : root.rangeCount();
    }

    private void findOwners() {
        for (int index = 0; index < live.pageCount(); index++) {
            own(live.page(index).content());
        }
        for (int index = 0; index < live.pageCount(); index++) {
            own(live.page(index).later());
        }
    }

    private void own(@Nullable TablePage page) {
        if (page != null) {
            for (int i = 0; i < TablePage.ENTRIES; i++) {
                TableEntry entry = page.entry(i);
                if (entry.state() == TableEntry.ACTIVE && entry.slot() < RootBlock.SLOTS_MAX) {
                    int slot = (int) entry.slot();
                    if (slot >= ownersOfSlots.length) {
                        ownersOfSlots = Arrays.copyOf(ownersOfSlots, Math.max(slot + 1, 2 * ownersOfSlots.length));
                    }
                    if (ownersOfSlots[slot] == 0) {
                        ownersOfSlots[slot] = (int) TablePage.firstRange(page.index()) + i + 1;
                    }
                }
            }
        }
    }

    private void compare(long range) {
        TableEntry then = entryOfBackup(range);
        TableEntry after = isOverwritten(range, then) ? gone(then, then.generation()) : then;
        if (!live.page(TablePage.pageOf(range)).known()) {
            unknown.add(range);
            keep(range, then, after);
            return;
        }
        TableEntry now = entryOfLive(range);
        TableEntry later = entry(live.page(TablePage.pageOf(range)).later(), range);
        after = notBefore(notBefore(after, now), later);
        boolean inUseAfter = after.state() == TableEntry.ACTIVE;
        if (loses(range, now, after) || loses(range, later, after)) {
            lost.add(range);
            if (!inUseAfter) {
                emptied.add(range);
            }
        }
        if (inUseAfter && now.state() != TableEntry.ACTIVE) {
            returning.add(range);
        }
        keep(range, then, after);
    }

    private boolean loses(long range, TableEntry now, TableEntry after) {
        boolean inUse = now.state() == TableEntry.ACTIVE;
        return (inUse && !sameKey(range, after, now)) || isLess(after.generation(), now.generation());
    }

    /** The same, but that a range without a DEK knows how many it has had. */
    private static TableEntry notBefore(TableEntry after, TableEntry now) {
        boolean behind = after.state() != TableEntry.ACTIVE && isLess(after.generation(), now.generation());
        return behind ? gone(now, now.generation()) : after;
    }

    private TableEntry entryOfBackup(long range) {
        return range >= backup.root().rangeCount() ? NONE : entry(backup.page(TablePage.pageOf(range)), range);
    }

    private TableEntry entryOfLive(long range) {
        return entry(live.page(TablePage.pageOf(range)).content(), range);
    }

    private static TableEntry entry(@Nullable TablePage page, long range) {
        return page == null ? NONE : page.entry(TablePage.entryOf(range));
    }

    /** Whether somebody else's data, or this range's under another DEK, lies where the entry has its own. */
    private boolean isOverwritten(long range, TableEntry then) {
        if (then.state() != TableEntry.ACTIVE || then.slot() >= ownersOfSlots.length) {
            return false;
        }
        long owner = ownersOfSlots[(int) then.slot()] - 1L;
        return owner >= 0 && (owner != range || !sameKey(range, then, entryOfLive(owner)));
    }

    /**
     * A generation is given once; but a volume that was restored before may have given it again. A DEK that is wrapped
     * otherwise may still be the same: the volume key was being rotated.
     */
    private boolean sameKey(long range, TableEntry one, TableEntry two) {
        return one.state() == two.state()
                && one.generation() == two.generation()
                && one.slot() == two.slot()
                && (Arrays.equals(one.wrappedDek(), two.wrappedDek())
                        || live.keys().wrapSameDek(range, one, two));
    }

    private static boolean isLess(int generation, int other) {
        return Integer.compareUnsigned(generation, other) < 0;
    }

    /** Reads as zeros, and no generation up to that one is given again. */
    private static TableEntry gone(TableEntry last, int generation) {
        return new TableEntry(
                TableEntry.SHREDDED,
                0,
                generation,
                0,
                last.createdSeconds(),
                last.lastCommit(),
                0,
                new byte[TableEntry.WRAPPED_DEK_BYTES]);
    }

    private void keep(long range, TableEntry then, TableEntry after) {
        if (range >= backup.root().rangeCount()) {
            return;
        }
        int index = TablePage.pageOf(range);
        TablePage old = backup.page(index);
        boolean replaced = after.state() != then.state() || after.generation() != then.generation();
        if (old != null || replaced) {
            TablePage page = restored.computeIfAbsent(
                    index, i -> old == null ? TablePage.fresh(i, backup.root().vkEpoch()) : old.copy());
            if (replaced) {
                page.entry(TablePage.entryOf(range), after);
            }
        }
    }
}
