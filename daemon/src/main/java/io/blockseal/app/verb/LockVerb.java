package io.blockseal.app.verb;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.JsonText;
import io.blockseal.job.JobOutcome;
import io.blockseal.volume.VolumeLock;

/** {@code lock}: takes the keys of a volume that is being served out of memory. */
public final class LockVerb implements VolumeVerb {
    /** Requests fail meanwhile, instead of waiting. */
    public static final String FAIL = "fail";

    @Override
    public String name() {
        return "lock";
    }

    @Override
    public Needs needs() {
        return Needs.HEAD;
    }

    @Override
    public boolean isForServedOnly() {
        return true;
    }

    @Override
    public JobOutcome run(VerbCall call) throws Exception {
        VolumeLock.Policy policy = call.arguments().flag(FAIL) ? VolumeLock.Policy.FAIL : VolumeLock.Policy.FREEZE;
        call.requireAllKnown();
        requireServed(call);
        call.volume().lock().lock(policy);
        boolean waits = policy == VolumeLock.Policy.FREEZE;
        return JobOutcome.done(
                call.called() + ": locked, its keys are out of memory; requests " + (waits ? "wait" : "fail with EIO")
                        + " until it is unlocked.\n",
                JsonText.of(document -> {
                    document.writeStringField("volume", call.called());
                    document.writeStringField("state", "locked");
                    document.writeStringField("requests", waits ? "wait" : "fail");
                }));
    }

    static void requireServed(VerbCall call) throws CommandException {
        if (!call.served() || call.opened() == null) {
            throw new CommandException(
                    ExitCode.USAGE, call.called() + ": is not being served, so none of its keys is in memory.");
        }
    }
}
