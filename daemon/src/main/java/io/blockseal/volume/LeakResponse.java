package io.blockseal.volume;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.RootBlock;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.slot.VolumeUnlock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The answer to keys that somebody may have: another KEK, another volume key, and another DEK for every range, in that
 * order, so that each is replaced under one that nobody has seen yet. When it began and what remains to be done stands in
 * the root, so that it goes on after a power cut, or days later. On keeper threads, while guests go on.
 */
public final class LeakResponse {
    /** What is to be done next. */
    public enum Step {
        /** No answer to a leak is under way. */
        NONE,
        /** Another volume key, and everything under it. */
        VOLUME_KEY,
        /** Another DEK for each range that had one when it began. */
        RANGE_KEYS
    }

    /**
     * How far it is.
     *
     * @param next what is to be done next
     * @param since when it began
     */
    public record Standing(Step next, Instant since) {
        static Standing of(RootBlock root) {
            Instant since = Instant.ofEpochSecond(root.leakSeconds());
            if (root.leakSeconds() == 0) {
                return new Standing(Step.NONE, since);
            }
            boolean oldKey = root.rotating() || root.vkEpoch() == root.leakedEpoch();
            return new Standing(oldKey ? Step.VOLUME_KEY : Step.RANGE_KEYS, since);
        }
    }

    /** The last step, which moves data and so is done by whoever can. */
    public interface RangeKeys {
        /** Gives every range another DEK whose DEK was made before {@code madeBefore}; returns when all have. */
        void renew(Instant madeBefore, JobControl control)
                throws StoreException, VolumeRefusedException, JobCanceledException;
    }

    private static final Logger LOG = LoggerFactory.getLogger(LeakResponse.class);

    private final Volume volume;

    LeakResponse(Volume volume) {
        this.volume = volume;
    }

    /** How far it is. From any thread. */
    public Standing standing() {
        return Standing.of(volume.root());
    }

    /** Whether it cannot go on without the keys of the key slots: until the new volume key is made. From any thread. */
    public boolean needsKeys() {
        RootBlock root = volume.root();
        return root.leakSeconds() != 0 && root.vkEpoch() == root.leakedEpoch();
    }

