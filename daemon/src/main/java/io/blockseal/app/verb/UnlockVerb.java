package io.blockseal.app.verb;

import io.blockseal.app.console.JsonText;
import io.blockseal.job.JobOutcome;
import io.blockseal.keysource.KeySource;
import java.util.List;

/** {@code unlock}: brings the keys of a locked volume back, by a key that opens it. */
public final class UnlockVerb implements VolumeVerb {
    @Override
    public String name() {
        return "unlock";
    }

    @Override
    public Needs needs() {
        return Needs.HEAD;
    }

    @Override
    public boolean wantsKey() {
        return true;
    }

    @Override
    public boolean isForServedOnly() {
        return true;
    }

    @Override
    public JobOutcome run(VerbCall call) throws Exception {
        // The key is taken out of the arguments, all of which are then known.
        KeySource key = call.keys().opening();
        call.requireAllKnown();
        LockVerb.requireServed(call);
        boolean locked = call.volume().isLockedOrAboutTo();
        call.volume().lock().unlock(List.of(key));
        return JobOutcome.done(
                call.called()
                        + (locked ? ": unlocked; requests go on.\n" : ": is not locked; the key was not tried.\n"),
                JsonText.of(document -> {
                    document.writeStringField("volume", call.called());
                    document.writeStringField("state", "open");
                }));
    }
}
