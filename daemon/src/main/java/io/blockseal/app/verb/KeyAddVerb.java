package io.blockseal.app.verb;

import io.blockseal.app.console.JsonText;
import io.blockseal.app.key.NewKey;
import io.blockseal.format.KeySlotPriority;
import io.blockseal.job.JobOutcome;
import io.blockseal.keysource.KeySource;
import io.blockseal.volume.KeySlotInfo;
import java.util.List;

/** {@code key-add}: one more key that opens the volume. A recovery key is shown by whoever made it, not by this. */
public final class KeyAddVerb implements VolumeVerb {
    /** The name of the new slot; by default the kind of its key. */
    public static final String LABEL = "label";
    /** A word of {@link KeySlotPriority}; by default what keys of its kind get. */
    public static final String PRIORITY = "priority";

    @Override
    public String name() {
        return "key-add";
    }

    @Override
    public boolean wantsKey() {
        return true;
    }

    @Override
    public Needs needs() {
        return Needs.WRITE;
    }

    @Override
    public JobOutcome run(VerbCall call) throws Exception {
        String label = call.arguments().text(LABEL);
        KeySlotPriority priority = KeyPriorityVerb.priorityOf(call.arguments(), PRIORITY);
        KeySource opening = call.keys().opening();
        NewKey made = call.keys().made();
        int slot;
        try {
            call.requireAllKnown();
            slot = call.volume()
                    .keySlots()
                    .add(
                            List.of(opening),
                            made.source(),
                            label == null ? made.source().kind() : label,
                            priority);
        } catch (Exception failed) {
            made.discardAfter(failed);
            throw failed;
        }
        List<KeySlotInfo> slots = call.volume().keySlots().list();
        return JobOutcome.done(
                call.called() + ": key slot " + slot + ": " + made.description() + "\n", JsonText.of(document -> {
                    document.writeStringField("volume", call.called());
                    document.writeNumberField("slot", slot);
                    KeySlotText.write(document, slots);
                }));
    }
}
