package io.blockseal.volume.header;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.block.Errno;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.keysource.FileTrouble;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.IdentityPins;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.VolumeOpener;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.check.CheckProgress;
import io.blockseal.volume.host.RollbackAnchor;
import io.blockseal.volume.metadata.KnownSignatures;
import io.blockseal.volume.metadata.MetadataStore;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.table.TableRoot;
import io.blockseal.volume.table.VolumeKeys;
import java.io.IOException;
import java.time.InstantSource;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts a header backup in the place of a volume's metadata, which may be intact, damaged or gone: {@link #plan} finds out
 * what that would do and changes nothing, {@link #apply} does it. On keeper threads, with the stores locked.
 *
 * <p>It is one commit, with a number above all that the disk, the backup and this host have seen. If the power fails
 * before the commit point, a volume that opened before still opens as it was; after it, it is restored. Restoring again
 * always finishes.
 */
public final class HeaderRestore implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(HeaderRestore.class);

    private final VolumeStores stores;
    private final MetadataStore metadata;
    private final HostMemory memory;
    private final HeaderBackup backup;
    private final VolumeKeys keys;
    private final LiveHeader live;
    private final RestoreComparison comparison;
    private final RestorePreview preview;
    private final long commitSeq;

    private HeaderRestore(VolumeStores stores, HostMemory memory, HeaderBackup backup, VolumeKeys keys, LiveHeader live)
            throws VolumeRefusedException {
        this.stores = stores;
        this.metadata = new MetadataStore(stores.metadata());
        this.memory = memory;
        this.backup = backup;
        this.keys = keys;
        this.live = live;
        this.comparison = RestoreComparison.of(backup, live);
        this.preview = comparison.preview(stores.name());
        this.commitSeq = nextCommit();
    }

    /**
     * Proves the backup with a key that opens it and compares it with what is there.
     *
     * @throws MalformedVolumeException if the backup was altered, or the store is too small for its volume
     * @throws VolumeRefusedException if the backup is of another volume, or of another life of this one
     */
    public static HeaderRestore plan(
            CryptoEngine engine,
            VolumeStores stores,
            HeaderBackup backup,
            RestoreRequest request,
            HostMemory memory,
            CheckProgress progress)
            throws StoreException, MalformedVolumeException, VolumeRefusedException, KeySourceException,
                    WrongKeyException {
        if (backup.root().unknownRoCompat() != 0) {
            throw new VolumeRefusedException(
                    Reason.UNKNOWN_FEATURE,
                    request.backupName() + ": a newer release wrote it; restore it with that release");
        }
        BackupProof.Proven proven =
                BackupProof.prove(engine, backup, request.backupName(), request.sources(), request.onlySlot());
        VolumeKeys keys = proven.keys();
        boolean planned = false;
        try {
            requireRoom(stores, backup.root());
            if (!request.dryRun()) {
                askTheDisk(stores, backup.root());
            }
            LiveHeader live = LiveHeader.read(stores, keys, backup.root(), progress);
            if (!live.isOurs() && !request.force()) {
                refuseIfSomebodyElses(stores);
            }
            IdentityPins.Found identity = new IdentityPins.Found(stores, backup.uuid(), keys, proven.wrappedBy());
            // Verified, not remembered: that is for whoever opens the volume to decide.
            memory.pins()
                    .verify(
                            identity,
                            request.trustIdentity() ? OpenOptions.DEFAULT.trustingIdentity() : OpenOptions.DEFAULT);
            HeaderRestore restore = new HeaderRestore(stores, memory, backup, keys, live);
            planned = true;
            return restore;
        } finally {
            if (!planned) {
                keys.close();
            }
        }
    }

    /** What it would do. */
    public RestorePreview preview() {
        return preview;
    }

    /**
     * Does it; the volume is restored, durably, when this returns.
     *
     * @param acceptLoss how many ranges may lose data
     * @throws VolumeRefusedException if more would; nothing was changed
     */
    public void apply(long acceptLoss, InstantSource clock) throws StoreException, VolumeRefusedException {
        if (preview.lossCount() > acceptLoss) {
            throw new VolumeRefusedException(
                    Reason.DATA_LOSS,
                    stores.name() + ": " + preview.lossCount() + (preview.lossCount() == 1 ? " range" : " ranges")
                            + " would lose what was written since the backup;"
                            + " nothing was changed. To restore it all the same, say --accept-loss="
                            + preview.lossCount() + ".");
        }
        SortedMap<Integer, TablePage> pages = sealedPages();
        int keySlotTarget = 1 - live.areaLetter();
        RootBlock root = sealedRoot(pages, keySlotTarget, clock.instant().getEpochSecond());
        write(root, pages, keySlotTarget);
        memory.anchors().remember(stores.logName(), root);
        AuditLog.record(
                AuditEvent.HEADER_RESTORE,
                AuditField.of("volume", stores.logName()),
                AuditField.of("uuid", root.uuid()),
                AuditField.of("backup-commit", backup.commitSeq()),
                AuditField.of("found", preview.volumeCommit()),
                AuditField.of("commit", root.commitSeq()),
                AuditField.of("ranges-lost", preview.lost().count()),
                AuditField.of("ranges-unknown", preview.unknown().count()));
        LOG.info(
                "volume={} uuid={} commit={} backupCommit={} lost={} unknown={}: metadata restored from a backup",
                stores.logName(),
                root.uuid(),
                root.commitSeq(),
                backup.commitSeq(),
                preview.lost().count(),
                preview.unknown().count());
    }

    /** Wipes the keys; the stores stay the caller's. */
    @Override
    public void close() {
        keys.close();
    }

    /** Detached metadata may be gone altogether, and its store made anew; all else must be as large as it was. */
    private static void requireRoom(VolumeStores stores, RootBlock root)
            throws StoreException, MalformedVolumeException, VolumeRefusedException {
        VolumeOpener.requireData(stores, root);
        if (!root.detached()) {
            VolumeOpener.requireMetadata(stores, root);
        }
    }

    /** A daemon before this may have seen a flush fail; then the system's memory shows what no disk holds. */
    private static void askTheDisk(VolumeStores stores, RootBlock root) throws StoreException {
        MetadataStore metadata = new MetadataStore(stores.metadata());
        metadata.flush();
        metadata.dropHeadCache();
        metadata.dropTailCache(root);
    }

    private static void refuseIfSomebodyElses(VolumeStores stores) throws StoreException, VolumeRefusedException {
        for (BlockStore store : List.of(stores.data(), stores.metadata())) {
            String found = KnownSignatures.find(store);
            if (found != null) {
                throw new VolumeRefusedException(
                        Reason.NOT_EMPTY,
                        store.name() + ": holds " + found + ", and nothing of the volume that the backup is of;"
                                + " nothing was changed. If that is what destroyed the volume, use --force.");
            }
        }
    }

    /** Above everything that somebody has seen, so that it is no rollback and no old page comes alive with it. */
    private long nextCommit() throws VolumeRefusedException {
        RollbackAnchor anchor = null;
        try {
            anchor = memory.anchors().recall(backup.uuid());
        } catch (IOException e) {
            LOG.warn("volume={}: its rollback anchor cannot be read: {}", stores.logName(), FileTrouble.words(e));
        }
        long seen = Math.max(backup.commitSeq(), live.commitSeqMax());
        long greatest = anchor == null ? seen : Math.max(seen, anchor.commitSeq());
        if (greatest == Long.MAX_VALUE) {
            throw new VolumeRefusedException(Reason.UNSUITABLE, stores.name() + ": there is no commit number left");
        }
        return greatest + 1;
    }

    /** Every page that has a range in use, or whose place holds something that must not come back. */
    private SortedMap<Integer, TablePage> sealedPages() {
        TreeMap<Integer, TablePage> pages = new TreeMap<>(comparison.restored());
        for (int index = 0; index < backup.root().pageCount(); index++) {
            if (!live.page(index).empty()) {
                pages.computeIfAbsent(
                        index, i -> TablePage.fresh(i, backup.root().vkEpoch()));
            }
        }
        for (TablePage page : pages.values()) {
            page.commitSeq(commitSeq);
            page.seal(keys.mac(page));
        }
        return pages;
    }

    private RootBlock sealedRoot(SortedMap<Integer, TablePage> pages, int keySlotTarget, long nowSeconds) {
        TableRoot sum = new TableRoot(new byte[32]);
        pages.values().forEach(page -> sum.toggle(keys.tableTerm(page)));
        // What was written since the backup may lie in any slot that no range has now.
        RootBlock root = backup.root().copy().markDirty();
        RootBlock now = live.root();
        if (now != null && now.relocated()) {
            root.markRelocated();
        }
        root.commitSeq(commitSeq)
                .committedSeconds(nowSeconds)
                .tableRoot(sum.bytes())
                .keySlots(keySlotTarget, backup.area().sha256());
        root.seal(keys.mac(root));
        return root;
    }

    private void write(RootBlock root, SortedMap<Integer, TablePage> pages, int keySlotTarget) throws StoreException {
        int rootTarget = 1 - live.rootLetter();
        long losses = stores.metadata().lossCount();
        grow(root);
        for (TablePage page : pages.values()) {
            metadata.writePage(root, page.index(), 1 - live.page(page.index()).letter(), page.bytes());
        }
        metadata.writeKeySlots(keySlotTarget, backup.area().image());
        metadata.flush();
        if (stores.metadata().lossCount() != losses) {
            throw new StoreException(
                    Errno.EIO,
                    stores.name() + ": the storage lost something while it was written; the volume is as it was.");
        }
        // The commit point.
        metadata.writeRoot(rootTarget, root.image());
        metadata.flush();
        for (TablePage page : pages.values()) {
            metadata.writePage(root, page.index(), live.page(page.index()).letter(), page.bytes());
        }
        metadata.writeKeySlots(1 - keySlotTarget, backup.area().image());
        metadata.writeRoot(1 - rootTarget, root.image());
        metadata.flush();
        if (stores.metadata().lossCount() != losses) {
            throw new StoreException(
                    Errno.EIO, stores.name() + ": the storage lost something while it was written. Restore it again.");
        }
    }

    private void grow(RootBlock root) throws StoreException {
        long end = root.extentOffset(root.extentCount() - 1) + MetadataLayout.EXTENT_BYTES;
        long before = metadata.sizeBytes();
        if (root.detached() && before < end) {
            stores.metadata().grow(end);
            // Not those of extents that are there: the volume as it is, if it is smaller, depends on them.
            int whole = (int) (before / MetadataLayout.EXTENT_BYTES);
            metadata.clearPages(root, whole == 0 ? 0 : MetadataLayout.pagesIn(whole), root.pageCount());
        }
    }
}
