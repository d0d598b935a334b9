package io.blockseal.app.verb;

import io.blockseal.app.console.JsonText;
import io.blockseal.job.JobOutcome;
import io.blockseal.volume.KeySlotInfo;
import java.util.List;

/** {@code key-remove}: destroys one wrapped copy of the volume's key. */
public final class KeyRemoveVerb implements VolumeVerb {
    /** Which slot. */
    public static final String SLOT = "slot";
    /** Also the last one that opens the volume. */
    public static final String FORCE = "force";

    @Override
    public String name() {
        return "key-remove";
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
        boolean force = call.arguments().flag(FORCE);
        call.requireAllKnown();
        call.requireNamedKeyOpens();
        call.volume().keySlots().remove(slot, force);
        List<KeySlotInfo> slots = call.volume().keySlots().list();
        return JobOutcome.done(call.called() + ": key slot " + slot + " is gone.\n", JsonText.of(document -> {
            document.writeStringField("volume", call.called());
            document.writeNumberField("slot", slot);
            KeySlotText.write(document, slots);
        }));
    }
}
