package io.blockseal.app.verb;

import io.blockseal.app.console.JsonText;
import io.blockseal.app.key.NewKey;
import io.blockseal.job.JobOutcome;
import io.blockseal.keysource.KeySource;
import io.blockseal.volume.KeySlotInfo;
import io.blockseal.volume.KeySlots;
import java.util.List;

/** {@code rotate-kek}: another key, or a newer version of it, in the place of one that opens the volume. */
public final class RotateKekVerb implements VolumeVerb {
    /** Whose slot's key; by default the one that opens the volume. */
    public static final String SLOT = "slot";

    @Override
    public String name() {
        return "rotate-kek";
    }

    @Override
    public boolean wantsKey() {
        return true;
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
        int slot = (int) call.arguments().number(SLOT, KeySlots.WHICHEVER_OPENS, 0, 15);
        KeySource opening = call.keys().opening();
        NewKey made = call.keys().hasNew()
                ? call.keys().made()
                : new NewKey(opening, "newest version of " + opening.reference(), null);
        int rotated;
        try {
            call.requireAllKnown();
            rotated = call.volume().keySlots().rewrap(slot, List.of(opening), made.source());
        } catch (Exception failed) {
            made.discardAfter(failed);
            throw failed;
        }
        List<KeySlotInfo> slots = call.volume().keySlots().list();
        return JobOutcome.done(
                call.called() + ": key slot " + rotated + " is now: " + made.description() + "\n",
                JsonText.of(document -> {
                    document.writeStringField("volume", call.called());
                    document.writeNumberField("slot", rotated);
                    KeySlotText.write(document, slots);
                }));
    }
}
