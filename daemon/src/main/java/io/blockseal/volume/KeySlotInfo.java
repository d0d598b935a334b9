package io.blockseal.volume;

import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.KeySlotType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What may be shown of a key slot; no secret.
 *
 * @param index its number
 * @param kind of key source, {@code refused} if the slot makes no sense
 * @param state {@code active} or {@code revoking}
 * @param priority 0 only on request, 1, 2 first
 * @param label the operator's name for it
 * @param reference where the KEK lives
 * @param version the KEK's version there
 * @param createdSeconds Unix time
 * @param refusal why the slot is refused, or empty
 */
public record KeySlotInfo(
        int index,
        String kind,
        String state,
        int priority,
        String label,
        String reference,
        String version,
        long createdSeconds,
        String refusal) {

    /** The slots of an area that are in use or cannot be read, in order. */
    public static List<KeySlotInfo> ofAll(KeySlotArea area) {
        List<KeySlotInfo> found = new ArrayList<>();
        for (int i = 0; i < KeySlotArea.SLOTS; i++) {
            KeySlot slot = area.slot(i);
            String refusal = area.refusal(i);
            if (slot != null) {
                found.add(new KeySlotInfo(
                        i,
                        KeySlotType.ofCode(slot.type()).kind(),
                        slot.state().name().toLowerCase(Locale.ROOT),
                        slot.priority(),
                        slot.label(),
                        slot.reference(),
                        slot.version(),
                        slot.createdSeconds(),
                        ""));
            } else if (refusal != null) {
                found.add(new KeySlotInfo(i, "refused", "", 0, "", "", "", 0, refusal));
            }
        }
        return found;
    }
}
