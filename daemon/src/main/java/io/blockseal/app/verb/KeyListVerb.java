package io.blockseal.app.verb;

import io.blockseal.app.console.JsonText;
import io.blockseal.job.JobOutcome;
import io.blockseal.volume.KeySlotInfo;
import java.util.List;

/** {@code key-list}: which keys open a volume. */
public final class KeyListVerb implements VolumeVerb {
    @Override
    public String name() {
        return "key-list";
    }

    @Override
    public Needs needs() {
        return Needs.HEAD;
    }

    @Override
    public JobOutcome run(VerbCall call) throws Exception {
        call.requireAllKnown();
        List<KeySlotInfo> slots = call.head().read().info().keySlots();
        StringBuilder text = new StringBuilder();
        slots.forEach(slot -> text.append(KeySlotText.of(slot)).append('\n'));
        return JobOutcome.done(text.toString(), JsonText.of(document -> {
            document.writeStringField("volume", call.called());
            KeySlotText.write(document, slots);
        }));
    }
}
