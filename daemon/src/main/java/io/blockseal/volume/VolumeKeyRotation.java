package io.blockseal.volume;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.crypto.Secret;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.host.StateFile;
import io.blockseal.volume.metadata.MetadataState.CommitFailedException;
import io.blockseal.volume.slot.VolumeUnlock.Opened;
import io.blockseal.volume.table.DekTable;
import io.blockseal.volume.table.EpochKeys;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives an open volume another volume key, while guests go on: {@link #begin} makes it the current one, {@link #goOn} wraps
 * every range's DEK anew under it, group after group, and at the end destroys the old one. No data is read or written.
 * After a power cut, or when told to end, {@link #goOn} continues where it was, also after the volume was opened anew
 * (docs/format.md, "Rotating the volume key"). On keeper threads; the groups themselves run on the volume's keeper.
 */
public final class VolumeKeyRotation {
    /** What one commit wraps anew: first writes to new ranges wait for some milliseconds at most. */
    private static final int GROUP_PAGES = 64;

    private static final long NAP_NANOS = 200_000_000;

    private static final Logger LOG = LoggerFactory.getLogger(VolumeKeyRotation.class);

    private final Volume volume;
    private final int groupPages;

    VolumeKeyRotation(Volume volume) {
        this(volume, GROUP_PAGES);
    }

    private VolumeKeyRotation(Volume volume, int groupPages) {
        this.volume = volume;
        this.groupPages = groupPages;
    }

    /** The same with other groups: larger ones take fewer commits, smaller ones hold up first writes for less long. */
    public VolumeKeyRotation inGroupsOf(int pages) {
        return new VolumeKeyRotation(volume, Math.max(1, pages));
    }

    /**
     * How far a volume is.
     *
     * @param epoch how many volume keys it has had, the current one included
     * @param underWay whether some of it may still be under the key before
     * @param donePages how many of its table pages need nothing more
     * @param pages how many it has
     */
    public record Standing(int epoch, boolean underWay, long donePages, long pages) {
        static Standing of(RootBlock root) {
            long pages = root.pageCount();
            return new Standing(
                    root.vkEpoch(), root.rotating(), root.rotating() ? root.rotationCursor() : pages, pages);
        }
    }

    /** How far it is. From any thread. */
    public Standing standing() {
        return Standing.of(volume.root());
    }

    /**
     * Makes a new volume key the current one, in one commit. Afterwards the key slots hold the new one alone.
     *
     * @param sources what opens the key slots: each slot is wrapped anew by the source that opens it
     * @param dropSlots slots to let go instead, because their keys are not at hand
     * @throws VolumeRefusedException if a slot could not be wrapped anew, or a rotation is under way; nothing was changed
     */
    public void begin(List<KeySource> sources, Set<Integer> dropSlots)
            throws StoreException, VolumeRefusedException, KeySourceException, WrongKeyException {
        requireFit();
        RootBlock root = volume.root();
        if (root.rotating()) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE, volume.name() + ": a rotation of its volume key is under way; let it end first");
        }
        KeySlotArea before = volume.keySlotArea();
        try (Opened opened = volume.keySlots().unlock(sources);
                Secret next = Secret.random(volume.engine().keys(), 32)) {
            KeySlotArea after =
                    new KeySlotRewrapping(volume, sources, dropSlots).rewrap(before, opened.volumeKey(), next);
            byte[] wrappedPrevious = volume.engine()
                    .wrap()
                    .wrapKwp(next.key(), opened.volumeKey().key());
            volume.committer().runAlone(() -> beginAlone(before, after, next, wrappedPrevious));
        }
        try {
            followPin();
        } catch (IOException e) {
            LOG.warn(
                    "volume={}: its new identity could not be remembered yet, and is again at the end of the rotation: {}",
                    volume.logName(),
                    StateFile.words(e));
        }
    }

    private void beginAlone(KeySlotArea before, KeySlotArea after, Secret next, byte[] wrappedPrevious)
            throws StoreException, CommitFailedException, VolumeRefusedException {
        RootBlock root = volume.root();
        if (root.rotating() || !Arrays.equals(volume.keySlotArea().image(), before.image())) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE, volume.name() + ": its key slots were changed meanwhile; try again");
        }
        int target = 1 - root.keySlotArea();
        volume.committer().writeKeySlots(after);
        EpochKeys keys = volume.keys().prepareNext(next);
        RootBlock begun = root.copy()
                .beginRotation(keys.epoch(), wrappedPrevious)
                .identityTag(keys.identityTag())
                .keySlots(target, after.sha256());
        if (root.leakSeconds() != 0) {
            // What ranges got since the answer to a leak began is wrapped under the key that may be known as well.
            begun.beginLeakResponse(LeakResponse.beginning(volume), root.leakedEpoch());
        }
        // Until the old area is overwritten, its slots still open the old key.
        volume.committer().commitKeySlots(begun, after, () -> {
            LOG.info(
                    "volume={} epoch={} identity={}: the volume has a new key; {} pages of the table are to follow",
                    volume.logName(),
                    keys.epoch(),
                    volume.identity(),
                    root.pageCount());
            record(AuditEvent.VOLUME_KEY_ROTATION_BEGUN, keys.epoch());
        });
    }

    /**
     * Wraps what is still under the volume key before; returns when that one is destroyed, or at once if there is none.
     *
     * @throws JobCanceledException if told to end; what was done stays, and the next call goes on from there
     */
    public void goOn(JobControl control) throws StoreException, VolumeRefusedException, JobCanceledException {
        if (!volume.root().rotating()) {
            return;
        }
        control.phase("wrapping the keys of ranges anew");
        boolean[] all = new boolean[1];
        while (!all[0]) {
            run(control, () -> {
                requireFit();
                volume.committer().runAlone(() -> all[0] = groupAlone());
            });
            Standing now = standing();
            control.progress(now.donePages(), now.pages());
        }
        run(control, () -> volume.committer().runAlone(this::endAlone));
    }

    private interface Step {
        void run() throws StoreException, VolumeRefusedException;
    }

    /** Does one step; while the volume is locked it waits, as that comes and goes. */
    private void run(JobControl control, Step step)
            throws StoreException, VolumeRefusedException, JobCanceledException {
        boolean done = false;
        while (!done) {
            control.checkpoint();
            try {
                if (volume.isLockedOrAboutTo()) {
                    LockSupport.parkNanos(NAP_NANOS);
                } else {
                    step.run();
                    done = true;
                }
            } catch (VolumeRefusedException e) {
                if (!volume.isLockedOrAboutTo()) {
                    throw e;
                }
            }
        }
    }

    /** Returns whether that was the last. */
    private boolean groupAlone() throws CommitFailedException {
        RootBlock root = volume.root();
        DekTable table = volume.table();
        int end = Math.min(root.pageCount(), table.pageCount());
        int index = (int) Math.min(root.rotationCursor(), end);
        List<TablePage> pages = new ArrayList<>();
        while (index < end && pages.size() < groupPages) {
            TablePage page = table.page(index);
            if (page != null && page.vkEpoch() != root.vkEpoch()) {
                pages.add(volume.keys().forChange(page));
            }
            index++;
        }
        if (!pages.isEmpty()) {
            volume.committer().commitPages(root.copy().rotationCursor(index), pages);
        }
        return index == end;
    }

    private void endAlone() throws StoreException, CommitFailedException, VolumeRefusedException {
        RootBlock root = volume.root();
        if (!root.rotating()) {
            return;
        }
        for (int index = 0; index < volume.table().pageCount(); index++) {
            TablePage page = volume.table().page(index);
            if (page != null && page.vkEpoch() != root.vkEpoch()) {
                throw new IllegalStateException("page " + index + " was left behind");
            }
        }
        try {
            // Once the old key is gone nothing says any more that the new identity follows from the remembered one.
            followPin();
        } catch (IOException e) {
            throw new VolumeRefusedException(
                    Reason.NOT_WRITABLE,
                    volume.name() + ": the new identity cannot be remembered in the state directory ("
                            + StateFile.words(e) + "), and without it the volume would be refused next time. Mend the"
                            + " directory; the rotation then goes on.");
        }
        if (volume.mirror() == Volume.Mirror.DOWN) {
            LOG.warn(
                    "volume={}: the metadata mirror is away and holds wrapped keys from before; they are overwritten when it"
                            + " is back",
                    volume.logName());
        }
        volume.committer().commitAndScrub(root.copy().endRotation(), List.of(), () -> {
            LOG.info("volume={} epoch={}: the old volume key is destroyed", volume.logName(), root.vkEpoch());
            record(AuditEvent.VOLUME_KEY_ROTATED, root.vkEpoch());
        });
    }

    private void followPin() throws IOException {
        byte[] previous = volume.keys().previousIdentityTag();
        if (previous != null) {
            volume.memory()
                    .pins()
                    .follow(volume.logName(), volume.uuid(), HexFormat.of().formatHex(previous), volume.identity());
        }
    }

    private void requireFit() throws VolumeRefusedException {
        volume.requireWritable();
        if (volume.hasLostPages()) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE,
                    volume.name() + ": pages of its table are damaged in every copy, and with the old volume key the"
                            + " last means to read them would go. Restore the metadata from a backup first.");
        }
    }

    private void record(AuditEvent event, int epoch) {
        AuditLog.record(
                event,
                AuditField.of("volume", volume.logName()),
                AuditField.of("uuid", volume.uuid()),
                AuditField.of("epoch", epoch),
                AuditField.of("identity", volume.identity()),
                volume.mirrorField());
    }
}
