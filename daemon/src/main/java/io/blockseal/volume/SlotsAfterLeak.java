package io.blockseal.volume;

import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.volume.VolumeRefusedException.Reason;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * Which key slots stay when keys may have leaked: one gets another key, and of every other one the operator has to say
 * whether it goes or its key is safe. On any thread.
 */
final class SlotsAfterLeak {
    private final String volume;
    private final Set<Integer> drop;
    private final Set<Integer> keep;

    SlotsAfterLeak(String volume, Set<Integer> drop, Set<Integer> keep) {
        this.volume = volume;
        this.drop = new TreeSet<>(drop);
        this.keep = new TreeSet<>(keep);
    }

    /** Whether a slot is in use, readable or not. */
    static boolean isTaken(KeySlotArea area, int slot) {
        return area.slot(slot) != null || area.refusal(slot) != null;
    }

    /** The slots without those that go; {@code first} is the one of which nothing needs to be said. */
    KeySlotArea apply(int first, KeySlotArea before) throws VolumeRefusedException {
        if (!isTaken(before, first)) {
            throw refused("key slot " + first + ", which this begins with, is free, or was removed meanwhile.");
        }
        KeySlotArea after = before;
        List<String> open = new ArrayList<>();
        StringBuilder drops = new StringBuilder();
        StringBuilder keeps = new StringBuilder();
        for (int index = 0; index < KeySlotArea.SLOTS; index++) {
            boolean dropped = drop.contains(index);
            boolean kept = keep.contains(index);
            if (dropped && kept) {
                throw refused("key slot " + index + " cannot be dropped and kept.");
            }
            if ((dropped || kept) && index == first) {
                throw refused("key slot " + index
                        + " is the one that this begins with: its key is replaced, or kept by --same-key; it is neither"
                        + " dropped nor kept besides.");
            }
            if ((dropped || kept) && !isTaken(before, index)) {
                throw refused("key slot " + index + ", which is to be " + (dropped ? "dropped" : "kept")
                        + ", is free already.");
            }
            if (dropped) {
                after = after.without(index);
            } else if (!kept && index != first && isTaken(before, index)) {
                open.add(name(before, index));
                drops.append(" --drop-slot ").append(index);
                keeps.append(" --keep-slot ").append(index);
            }
        }
        if (!open.isEmpty()) {
            throw refused("of its other keys each may have leaked as well, and would go on to open the volume: "
                    + String.join(", ", open) + ". Let it go:" + drops
                    + "; or, if nobody else can have it, give it as well and say:" + keeps + ".");
        }
        return after;
    }

    private static String name(KeySlotArea area, int index) {
        KeySlot slot = area.slot(index);
        if (slot == null) {
            return String.valueOf(area.refusal(index));
        }
        String label = slot.label().isEmpty() ? "" : " \"" + slot.label() + "\"";
        return "key slot " + index + label + (slot.reference().isEmpty() ? "" : " of " + slot.reference());
    }

    private VolumeRefusedException refused(String what) {
        return new VolumeRefusedException(Reason.UNSUITABLE, volume + ": " + what + " Nothing was changed.");
    }
}