    /**
     * Begins: in one commit the KEK is replaced and the slots go that are to go. What would keep {@link #goOn} from making
     * a new volume key is found out before: a KEK that is replaced opens nothing any more, and whoever is refused expects
     * the old one to. Every key slot has to be accounted for, as each that stays goes on to open the volume by a key that
     * may have leaked as well.
     *
     * @param wanted the slot whose KEK is replaced, or {@link KeySlots#WHICHEVER_OPENS}
     * @param replacement the new KEK, or the source of a newer version of it; null if the KEK is known not to have leaked
     * @param dropSlots slots that go
     * @param keepSlots slots whose keys are known not to have leaked
     * @throws VolumeRefusedException if it is under way already, a slot is not accounted for, or the key of one that stays
     *     is missing; nothing was changed
     */
    public void begin(
            int wanted,
            List<KeySource> unlockWith,
            @Nullable KeySource replacement,
            Set<Integer> dropSlots,
            Set<Integer> keepSlots)
            throws StoreException, VolumeRefusedException, KeySourceException, WrongKeyException {
        if (standing().next() != Step.NONE) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE,
                    volume.name() + ": an answer to a leak is under way since "
                            + standing().since() + " and its key was replaced then; name no new key to go on with it");
        }
        SlotsAfterLeak slots = new SlotsAfterLeak(volume.name(), dropSlots, keepSlots);
        int opened = requireKeysOfAllSlots(wanted, unlockWith, replacement, slots);
        UnaryOperator<RootBlock> besides = root -> root.beginLeakResponse(beginning(volume), root.vkEpoch());
        int another = opened;
        if (replacement == null) {
            volume.keySlots().keep(opened, slots::apply, besides);
        } else {
            another = volume.keySlots().rewrap(wanted, unlockWith, replacement, slots::apply, besides);
        }
        volume.keySlots().recordRemoved(dropSlots);
        String stay = numbers(keepSlots);
        LOG.warn(
                "volume={} epoch={}: its keys may be known; the volume key and those of ranges are replaced. Key slot {} {},"
                        + " removed: {}, kept because they are said to be safe: {}",
                volume.logName(),
                epoch(),
                another,
                replacement == null ? "keeps its key, which is said to be safe" : "has another key",
                numbers(dropSlots),
                stay);
        record(
                AuditEvent.LEAK_RESPONSE_BEGUN,
                AuditField.of("slot", another),
                AuditField.of("replaced", replacement != null),
                AuditField.of("removed", numbers(dropSlots)),
                AuditField.of("kept", stay));
    }

    private static String numbers(Set<Integer> slots) {
        return slots.isEmpty()
                ? "none"
                : slots.stream().sorted().map(String::valueOf).collect(Collectors.joining(","));
    }

    /**
     * The second up to which DEKs have leaked, if all have that there are now. Not simply now: by a clock that was ahead
     * once, or is behind and will be put right, some were made later, and would be taken for new ones. On the keeper.
     */
    static long beginning(Volume volume) {
        return Math.max(volume.clock().instant().getEpochSecond(), volume.newestDekSeconds());
    }

    /** Returns the slot that opens. */
    private int requireKeysOfAllSlots(
            int wanted, List<KeySource> unlockWith, @Nullable KeySource replacement, SlotsAfterLeak slots)
            throws StoreException, VolumeRefusedException, KeySourceException, WrongKeyException {
        List<KeySource> atHand = new ArrayList<>(unlockWith);
        int replaced = KeySlotRewrapping.NO_SLOT;
        try (VolumeUnlock.Opened opened = volume.keySlots().unlock(unlockWith)) {
            int first = wanted == KeySlots.WHICHEVER_OPENS ? opened.slot() : wanted;
            if (replacement != null) {
                atHand.add(replacement);
                replaced = first;
            }
            KeySlotArea after = slots.apply(first, volume.keySlotArea());
            new KeySlotRewrapping(volume, atHand, Set.of()).requireAllAtHand(after, opened.volumeKey(), replaced);
            return first;
        }
    }

    /**
     * Does what remains, and ends it.
     *
     * @param sources what opens the key slots now, as for {@link VolumeKeyRotation#begin}
     * @param dropSlots likewise; those that went already are passed over
     * @throws JobCanceledException if told to end; the next call goes on from there
     */
    public void goOn(List<KeySource> sources, Set<Integer> dropSlots, RangeKeys rangeKeys, JobControl control)
            throws StoreException, VolumeRefusedException, KeySourceException, WrongKeyException, JobCanceledException {
        VolumeKeyRotation rotation = volume.volumeKeyRotation();
        if (standing().next() == Step.VOLUME_KEY) {
            // One that was under way before goes to the key that may be known, and has to end first.
            rotation.goOn(control);
            if (standing().next() == Step.VOLUME_KEY) {
                // No checkpoint: whoever goes on after that needs no key any more.
                control.phase("making a new volume key");
                rotation.begin(sources, stillThere(dropSlots));
                rotation.goOn(control);
            }
        }
        if (standing().next() == Step.RANGE_KEYS) {
            control.checkpoint();
            // The table counts in seconds; what was made within this one is meant, too.
            rangeKeys.renew(standing().since().plusSeconds(1), control);
            volume.committer().runAlone(() -> volume.committer()
                    .commitRoot(volume.root().copy().endLeakResponse()));
            LOG.info(
                    "volume={} epoch={}: the volume key and those of all ranges have been replaced",
                    volume.logName(),
                    epoch());
            record(AuditEvent.LEAK_RESPONSE_ENDED);
        }
    }

    private Set<Integer> stillThere(Set<Integer> slots) {
        KeySlotArea area = volume.keySlotArea();
        return slots.stream().filter(slot -> SlotsAfterLeak.isTaken(area, slot)).collect(Collectors.toSet());
    }

    private int epoch() {
        return volume.root().vkEpoch();
    }

    private void record(AuditEvent event, AuditField... details) {
        List<AuditField> fields = new ArrayList<>(List.of(
                AuditField.of("volume", volume.logName()),
                AuditField.of("uuid", volume.uuid()),
                AuditField.of("epoch", epoch())));
        fields.addAll(List.of(details));
        AuditLog.record(event, fields.toArray(new AuditField[0]));
    }
}
