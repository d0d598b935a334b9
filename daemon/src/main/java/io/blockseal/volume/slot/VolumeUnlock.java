package io.blockseal.volume.slot;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.crypto.Secret;
import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.KeySlotPriority;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.RootBlock;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.WrongPinException;
import io.blockseal.volume.metadata.VolumeStores;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Gets the volume key out of the first key slot that one of the given key sources opens. On keeper threads. */
public final class VolumeUnlock {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeUnlock.class);

    private final String volumeName;
    private final String logName;
    private final List<KeySource> sources;
    private final SlotChoice choice;
    private final boolean quiet;

    /**
     * Nobody is asked before it is told to unlock.
     *
     * @param volumeName what messages call the volume
     * @param logName what the log and the audit log call it
     */
    public VolumeUnlock(String volumeName, String logName, List<KeySource> sources, SlotChoice choice) {
        this(volumeName, logName, sources, choice, false);
    }

    private VolumeUnlock(String volumeName, String logName, List<KeySource> sources, SlotChoice choice, boolean quiet) {
        this.volumeName = volumeName;
        this.logName = logName;
        this.sources = sources;
        this.choice = choice;
        this.quiet = quiet;
    }

    /** One that leaves it to its caller what to say in the log; of sources elsewhere auditors are told all the same. */
    public static VolumeUnlock quiet(VolumeStores stores, List<KeySource> sources, SlotChoice choice) {
        return new VolumeUnlock(stores.name(), stores.logName(), sources, choice, true);
    }

    /**
     * A volume key, which the caller closes, how the slot that gave it wraps it, that slot's number and its epoch.
     *
     * @param unusable what was said about slots before it whose source could not be asked, would not, or gave another key;
     *     or null
     */
    public record Opened(
            Secret volumeKey,
            WrappedBy wrappedBy,
            int slot,
            int epoch,
            @Nullable String unusable) implements AutoCloseable {
        /** Refuses a slot that says that it holds the volume key of another epoch than a root whose MAC is right under it. */
        public void requireEpochOf(RootBlock root) throws MalformedVolumeException {
            if (epoch != root.vkEpoch()) {
                throw new MalformedVolumeException(
                        root.block(),
                        "vk_epoch",
                        Integer.toUnsignedString(root.vkEpoch()) + ", but key slot " + slot + " is of epoch "
                                + Integer.toUnsignedString(epoch));
            }
        }

        @Override
        public void close() {
            volumeKey.close();
        }
    }

    /** Tells whether a volume key that a slot has given is the one that was looked for. */
    @FunctionalInterface
    public interface Proof<T> {
        /**
         * What the caller wants of it. The key is the caller's from then on.
         *
         * @throws MalformedVolumeException if it is another one; then the key is not the caller's, who leaves it open
         */
        T of(Opened opened) throws MalformedVolumeException;
    }

    /** What the slots are tried for, what came of those before, and what sources have said already. */
    private record Trial<T>(Binding binding, Proof<T> proof, SlotOutcomes outcomes, SlotAnswers answers) {}

    /**
     * What {@code proof} makes of the first volume key that it takes. A source that gives another one does not keep the next
     * slot from being tried.
     *
     * @throws KeySourceException if a source that might have opened a slot could not be asked, and may be later; or, if
     *     nothing of the rest is so, one that says no, or wants an operator
     * @throws MalformedVolumeException if a source gave a key, and {@code proof} took none: what it said of the first
     * @throws WrongKeyException if a source has refused our PIN, or if all were asked and none fits
     */
    public <T> T open(KeySlotArea area, UUID uuid, Proof<T> proof)
            throws MalformedVolumeException, KeySourceException, WrongKeyException {
        try (SlotAnswers answers = new SlotAnswers()) {
            return open(area, uuid, proof, answers);
        }
    }

    /** Likewise; nobody is asked what he has told {@code answers} already. */
    <T> T open(KeySlotArea area, UUID uuid, Proof<T> proof, SlotAnswers answers)
            throws MalformedVolumeException, KeySourceException, WrongKeyException {
        SlotOutcomes outcomes = new SlotOutcomes(volumeName, area, sources);
        Trial<T> trial = new Trial<>(new Binding(uuid), proof, outcomes, answers);
        List<Integer> order = inOrder(area);
        for (int index : order) {
            T made = tryOut(index, Objects.requireNonNull(area.slot(index)), trial);
            if (made != null) {
                return made;
            }
        }
        if (order.isEmpty() && choice.only() >= 0) {
            outcomes.free(choice.only());
        }
        MalformedVolumeException unfit = outcomes.unfit();
        KeySourceException unserved = outcomes.unserved();
        if (unfit == null && unserved != null && !(unserved instanceof WrongPinException)) {
            if (!quiet) {
                AuditLog.record(
                        AuditEvent.KEY_SOURCE_FAILED,
                        AuditField.of("volume", logName),
                        AuditField.of("uuid", uuid),
                        AuditField.of("outcome", unserved.kind().name().toLowerCase(Locale.ROOT)));
            }
            throw unserved;
        }
        AuditLog.record(
                AuditEvent.KEY_REFUSED,
                AuditField.of("volume", logName),
                AuditField.of("uuid", uuid),
                AuditField.of(
                        "source",
                        sources.stream().map(KeySource::reference).distinct().collect(Collectors.joining(","))),
                AuditField.of("reason", unfit != null ? "another-key" : unserved != null ? "pin" : "no-slot-opens"));
        if (unfit != null) {
            throw unfit;
        }
        throw outcomes.wrongKey();
    }

    /** By every source that might have made the slot; null if none opens it. */
    private <T> @Nullable T tryOut(int index, KeySlot slot, Trial<T> trial) {
        SlotOutcomes outcomes = trial.outcomes();
        WrappedKey wrapped = KeySlotCodec.toWrapped(slot);
        if (wrapped == null) {
            outcomes.unknown(index, slot);
            return null;
        }
        List<KeySource> fitting =
                sources.stream().filter(source -> source.mayOpen(wrapped)).toList();
        if (fitting.isEmpty()) {
            outcomes.strange(index, slot);
        }
        for (KeySource source : fitting) {
            if (source.slotPriority() != KeySlotPriority.ON_REQUEST.code() && !choice.mayTry(slot)) {
                outcomes.onRequest(index);
                return null;
            }
            try {
                T made = take(index, slot, source, wrapped, trial);
                if (!quiet) {
                    tell(trial.binding().volume(), index, source, outcomes.unusable());
                }
                return made;
            } catch (WrongKeyException e) {
                outcomes.wrong(index, e);
            } catch (MalformedVolumeException e) {
                LOG.debug("volume={} slot={} source={}: {}", logName, index, source.kind(), e.getMessage());
                outcomes.unfit(index, source, e);
            } catch (KeySourceException e) {
                LOG.debug("volume={} slot={} source={}: {}", logName, index, source.kind(), e.getMessage());
                outcomes.unserved(e);
            }
        }
        return null;
    }

    private static <T> T take(int index, KeySlot slot, KeySource source, WrappedKey wrapped, Trial<T> trial)
            throws MalformedVolumeException, KeySourceException, WrongKeyException {
        Secret volumeKey = trial.answers().unwrap(source, wrapped, trial.binding());
        boolean taken = false;
        try {
            T made = trial.proof()
                    .of(new Opened(
                            volumeKey,
                            WrappedBy.of(source, wrapped),
                            index,
                            slot.vkEpoch(),
                            trial.outcomes().unusable()));
            taken = true;
            return made;
        } finally {
            if (!taken) {
                trial.answers().bringBack(source, wrapped, trial.binding(), volumeKey);
            }
        }
    }

    /** Of a source that could not be asked the log knows only here: if nothing opens, the caller is told. */
    private void tell(UUID uuid, int index, KeySource source, @Nullable String unusable) {
        if (unusable != null) {
            LOG.warn("volume={}: another key slot could not be used: {}", logName, unusable);
        }
        LOG.info("volume={} slot={} source={}: unlocked", logName, index, source.kind());
        AuditLog.record(
                AuditEvent.KEY_ACCEPTED,
                AuditField.of("volume", logName),
                AuditField.of("uuid", uuid),
                AuditField.of("slot", index),
                AuditField.of("source", source.kind()));
    }

    /** The numbers of the slots that count, by priority, then number. */
    private List<Integer> inOrder(KeySlotArea area) {
        List<Integer> order = new ArrayList<>();
        for (int priority = KeySlotPriority.FIRST.code(); priority >= 0; priority--) {
            for (int index = 0; index < KeySlotArea.SLOTS; index++) {
                KeySlot slot = area.slot(index);
                if (slot != null && slot.priority() == priority && choice.includes(index)) {
                    order.add(index);
                }
            }
        }
        return order;
    }
}
