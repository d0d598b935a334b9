package io.blockseal.app.verb;

import io.blockseal.app.console.JsonText;
import io.blockseal.control.ArgumentException;
import io.blockseal.control.Arguments;
import io.blockseal.format.KeySlotPriority;
import io.blockseal.job.JobOutcome;
import io.blockseal.volume.KeySlotInfo;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code key-priority}: when one of the keys that open a volume is tried, among the others. */
public final class KeyPriorityVerb implements VolumeVerb {
    /** Which slot. */
    public static final String SLOT = "slot";
    /** A word of {@link KeySlotPriority}. */
    public static final String PRIORITY = "priority";

    @Override
    public String name() {
        return "key-priority";
    }

    @Override
    public boolean changesKeys() {
        return true;
    }

    @Override
    public Needs needs() {
        return Needs.WRITE;
    }

    @Override
    public JobOutcome run(VerbCall call) throws Exception {
        int slot = (int) call.arguments().requireNumber(SLOT, 0, 15);
        KeySlotPriority priority = priorityOf(call.arguments(), PRIORITY);
        if (priority == null) {
            throw new ArgumentException("'" + PRIORITY + "' is missing; it is one of: " + KeySlotPriority.WORDS);
        }
        call.requireAllKnown();
        call.requireNamedKeyOpens();
        call.volume().keySlots().setPriority(slot, priority);
        List<KeySlotInfo> slots = call.volume().keySlots().list();
        return JobOutcome.done(
                call.called() + ": key slot " + slot + " is tried " + when(priority) + ".\n", JsonText.of(document -> {
                    document.writeStringField("volume", call.called());
                    document.writeNumberField("slot", slot);
                    KeySlotText.write(document, slots);
                }));
    }

    private static String when(KeySlotPriority priority) {
        return switch (priority) {
            case FIRST -> "first";
            case NORMAL -> "in its turn";
            case ON_REQUEST -> "only on request";
        };
    }

    /** The priority that an argument names, or null if it is not there. */
    static @Nullable KeySlotPriority priorityOf(Arguments arguments, String name) throws ArgumentException {
        String word = arguments.text(name);
        try {
            return word == null ? null : KeySlotPriority.ofWord(word);
        } catch (IllegalArgumentException wrong) {
            throw new ArgumentException("'" + name + "': " + wrong.getMessage());
        }
    }
}
