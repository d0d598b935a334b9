package io.blockseal.volume.table;

import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import java.util.BitSet;

/**
 * Which physical slots are taken: by a range, or by a metadata extent that lies among them. Computed when a volume
 * opens; used on the keeper only, but for {@link #freeCount}.
 */
public final class SlotMap {
    private final BitSet taken = new BitSet();
    private final int slotCount;
    /** Written by the keeper, looked at from anywhere. */
    private volatile int freeCount;

    /** All slots free but those that the table itself lies in. */
    public SlotMap(RootBlock root) {
        slotCount = (int) root.slotCount();
        if (!root.detached()) {
            for (int i = 1; i < root.extentCount(); i++) {
                reserve(root, root.extentOffset(i));
            }
        }
        freeCount = slotCount - taken.get(0, slotCount).cardinality();
    }

    private void changeFree(int by) {
        int now = freeCount + by;
        freeCount = now;
    }

    private void reserve(RootBlock root, long extentOffset) {
        long from = extentOffset - root.dataOffsetBytes();
        if (from >= 0) {
            long last = (from + MetadataLayout.EXTENT_BYTES - 1) >>> root.rangeShift();
            taken.set((int) (from >>> root.rangeShift()), (int) last + 1);
        }
    }

    /** Whether the slot exists. */
    public boolean exists(long slot) {
        return slot >= 0 && slot < slotCount;
    }

    /** Takes a certain slot; false if it is taken already. */
    public boolean take(long slot) {
        if (taken.get((int) slot)) {
            return false;
        }
        taken.set((int) slot);
        changeFree(exists(slot) ? -1 : 0);
        return true;
    }

    /** Takes the slot {@code preferred} if it is free, else the first free one; -1 if none is. */
    long takeNear(long preferred) {
        if (exists(preferred) && take(preferred)) {
            return preferred;
        }
        int free = taken.nextClearBit(0);
        if (free >= slotCount) {
            return -1;
        }
        taken.set(free);
        changeFree(-1);
        return free;
    }

    /** Takes every slot: nobody knows any more which of them hold data. */
    public void takeAll() {
        taken.set(0, slotCount);
        freeCount = 0;
    }

    /** How many slots are taken. */
    public int takenCount() {
        return taken.cardinality();
    }

    /** How many are free. From any thread. */
    int freeCount() {
        return freeCount;
    }

    void release(long slot) {
        if (taken.get((int) slot) && exists(slot)) {
            changeFree(1);
        }
        taken.clear((int) slot);
    }
}
