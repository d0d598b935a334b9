package io.blockseal.app.verb;

import io.blockseal.job.JobOutcome;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.check.CheckReport;
import io.blockseal.volume.check.LiveCheck;
import java.util.Set;

/**
 * {@code check} of a volume that is open: all metadata, as a job, while guests use it. Of a volume that nobody has open the
 * command does it itself, since what is damaged may keep it from being opened.
 */
public final class CheckVerb implements VolumeVerb {
    /** Writes anew what is damaged on the disk. */
    public static final String REPAIR = "repair";

    @Override
    public String name() {
        return "check";
    }

    @Override
    public Needs needs() {
        return Needs.READ;
    }

    @Override
    public boolean isLong() {
        return true;
    }

    @Override
    public Set<String> claims() {
        return Set.of(name());
    }

    @Override
    public JobOutcome run(VerbCall call) throws Exception {
        boolean repair = call.arguments().flag(REPAIR);
        call.requireAllKnown();
        call.requireNamedKeyOpens();
        call.control().phase("checking");
        CheckReport report = LiveCheck.check(call.volume(), call.control());
        CheckReport after = null;
        String refusal = null;
        if (repair && report.repairable()) {
            call.control().phase("repairing");
            try {
                LiveCheck.repair(call.volume(), report.findings().size());
            } catch (VolumeRefusedException refused) {
                refusal = refused.getMessage();
            }
            call.control().phase("checking again");
            after = LiveCheck.check(call.volume(), call.control());
        }
        return CheckText.outcome(call.called(), call.served(), report, after, refusal);
    }
}
