package io.blockseal.app.verb;

import io.blockseal.app.console.JsonText;
import io.blockseal.job.JobOutcome;
import io.blockseal.volume.VolumeShredder;
import java.util.Set;

/** {@code shred}: destroys the DEKs of ranges, and with them what lies there. */
public final class ShredVerb implements VolumeVerb {
    @Override
    public String name() {
        return "shred";
    }

    @Override
    public Needs needs() {
        return Needs.WRITE;
    }

    @Override
    public Set<String> claims() {
        return Set.of(RotateDekVerb.RANGES_CLAIM);
    }

    @Override
    public JobOutcome run(VerbCall call) throws Exception {
        RangeArgument wanted = RangeArgument.require(call.arguments());
        call.requireAllKnown();
        wanted.requireWithin(call.called(), call.volume().shape().rangeCount());
        call.requireNamedKeyOpens();
        int destroyed = VolumeShredder.shred(call.volume(), wanted.first(), wanted.count());
        return JobOutcome.done(
                call.called() + ": " + (destroyed == 1 ? "1 DEK is" : destroyed + " DEKs are") + " destroyed; "
                        + (wanted.count() == 1 ? "range " + wanted + " reads" : "ranges " + wanted + " read")
                        + " as zeros.\n",
                JsonText.of(document -> {
                    document.writeStringField("volume", call.called());
                    document.writeStringField("ranges", wanted.toString());
                    document.writeNumberField("destroyedDeks", destroyed);
                }));
    }
}
