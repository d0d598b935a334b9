package io.blockseal.volume;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.crypto.Secret;
import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.KeySlotPriority;
import io.blockseal.format.KeySlotType;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.RootBlock;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.slot.KeySlotCodec;
import io.blockseal.volume.slot.ProvenWrap;
import io.blockseal.volume.slot.SlotChoice;
import io.blockseal.volume.slot.VolumeUnlock;
import io.blockseal.volume.slot.VolumeUnlock.Opened;
import io.blockseal.volume.table.EpochKeys;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Adds, replaces, removes and lists the wrapped copies of an open volume's key. Every change is all or nothing, whenever the power
 * fails (docs/format.md, "Changing key slots"). On keeper threads.
 */
public final class KeySlots {
    /** In the place of a slot's number: the slot that the given key opens. */
    public static final int WHICHEVER_OPENS = -1;

    private static final Logger LOG = LoggerFactory.getLogger(KeySlots.class);
    private static final String WITH_VERSIONS = "Name another key, or make a new version of it at its source.";

    private final Volume volume;

    KeySlots(Volume volume) {
        this.volume = volume;
    }

    /** All slots that are not free. */
    public List<KeySlotInfo> list() throws StoreException {
        return KeySlotInfo.ofAll(current());
    }

    /** Refuses keys none of which opens the volume now. */
    public void requireOpenedBy(List<KeySource> sources)
            throws VolumeRefusedException, KeySourceException, WrongKeyException {
        volume.requireUnlocked();
        unlock(sources).close();
    }

    /**
     * Wraps the volume key once more, by {@code added}. The volume key is not kept in memory, so one of
     * {@code unlockWith} has to give it again.
     *
     * @return the number of the new slot
     */
    public int add(List<KeySource> unlockWith, KeySource added, String label)
            throws StoreException, VolumeRefusedException, KeySourceException, WrongKeyException {
        return add(unlockWith, added, label, null);
    }

    /** Likewise, with another priority than slots of its kind get. */
    public int add(List<KeySource> unlockWith, KeySource added, String label, @Nullable KeySlotPriority priority)
            throws StoreException, VolumeRefusedException, KeySourceException, WrongKeyException {
        volume.requireWritable();
        if (priority != null && KeySlotType.ofKind(added.kind()) == KeySlotType.RECOVERY) {
            requireSuitable("a recovery key", priority);
        }
        KeySlot slot;
        try (Opened opened = unlock(unlockWith)) {
            KeySlot wrapped = wrap(opened.volumeKey(), added, label);
            slot = priority == null ? wrapped : wrapped.withPriority(priority.code());
        }
        int[] index = {-1};
        change(
                before -> {
                    index[0] = before.firstFree();
                    if (index[0] < 0) {
                        throw new VolumeRefusedException(
                                Reason.UNSUITABLE, volume.name() + ": all 16 key slots are taken; remove one first");
                    }
                    return before.with(index[0], slot);
                },
                () -> {
                    LOG.info("volume={} slot={} source={}: key slot added", volume.logName(), index[0], added.kind());
                    record(AuditEvent.KEY_SLOT_ADDED, index[0], AuditField.of("kind", added.kind()));
                });
        return index[0];
    }

    /**
     * Wraps the volume key anew into a slot that exists: another KEK, or a newer version of the same, takes the place of
     * the old one, at once or not at all, and the slot keeps its label. Afterwards the old KEK opens nothing of this
     * volume any more, but for copies of the metadata from before.
     *
     * @param wanted which slot, or {@link #WHICHEVER_OPENS}: the one that {@code unlockWith} opens
     * @param unlockWith as for {@link #add}; may be what opens the slot now
     * @return the slot's number
     */
    public int rewrap(int wanted, List<KeySource> unlockWith, KeySource replacement)
            throws StoreException, VolumeRefusedException, KeySourceException, WrongKeyException {
        return rewrap(wanted, unlockWith, replacement, (index, before) -> before, root -> root);
    }

    /** What else the same commit does to the slots; {@code replaced} is the one that gets another key. */
    interface Others {
        KeySlotArea change(int replaced, KeySlotArea before) throws VolumeRefusedException;
    }

    /** Likewise, with something else that the same commit does to the slots and says in the root. */
    int rewrap(
            int wanted,
            List<KeySource> unlockWith,
            KeySource replacement,
            Others others,
            UnaryOperator<RootBlock> besides)
            throws StoreException, VolumeRefusedException, KeySourceException, WrongKeyException {
        volume.requireWritable();
        int index;
        KeySlot old;
        KeySlot slot;
        try (Opened opened = unlock(unlockWith)) {
            index = wanted == WHICHEVER_OPENS ? opened.slot() : wanted;
            old = requireSlot(current(), index);
            requireAnother(index, old, replacement);
            slot = wrapAnew(old, opened.volumeKey(), replacement);
        }
        change(
                before -> {
                    // Somebody may have taken it away, or put another in its place, while the volume key was being
                    // wrapped.
                    if (!Arrays.equals(requireSlot(before, index).blob(), old.blob())) {
                        throw new VolumeRefusedException(
                                Reason.UNSUITABLE, volume.name() + ": key slot " + index + " was changed meanwhile");
                    }
                    return others.change(index, before).with(index, slot);
                },
                () -> {
                    LOG.info(
                            "volume={} slot={} source={} version={}: key slot wrapped anew",
                            volume.logName(),
                            index,
                            replacement.kind(),
                            slot.version());
                    volume.keyChanges().kekRotated();
                    record(AuditEvent.KEY_SLOT_REWRAPPED, index, AuditField.of("kind", replacement.kind()));
                },
                besides);
        return index;
    }

