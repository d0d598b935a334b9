package io.blockseal.volume;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.block.Errno;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.host.RollbackCheck;
import io.blockseal.volume.metadata.Healing;
import io.blockseal.volume.metadata.KnownSignatures;
import io.blockseal.volume.metadata.MetadataCommitter;
import io.blockseal.volume.metadata.MetadataCopies;
import io.blockseal.volume.metadata.MetadataState;
import io.blockseal.volume.metadata.RetryTimer;
import io.blockseal.volume.metadata.RootReader;
import io.blockseal.volume.metadata.RootStanding;
import io.blockseal.volume.metadata.TableLoader;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.slot.RootAuthenticator;
import io.blockseal.volume.slot.RootAuthenticator.Unlocked;
import io.blockseal.volume.slot.SlotChoice;
import io.blockseal.volume.table.DekAllocator;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executor;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * From stores and key sources to an open {@link Volume}, in the order of docs/format.md, "Opening". Nothing on disk is
 * changed until every check has passed. May take seconds (key sources, Argon2): on keeper threads, never on a loop.
 */
public final class VolumeOpener {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeOpener.class);

    private final CryptoEngine engine;
    private final HostMemory memory;
    private final Executor keeper;
    private final RetryTimer timer;
    private final InstantSource clock;
    private final DekRoom dekRoom;

    /** For who opens a volume for one task: metadata that fails is not tried again. */
    public VolumeOpener(CryptoEngine engine, HostMemory memory, Executor keeper, InstantSource clock) {
        this(engine, memory, keeper, clock, RetryTimer.NEVER);
    }

    /**
     * {@code keeper} will run the metadata commits of the volumes opened here, and their recovery when {@code timer}
     * says so; both may serve many.
     */
    public VolumeOpener(
            CryptoEngine engine, HostMemory memory, Executor keeper, InstantSource clock, RetryTimer timer) {
        this(engine, memory, keeper, clock, timer, DekRoom.UNBOUNDED);
    }

    /** Likewise, and {@code dekRoom} is for all their unwrapped DEKs. */
    public VolumeOpener(
            CryptoEngine engine,
            HostMemory memory,
            Executor keeper,
            InstantSource clock,
            RetryTimer timer,
            DekRoom dekRoom) {
        this.dekRoom = dekRoom;
        this.timer = timer;
        this.engine = engine;
        this.memory = memory;
        this.keeper = keeper;
        this.clock = clock;
    }

    /**
     * Opens. The volume then owns the stores and closes them; if this throws they are still the caller's, as the key
     * sources always are.
     *
     * @throws MalformedVolumeException if bytes are wrong and nothing intact takes their place
     * @throws VolumeRefusedException if opening might harm data or trust
     */
    public Volume open(VolumeStores stores, List<KeySource> sources, OpenOptions options)
            throws StoreException, MalformedVolumeException, VolumeRefusedException, KeySourceException,
                    WrongKeyException {
        return open(stores, sources, options, SlotChoice.of(options.keySlot()));
    }

    /** Likewise, by keys that an operator has given for just this: any slot that they open will do. */
    public Volume openOnRequest(VolumeStores stores, List<KeySource> sources, OpenOptions options)
            throws StoreException, MalformedVolumeException, VolumeRefusedException, KeySourceException,
                    WrongKeyException {
        return open(stores, sources, options, SlotChoice.REQUESTED);
    }

    private Volume open(VolumeStores stores, List<KeySource> sources, OpenOptions options, SlotChoice choice)
            throws StoreException, MalformedVolumeException, VolumeRefusedException, KeySourceException,
                    WrongKeyException {
        MetadataCopies metadata = MetadataCopies.of(stores);
        if (!options.readOnly()) {
            // A daemon before this one may have seen a flush fail; then the system's memory shows what no disk holds.
            metadata.flush();
            metadata.dropHeadCache();
        }
        RootReader roots = RootReader.read(metadata);
        if (roots.candidates().isEmpty()) {
            throw roots.allDamaged();
        }
        roots.requireOwnMirror(stores);
        refuseUnknownFeatures(stores, roots.candidates().get(0).root());
        Unlocked unlocked = new RootAuthenticator(engine, stores, sources, choice).authenticate(roots);
        try {
            RootBlock root = unlocked.candidate().root();
            root.requireConsistent();
            requireStores(stores, root);
            IdentityPins.Found identity =
                    new IdentityPins.Found(stores, root.uuid(), unlocked.keys(), unlocked.wrappedBy());
            memory.pins().verify(identity, options);
            boolean readOnly = options.readOnly() || root.unknownRoCompat() != 0;
            if (readOnly && !options.readOnly()) {
                LOG.warn(
                        "volume={} features={}: a newer release wrote it; opened for reading only",
                        stores.logName(),
                        Long.toHexString(root.unknownRoCompat()));
            }
            if (!readOnly) {
                metadata.dropTailCache(root);
            }
            RollbackCheck rollback = new RollbackCheck(
                    stores.name(), stores.logName(), root, memory.anchors(), options.acceptRollback());
            boolean wentBack = rollback.whole();
            RootStanding standing = new RootStanding(roots, unlocked.candidate(), unlocked.keys()::verifies);
            TableLoader loader = new TableLoader(stores, metadata, unlocked.keys(), standing, rollback);
            loader.load(readOnly, wentBack);
            memory.pins().remember(identity, options);
            rollback.settle();
            if (!readOnly) {
                heal(stores, metadata, standing, loader);
                memory.anchors().remember(stores.logName(), loader.rootToHeal());
            }
            return assemble(stores, metadata, unlocked, loader, readOnly, options);
        } catch (StoreException | MalformedVolumeException | VolumeRefusedException | RuntimeException | Error e) {
            unlocked.keys().close();
            throw e;
        }
    }

    private static void heal(VolumeStores stores, MetadataCopies metadata, RootStanding standing, TableLoader loader)
            throws StoreException {
        if (standing.mirrorLags()) {
            LOG.warn(
                    "volume={} commit={}: the metadata mirror lags behind; it is brought up to date",
                    stores.logName(),
                    loader.rootToHeal().commitSeq());
        }
        metadata.fitMirror(loader.rootToHeal());
        RootReader.Candidate chosen = standing.chosen();
        new Healing(stores.logName(), metadata, standing.roots(), chosen.copy(), chosen.area())
                .heal(loader.rootToHeal(), loader.toHeal());
        if (metadata.hasLost()) {
            throw new StoreException(
                    Errno.EIO, metadata.name() + ": a flush failed while the metadata was made whole; open it again.");
        }
    }

    private Volume assemble(
            VolumeStores stores,
            MetadataCopies metadata,
            Unlocked unlocked,
            TableLoader loader,
            boolean readOnly,
            OpenOptions options) {
        RootBlock root = loader.root();
        VolumeShape shape = new VolumeShape(
                root.sizeBytes(), root.unitBytes(), root.rangeShift(), root.dataOffsetBytes(), readOnly);
        KeySlotArea area = unlocked.candidate().area();
        MetadataState state = new MetadataState(
                metadata,
                unlocked.keys(),
                loader.table(),
                new MetadataState.Found(loader.rootToHeal(), root, Objects.requireNonNull(area), loader.lostPages()));
        DekAllocator allocator =
                new DekAllocator(stores.data(), loader.table(), loader.slots(), unlocked.keys(), root, clock);
        MetadataCommitter committer =
                new MetadataCommitter(stores, state, allocator, memory.anchors(), keeper, clock, timer);
        LOG.info(
                "volume={} uuid={} size={} unit={} range={} commit={} readOnly={} lane={}: open",
                stores.logName(),
                root.uuid(),
                root.sizeBytes(),
                root.unitBytes(),
                shape.rangeBytes(),
                root.commitSeq(),
                readOnly,
                stores.data().lane());
        AuditLog.record(
                AuditEvent.VOLUME_OPENED,
                AuditField.of("volume", stores.logName()),
                AuditField.of("uuid", root.uuid()),
                AuditField.of("path", stores.data().name()),
                AuditField.of("slot", unlocked.slot()),
                AuditField.of("wrap", unlocked.wrappedBy().algorithm()),
                AuditField.of("commit", root.commitSeq()),
                AuditField.of("read-only", readOnly));
        return new Volume(
                engine,
                stores,
                shape,
                unlocked.keys(),
                loader.table(),
                state,
                committer,
                memory,
                clock,
                options.dekCacheKeys(),
                dekRoom,
                options.keySlot());
    }

    /** Refuses a volume that an older release would misread. */
    public static void refuseUnknownFeatures(VolumeStores stores, RootBlock root) throws VolumeRefusedException {
        if (root.unknownIncompat() != 0) {
            throw new VolumeRefusedException(
                    Reason.UNKNOWN_FEATURE,
                    stores.name() + ": uses features that this release does not know (incompat "
                            + HexFormat.of().toHexDigits(root.unknownIncompat()) + "); use a newer release");
        }
    }

    /** Whether the stores may be the volume's, and are as large as the root says. */
    public static void requireStores(VolumeStores stores, RootBlock root)
            throws MalformedVolumeException, VolumeRefusedException, StoreException {
        requireData(stores, root);
        requireMetadata(stores, root);
    }

    /** Whether the data store may be the volume's, and is as large as the root says. */
    public static void requireData(VolumeStores stores, RootBlock root)
            throws MalformedVolumeException, VolumeRefusedException, StoreException {
        if (root.detached() != stores.detached()) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE,
                    stores.name() + ": its metadata is " + (root.detached() ? "detached" : "in-band")
                            + (root.detached() ? "; name its store" : "; name no other store"));
        }
        if (stores.detached() && KnownSignatures.isVolume(stores.data())) {
            // Nothing in the data says which metadata it belongs to; the roots of another volume say that it is not
            // this.
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE,
                    stores.data().name()
                            + ": holds a volume with metadata of its own, which writing by the metadata in "
                            + stores.metadata().name() + " would destroy. Name the data that belongs to it, or leave"
                            + " the detached metadata out");
        }
        if (stores.data().sizeBytes() < root.dataEndBytes()) {
            throw new MalformedVolumeException(
                    stores.data().name(),
                    "size",
                    stores.data().sizeBytes() + " bytes, but the slots end at " + root.dataEndBytes() + ": truncated");
        }
    }

    /** Whether the metadata store is as large as the root says. */
    public static void requireMetadata(VolumeStores stores, RootBlock root) throws MalformedVolumeException {
        for (int i = 0; i < root.extentCount(); i++) {
            long end = root.extentOffset(i) + MetadataLayout.EXTENT_BYTES;
            if (stores.metadata().sizeBytes() < end) {
                throw new MalformedVolumeException(
                        stores.metadata().name(),
                        "size",
                        stores.metadata().sizeBytes() + " bytes, but metadata extent " + i + " ends at " + end
                                + ": truncated");
            }
        }
    }
}
