package io.blockseal.app.verb;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.JsonText;
import io.blockseal.app.key.NewKey;
import io.blockseal.control.ArgumentException;
import io.blockseal.control.Arguments;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobOutcome;
import io.blockseal.keysource.KeySource;
import io.blockseal.rotation.DekRotation;
import io.blockseal.rotation.RangeSelection;
import io.blockseal.rotation.RateLimit;
import io.blockseal.volume.KeySlotInfo;
import io.blockseal.volume.KeySlots;
import io.blockseal.volume.LeakResponse;
import io.blockseal.volume.LeakResponse.Step;
import io.blockseal.volume.Volume;
import io.blockseal.volume.WrittenChunks;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/** {@code respond-leak}: the keys of a volume replaced, from the top down. How far it is stands in the volume. */
public final class RespondLeakVerb implements ResumableVerb {
    /** Whose slot's key is replaced; by default the one that opens the volume. */
    public static final String SLOT = "slot";
    /** The key that opens the volume is known to be safe. */
    public static final String SAME_KEY = "sameKey";
    /** Only go on with what is under way, without a key: enough once the volume key was replaced. */
    public static final String GO_ON = "goOn";

    @Override
    public String name() {
        return "respond-leak";
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
    public boolean wantsKey() {
        return true;
    }

    @Override
    public boolean takesSeveralKeys() {
        return true;
    }

    @Override
    public Set<String> claims() {
        return Set.of(RotateVolumeKeyVerb.KEYS_CLAIM, RotateDekVerb.RANGES_CLAIM);
    }

    /** Keys do not outlive the daemon. */
    @Override
    public String toJson(Arguments given) {
        Arguments remembered = new Arguments().flag(GO_ON, true);
        try {
            remembered.text(VerbCall.CALLED, given.text(VerbCall.CALLED));
        } catch (ArgumentException wrong) {
            // It is refused when it is asked for.
            return remembered.json();
        }
        return remembered.json();
    }

    @Override
    public JobOutcome run(VerbCall call) throws Exception {
        Set<Integer> drop = DropSlots.of(call.arguments());
        Set<Integer> keep = DropSlots.keptOf(call.arguments());
        int slot = (int) call.arguments().number(SLOT, KeySlots.WHICHEVER_OPENS, 0, 15);
        boolean sameKey = call.arguments().flag(SAME_KEY);
        boolean goOn = call.arguments().flag(GO_ON);
        LeakResponse response = call.volume().leakResponse();
        if (goOn) {
            call.requireAllKnown();
            requireNoKeyNeeded(call.called(), response);
            return finish(call, List.of(), drop);
        }
        List<KeySource> sources = call.keys().everyOpening();
        if (response.standing().next() == Step.NONE) {
            return finish(call, begin(call, slot, sameKey, sources, drop, keep), drop);
        }
        if (call.keys().hasNew()) {
            throw new CommandException(
                    ExitCode.USAGE,
                    call.called() + ": this is under way since "
                            + response.standing().since()
                            + ", and its key was replaced then.\n  Run the command again without a new key.");
        }
        call.requireAllKnown();
        // As it would be if they had to open the volume.
        call.volume().keySlots().requireOpenedBy(sources);
        return finish(call, sources, drop);
    }

    /** What opens key slots afterwards. */
    private static List<KeySource> begin(
            VerbCall call, int slot, boolean sameKey, List<KeySource> sources, Set<Integer> drop, Set<Integer> keep)
            throws Exception {
        if (call.keys().hasNew() && sameKey) {
            throw new CommandException(ExitCode.USAGE, "--same-key and a new key contradict each other.");
        }
        NewKey made = call.keys().hasNew() ? call.keys().made() : null;
        try {
            call.requireAllKnown();
            KeySource replacement = made != null ? made.source() : sameKey ? null : sources.get(0);
            call.volume().leakResponse().begin(slot, sources, replacement, drop, keep);
        } catch (Exception failed) {
            if (made != null) {
                made.discardAfter(failed);
            }
            throw failed;
        }
        // Whoever looks on from afar learns by this that the new key is the key.
        call.control().phase("making a new volume key");
        List<KeySource> atHand = new ArrayList<>();
        if (made != null) {
            call.keys().taken(made);
            atHand.add(made.source());
        }
        atHand.addAll(sources);
        return atHand;
    }

    private static void requireNoKeyNeeded(String called, LeakResponse response) throws CommandException {
        if (response.standing().next() == Step.NONE) {
            throw new CommandException(
                    ExitCode.USAGE, called + ": no answer to a leak is under way; it has ended, or was never begun.");
        }
        if (response.needsKeys()) {
            throw new CommandException(
                    ExitCode.USAGE,
                    called
                            + ": an answer to a leak cannot go on without the keys of all key slots, as its new volume key"
                            + " is not made yet.\n  Go on with them: blockseal respond-leak.");
        }
    }

    private static JobOutcome finish(VerbCall call, List<KeySource> atHand, Set<Integer> drop) throws Exception {
        Volume volume = call.volume();
        try {
            volume.leakResponse()
                    .goOn(
                            atHand,
                            drop,
                            (madeBefore, control) -> new DekRotation(
                                            volume,
                                            call.memory().map(WrittenChunks.CHUNK_BYTES),
                                            new RateLimit(Long.MAX_VALUE, System::nanoTime))
                                    .run(new RangeSelection(0, Long.MAX_VALUE, madeBefore), control),
                            call.control());
        } catch (JobCanceledException interrupted) {
            throw new JobCanceledException(
                    call.called() + ": interrupted. The volume is usable as it is; run the command again with the key"
                            + " that opens it now, and it goes on.");
        }
        String identity = volume.identity();
        List<KeySlotInfo> slots = volume.keySlots().list();
        StringBuilder text = new StringBuilder(call.called())
                .append(
                        ": its volume key and the keys of all its ranges have been replaced.\n  It opens by these keys:\n");
        slots.forEach(slot -> text.append("    ").append(KeySlotText.of(slot)).append('\n'));
        text.append("  Identity now: ")
                .append(identity)
                .append("\n  Make a new header backup, and destroy those from before and the old keys.\n");
        return JobOutcome.done(text.toString(), JsonText.of(document -> {
            document.writeStringField("volume", call.called());
            document.writeStringField("uuid", volume.uuid().toString());
            document.writeNumberField(
                    "volumeKeyEpoch", volume.volumeKeyRotation().standing().epoch());
            document.writeStringField("identity", identity);
            KeySlotText.write(document, slots);
        }));
    }
}