    /** Only the rest of that: every slot keeps the key that it has, or goes. {@code opened} is the one that opens. */
    void keep(int opened, Others others, UnaryOperator<RootBlock> besides)
            throws StoreException, VolumeRefusedException {
        volume.requireWritable();
        change(before -> others.change(opened, before), () -> {}, besides);
    }

    /** Tells of slots that went with another change. */
    void recordRemoved(Set<Integer> slots) {
        for (int index : slots) {
            LOG.info("volume={} slot={}: key slot removed", volume.logName(), index);
            record(AuditEvent.KEY_SLOT_REMOVED, index, AuditField.of("forced", false));
        }
    }

    /** To wrap by the same KEK once more would leave the one that is to go. */
    private void requireAnother(int index, KeySlot old, KeySource replacement)
            throws VolumeRefusedException, KeySourceException {
        WrappedKey now = KeySlotCodec.toWrapped(old);
        if (now == null || !replacement.mayOpen(now) || replacement.isOutdated(now)) {
            return;
        }
        try {
            replacement.unwrap(now, new Binding(volume.uuid())).close();
        } catch (WrongKeyException another) {
            return;
        }
        throw new VolumeRefusedException(
                Reason.UNSUITABLE,
                volume.name() + ": the new key is the one that key slot " + index + " has already ("
                        + old.reference() + (old.version().isEmpty() ? "" : ", version " + old.version())
                        + "); nothing was changed. "
                        + (old.version().isEmpty() ? withoutVersions(index) : WITH_VERSIONS));
    }

    private String withoutVersions(int index) {
        return "Its source knows no versions, so another key has to take its place. Add one (blockseal key add "
                + volume.name()
                + " with the key of now and --new-key-source, --new-key-file or the like), see that it opens"
                + " the volume, then remove this one: blockseal key remove " + volume.name() + " --slot " + index
                + ". Or both in one step: rotate-kek with that --new option.";
    }

