package io.blockseal.volume.slot;

import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotPriority;
import io.blockseal.volume.OpenOptions;

/**
 * Which key slots a key may be tried on. Those of priority 0, the recovery key's among them, are never tried by
 * themselves.
 *
 * @param only the one slot that counts, or -1 for all
 * @param requested whether an operator has given the keys for just this: then also those of priority 0, after the others
 */
public record SlotChoice(int only, boolean requested) {
    /** All that are tried by themselves. */
    static final SlotChoice BY_ITSELF = new SlotChoice(-1, false);
    /** All, for keys that an operator has just given. */
    public static final SlotChoice REQUESTED = new SlotChoice(-1, true);

    /** As {@link OpenOptions#keySlot} has it: one slot, whatever its priority, or, for -1, all that are tried by themselves. */
    public static SlotChoice of(int keySlot) {
        return keySlot < 0 ? BY_ITSELF : new SlotChoice(keySlot, true);
    }

    /** Whether the slot may be tried at all. */
    boolean includes(int index) {
        return only < 0 || only == index;
    }

    /** Whether it may be tried without its kind of key being one that is only ever given on request. */
    boolean mayTry(KeySlot slot) {
        return requested || slot.priority() != KeySlotPriority.ON_REQUEST.code();
    }
}
