package io.blockseal.app.verb;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.JsonText;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobOutcome;
import io.blockseal.keysource.KeySource;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeKeyRotation;
import java.util.List;
import java.util.Set;

/**
 * {@code rotate-volume-key}: another volume key, without touching data. Once begun it needs no key any more, and a volume
 * that is opened anew to be served goes on with it by itself: no job has to be remembered for that.
 */
public final class RotateVolumeKeyVerb implements VolumeVerb {
    /** The volume key is changed by one at a time. */
    static final String KEYS_CLAIM = "keys";

    @Override
    public String name() {
        return "rotate-volume-key";
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
    public boolean isLong() {
        return true;
    }

    @Override
    public boolean wantsKey() {
        return true;
    }

    @Override
    public boolean takesSeveralKeys() {
        return true;
    }

    @Override
    public Set<String> claims() {
        return Set.of(KEYS_CLAIM);
    }

    @Override
    public JobOutcome run(VerbCall call) throws Exception {
        Set<Integer> drop = DropSlots.of(call.arguments());
        List<KeySource> sources = call.keys().everyOpening();
        call.requireAllKnown();
        Volume volume = call.volume();
        VolumeKeyRotation rotation = volume.volumeKeyRotation();
        String before = volume.identity();
        if (!rotation.standing().underWay()) {
            rotation.begin(sources, drop);
        } else if (!drop.isEmpty()) {
            throw new CommandException(
                    ExitCode.USAGE,
                    call.called() + ": a rotation is under way, and its key slots are done already.\n"
                            + "  Run this again without --drop-slot, then remove the slot: blockseal key remove.");
        }
        try {
            rotation.goOn(call.control());
        } catch (JobCanceledException interrupted) {
            VolumeKeyRotation.Standing now = rotation.standing();
            throw new JobCanceledException(call.called() + ": interrupted at table page " + now.donePages() + " of "
                    + now.pages() + ". The volume is usable as it is; the same command goes on.");
        }
        return outcome(call.called(), volume, before);
    }

    private static JobOutcome outcome(String called, Volume volume, String before) {
        VolumeKeyRotation.Standing standing = volume.volumeKeyRotation().standing();
        String now = volume.identity();
        return JobOutcome.done(
                called + ": has volume key " + standing.epoch() + " now, and nothing of the one before.\n"
                        + (before.equals(now) ? "" : "  Identity was: " + before + "\n")
                        + "  Identity now: " + now + "\n"
                        + "  Make a new header backup: those from before belong to the volume key of before. Destroy them"
                        + " if you can.\n",
                JsonText.of(document -> {
                    document.writeStringField("volume", called);
                    document.writeStringField("uuid", volume.uuid().toString());
                    document.writeNumberField("volumeKeyEpoch", standing.epoch());
                    document.writeStringField("identity", now);
                    document.writeNumberField("tablePages", standing.pages());
                }));
    }
}