    private KeySlot requireSlot(KeySlotArea area, int index) throws VolumeRefusedException {
        KeySlot slot = index >= 0 && index < KeySlotArea.SLOTS ? area.slot(index) : null;
        if (slot == null) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE, volume.name() + ": key slot " + index + " holds no key that could be replaced");
        }
        return slot;
    }

    /** Refuses a key that opens none of them. */
    public void requireOpenedBy(KeySource key) throws KeySourceException, WrongKeyException {
        unlock(List.of(key)).close();
    }

    /**
     * Has a source give the volume key as at an opening: by the slots that are tried by themselves, in their order.
     *
     * @return what was said about sources that could not be asked, would not, or gave another key, before one opened it;
     *     null if there was none
     */
    public @Nullable String requireOpenable(List<KeySource> sources) throws KeySourceException, WrongKeyException {
        try (Opened opened = unlock(sources, volume.slotChoice())) {
            return opened.unusable();
        }
    }

    /** The volume key is not kept in memory: one of {@code unlockWith} gives it for a moment. */
    Opened unlock(List<KeySource> unlockWith) throws KeySourceException, WrongKeyException {
        return unlock(unlockWith, SlotChoice.REQUESTED);
    }

    private Opened unlock(List<KeySource> unlockWith, SlotChoice choice) throws KeySourceException, WrongKeyException {
        RootBlock root = volume.root();
        try {
            return VolumeUnlock.quiet(volume.stores(), unlockWith, choice)
                    .open(current(), root.uuid(), opened -> proven(root, opened));
        } catch (MalformedVolumeException another) {
            throw new WrongKeyException(volume.name() + ": " + another.getMessage());
        }
    }

    private Opened proven(RootBlock root, Opened opened) throws MalformedVolumeException {
        try (EpochKeys keys = EpochKeys.derive(volume.engine(), root.uuidBytes(), root.vkEpoch(), opened.volumeKey())) {
            if (keys.sameAs(volume.keys().current())) {
                return opened;
            }
        }
        throw new MalformedVolumeException("key slot " + opened.slot(), "key", "is another volume's");
    }

    private KeySlot wrap(Secret volumeKey, KeySource source, String label)
            throws VolumeRefusedException, KeySourceException {
        return slot(
                ProvenWrap.wrap(volume.engine(), volume.name(), source, volumeKey, new Binding(volume.uuid())),
                source,
                label);
    }

    private KeySlot wrapAnew(KeySlot old, Secret volumeKey, KeySource source)
            throws VolumeRefusedException, KeySourceException {
        WrappedKey now = KeySlotCodec.toWrapped(old);
        if (now == null || !source.mayOpen(now)) {
            return wrap(volumeKey, source, old.label()).withPriority(priorityAfter(old, source));
        }
        Binding binding = new Binding(volume.uuid());
        return slot(
                        ProvenWrap.rewrap(volume.engine(), volume.name(), source, now, volumeKey, binding),
                        source,
                        old.label())
                .withPriority(priorityAfter(old, source));
    }

    /** A slot keeps the one that it has, but what a recovery key has no other key has. */
    private static int priorityAfter(KeySlot old, KeySource source) {
        boolean wasRecovery = KeySlotType.ofCode(old.type()) == KeySlotType.RECOVERY;
        boolean becomesRecovery = KeySlotType.ofKind(source.kind()) == KeySlotType.RECOVERY;
        return wasRecovery || becomesRecovery ? source.slotPriority() : old.priority();
    }

    /** Says when a slot is tried. */
    public void setPriority(int index, KeySlotPriority priority) throws StoreException, VolumeRefusedException {
        volume.requireWritable();
        change(
                before -> {
                    KeySlot slot = index >= 0 && index < KeySlotArea.SLOTS ? before.slot(index) : null;
                    if (slot == null) {
                        throw new VolumeRefusedException(
                                Reason.UNSUITABLE,
                                volume.name() + ": key slot " + index
                                        + " holds no key, so that it has no priority; nothing was changed");
                    }
                    if (KeySlotType.ofCode(slot.type()) == KeySlotType.RECOVERY) {
                        requireSuitable("key slot " + index + " is a recovery key's: that", priority);
                    }
                    return before.with(index, slot.withPriority(priority.code()));
                },
                () -> {
                    LOG.info(
                            "volume={} slot={} priority={}: key slot changed",
                            volume.logName(),
                            index,
                            priority.word());
                    record(AuditEvent.KEY_SLOT_PRIORITY, index, AuditField.of("priority", priority.word()));
                });
    }

    private void requireSuitable(String what, KeySlotPriority priority) throws VolumeRefusedException {
        if (priority != KeySlotPriority.ON_REQUEST) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE,
                    volume.name() + ": " + what + " opens a volume on request only; nothing was changed");
        }
    }

    private KeySlot slot(WrappedKey wrapped, KeySource source, String label) throws VolumeRefusedException {
        return KeySlotCodec.toSlot(
                source,
                wrapped,
                label,
                volume.root().vkEpoch(),
                volume.clock().instant().getEpochSecond());
    }

    /** Destroys a slot. The last one that opens the volume goes only by {@code force}. */
    public void remove(int index, boolean force) throws StoreException, VolumeRefusedException {
        volume.requireWritable();
        change(
                before -> {
                    KeySlot slot = before.slot(index);
                    if (slot == null && before.refusal(index) == null) {
                        throw new VolumeRefusedException(
                                Reason.UNSUITABLE, volume.name() + ": key slot " + index + " is free already");
                    }
                    boolean last = slot != null && slot.state() == KeySlot.State.ACTIVE && before.activeCount() == 1;
                    if (last && !force) {
                        throw new VolumeRefusedException(
                                Reason.LAST_KEY_SLOT,
                                volume.name() + ": slot " + index
                                        + " is the last that opens the volume; without it all data is"
                                        + " lost. Add another slot first, or say --force.");
                    }
                    return before.without(index);
                },
                () -> {
                    LOG.info("volume={} slot={}: key slot removed", volume.logName(), index);
                    record(AuditEvent.KEY_SLOT_REMOVED, index, AuditField.of("forced", force));
                });
    }

    private void record(AuditEvent event, int index, AuditField detail) {
        AuditLog.record(
                event,
                AuditField.of("volume", volume.logName()),
                AuditField.of("uuid", volume.uuid()),
                AuditField.of("slot", index),
                detail);
    }

    private interface Change {
        KeySlotArea apply(KeySlotArea before) throws VolumeRefusedException;
    }

    /** {@code stands} is called once the change is made, also if old copies could not be overwritten then. */
    private void change(Change change, Runnable stands) throws StoreException, VolumeRefusedException {
        change(change, stands, root -> root);
    }

    private void change(Change change, Runnable stands, UnaryOperator<RootBlock> besides)
            throws StoreException, VolumeRefusedException {
        volume.committer().runAlone(() -> {
            KeySlotArea after = change.apply(current());
            volume.committer().writeKeySlots(after);
            // Until the old area is overwritten, a removed slot still opens the volume.
            int target = 1 - volume.root().keySlotArea();
            RootBlock next = besides.apply(volume.root().copy()).keySlots(target, after.sha256());
            volume.committer().commitKeySlots(next, after, stands);
        });
    }

    private KeySlotArea current() {
        return volume.keySlotArea();
    }
}
