package io.blockseal.volume.header;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.format.BackupHead;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeOpener;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.check.CheckProgress;
import io.blockseal.volume.metadata.MetadataCopies;
import io.blockseal.volume.metadata.PageFinding;
import io.blockseal.volume.metadata.RootReader;
import io.blockseal.volume.metadata.RootReader.Candidate;
import io.blockseal.volume.metadata.RootStanding;
import io.blockseal.volume.metadata.TableProof;
import io.blockseal.volume.metadata.TableScan;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.slot.RootAuthenticator;
import io.blockseal.volume.slot.RootAuthenticator.Unlocked;
import io.blockseal.volume.slot.SlotChoice;
import io.blockseal.volume.table.VolumeKeys;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Takes all metadata of a volume as of one commit, also while a daemon serves it: if the volume moved on meanwhile, it is
 * read again. Changes nothing. On keeper threads.
 */
public final class HeaderSnapshot {
    private static final int ATTEMPTS_MAX = 64;

    private final VolumeStores stores;
    private final MetadataCopies metadata;
    private final @Nullable VolumeKeys keys;
    private final long nowSeconds;
    private final CheckProgress progress;

    private HeaderSnapshot(VolumeStores stores, @Nullable VolumeKeys keys, long nowSeconds, CheckProgress progress) {
        this.stores = stores;
        this.metadata = MetadataCopies.of(stores);
        this.keys = keys;
        this.nowSeconds = nowSeconds;
        this.progress = progress;
    }

    /**
     * Takes it without a key, as far as checksums and shapes can tell.
     *
     * @throws MalformedVolumeException if some of it is damaged in every copy: an incomplete backup is none
     * @throws VolumeRefusedException if it cannot be told which of two copies is right
     */
    public static HeaderBackup take(VolumeStores stores, long nowSeconds, CheckProgress progress)
            throws StoreException, MalformedVolumeException, VolumeRefusedException {
        return new HeaderSnapshot(stores, null, nowSeconds, progress).whole();
    }

    /** Takes it and verifies every MAC, with the key that one of {@code sources} gives. */
    public static HeaderBackup take(
            CryptoEngine engine,
            VolumeStores stores,
            List<KeySource> sources,
            int onlySlot,
            long nowSeconds,
            CheckProgress progress)
            throws StoreException, MalformedVolumeException, VolumeRefusedException, KeySourceException,
                    WrongKeyException {
        RootReader roots = RootReader.readSettled(MetadataCopies.of(stores));
        if (roots.candidates().isEmpty()) {
            throw roots.allDamaged();
        }
        Unlocked unlocked = new RootAuthenticator(engine, stores, sources, SlotChoice.of(onlySlot)).authenticate(roots);
        try (VolumeKeys keys = unlocked.keys()) {
            return new HeaderSnapshot(stores, keys, nowSeconds, progress).whole();
        }
    }

    /** What stands in the way this time. */
    private static final class NotNowException extends Exception {
        private final RootBlock root;
        private final Exception reason;

        NotNowException(RootBlock root, Exception reason) {
            super(reason);
            this.root = root;
            this.reason = reason;
        }

        boolean repeats(@Nullable NotNowException before) {
            return before != null
                    && Arrays.equals(before.root.image(), root.image())
                    && Objects.equals(before.reason.getMessage(), reason.getMessage());
        }
    }

    private HeaderBackup whole() throws StoreException, MalformedVolumeException, VolumeRefusedException {
        @Nullable NotNowException before = null;
        for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
            try {
                return once();
            } catch (NotNowException e) {
                // What two looks show alike is no commit in progress.
                if (e.repeats(before)) {
                    throwReason(e.reason);
                }
                before = e;
                RootReader.pause();
            }
        }
        throw new VolumeRefusedException(
                Reason.NOT_WRITABLE,
                stores.name() + ": its metadata changed each of " + ATTEMPTS_MAX
                        + " times it was read. Try again when fewer new ranges are being written.");
    }

    private static void throwReason(Exception reason) throws MalformedVolumeException, VolumeRefusedException {
        if (reason instanceof MalformedVolumeException malformed) {
            throw malformed;
        }
        if (reason instanceof VolumeRefusedException refused) {
            throw refused;
        }
        throw new AssertionError(reason);
    }

    private HeaderBackup once()
            throws StoreException, MalformedVolumeException, VolumeRefusedException, NotNowException {
        RootStanding standing = newest();
        Candidate candidate = standing.chosen();
        RootBlock root = candidate.root();
        if (root.unknownIncompat() != 0) {
            VolumeOpener.refuseUnknownFeatures(stores, root);
        }
        KeySlotArea area = candidate.area();
        TreeMap<Integer, TablePage> pages = new TreeMap<>();
        TableProof proof = new TableProof(root, keys);
        try {
            root.requireConsistent();
            if (root.detached() != stores.detached()) {
                VolumeOpener.requireStores(stores, root);
            }
            if (area == null) {
                throw candidate.withoutKeySlots();
            }
            proof.run(new TableScan(metadata, root, keys, standing.currentCopies()), finding -> {
                progress.pages(finding.index() + 1L, root.pageCount());
                TablePage page = whole(finding);
                if (page != null) {
                    pages.put(page.index(), page);
                }
            });
            if (keys != null && !proof.holds()) {
                throw new MalformedVolumeException(
                        root.block(), "table_root", "the table is not the one that the root describes");
            }
        } catch (MalformedVolumeException | VolumeRefusedException e) {
            throw new NotNowException(root, e);
        }
        if (!Arrays.equals(newest().chosen().root().image(), root.image())) {
            throw new NotNowException(
                    root, new VolumeRefusedException(Reason.NOT_WRITABLE, stores.name() + ": is being changed"));
        }
        return new HeaderBackup(new BackupHead(nowSeconds, pages.size(), root, Objects.requireNonNull(area)), pages);
    }

    /** The newest root that the key at hand verifies, or, without one, the newest. */
    private RootStanding newest() throws StoreException, MalformedVolumeException {
        RootReader roots = RootReader.readSettled(metadata);
        for (Candidate candidate : roots.candidates()) {
            if (keys == null || keys.verifies(candidate.root())) {
                return new RootStanding(roots, candidate, root -> keys == null || keys.verifies(root));
            }
        }
        throw roots.allDamaged();
    }

    private @Nullable TablePage whole(PageFinding finding) throws VolumeRefusedException {
        if (finding.lost()) {
            throw new VolumeRefusedException(
                    Reason.UNFINISHED_COMMIT,
                    stores.name() + ": table page " + finding.index()
                            + " has no intact copy, and an incomplete backup is none; nothing was written. See what"
                            + " blockseal check says, and keep the backups from before.");
        }
        if (keys == null && finding.isAmbiguous()) {
            throw new VolumeRefusedException(
                    Reason.UNFINISHED_COMMIT,
                    stores.name() + ": table page " + finding.index() + " has two copies of one commit that differ;"
                            + " nothing was written. With a key it can be told which is right: name one.");
        }
        return finding.chosen();
    }
}
