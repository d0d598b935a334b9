package io.blockseal.app.verb;

import io.blockseal.app.console.JsonText;
import io.blockseal.control.ArgumentException;
import io.blockseal.control.Arguments;
import io.blockseal.job.JobOutcome;
import io.blockseal.keysource.KeySource;
import java.util.List;
import java.util.Set;

/** {@code unlock}: brings the keys of a locked volume back, or opens one that waits for its key, by a key that opens it. */
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
        return locked ? outcome(call.called(), ": unlocked; requests go on.\n") : notNeeded(call.called());
    }

    /** Refuses arguments that it does not know, where it is not run, as the volume waits for its key. */
    public static void requireAllKnown(Arguments arguments) throws ArgumentException {
        arguments.requireAllKnown(Set.of(VerbCall.CALLED, SentKeys.KEY));
    }

    /** What it says of a volume that waited for its key, and was opened by the one that came. */
    public static JobOutcome opened(String called) {
        return outcome(called, ": opened by this key; it is served.\n");
    }

    /** What it says of a volume that is served anyway. */
    public static JobOutcome notNeeded(String called) {
        return outcome(called, ": is not locked; the key was not tried.\n");
    }

    private static JobOutcome outcome(String called, String words) {
        return JobOutcome.done(called + words, JsonText.of(document -> {
            document.writeStringField("volume", called);
            document.writeStringField("state", "open");
        }));
    }
}
