package io.blockseal.volume;

import io.blockseal.audit.AuditField;
import io.blockseal.block.Errno;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.XtsEngine;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.metrics.DekCacheMetrics;
import io.blockseal.metrics.KeyChanges;
import io.blockseal.metrics.KeyFigures;
import io.blockseal.metrics.RotationMetrics;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.metadata.MetadataCommitter;
import io.blockseal.volume.metadata.MetadataCopies;
import io.blockseal.volume.metadata.MetadataState;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.slot.SlotChoice;
import io.blockseal.volume.table.DekTable;
import io.blockseal.volume.table.NotedRanges;
import io.blockseal.volume.table.RangeCensus;
import io.blockseal.volume.table.RangeWord;
import io.blockseal.volume.table.VolumeKeys;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.UUID;
import java.util.concurrent.Executor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An open volume: the {@link DataPlane} that devices work on, and the door to what operators do with it. Made by
 * {@link VolumeOpener}. Close every device and every {@link DekCache} first, then the volume.
 */
public final class Volume implements DataPlane, AutoCloseable {
    /** Where in its life a volume is. */
    public enum State {
        /** Reads, writes, and gives new ranges their keys. */
        OPEN,
        /** Its keys are not in memory; requests wait or fail. */
        LOCKED,
        /** A metadata commit failed: ranges in use go on, new ones fail with EIO until recovery succeeds. */
        METADATA_FAILED,
        /** Its keys are wiped and its stores closed. */
        CLOSED
    }

    private static final Logger LOG = LoggerFactory.getLogger(Volume.class);

    private final CryptoEngine engine;
    private final VolumeStores stores;
    private final VolumeShape shape;
    private final VolumeKeys keys;
    private final DekTable table;
    private final MetadataState metadata;
    private final MetadataCommitter committer;
    private final HostMemory memory;
    private final InstantSource clock;
    private final int dekCacheKeys;
    private final DekRoom dekRoom;
    private final int keySlot;
    private final DekCacheMetrics dekCacheMetrics = new DekCacheMetrics();
    private final RotationMetrics rotationMetrics = new RotationMetrics();
    private final RangeGate gate;
    private final VolumeLock lock = new VolumeLock(this);
    private final Semaphore rangeChanges = new Semaphore(1, true);
    private final AtomicInteger turnsWanted = new AtomicInteger();
    private volatile @Nullable WrittenChunks writtenChunks;
    private volatile @Nullable NotedRanges discardedRanges;
    private volatile boolean shredding = true;
    private boolean closed;

    Volume(
            CryptoEngine engine,
            VolumeStores stores,
            VolumeShape shape,
            VolumeKeys keys,
            DekTable table,
            MetadataState metadata,
            MetadataCommitter committer,
            HostMemory memory,
            InstantSource clock,
            int dekCacheKeys,
            DekRoom dekRoom,
            int keySlot) {
        this.engine = engine;
        this.stores = stores;
        this.shape = shape;
        this.keys = keys;
        this.table = table;
        this.metadata = metadata;
        this.committer = committer;
        this.memory = memory;
        this.clock = clock;
        this.dekCacheKeys = dekCacheKeys;
        this.dekRoom = dekRoom;
        this.keySlot = keySlot;
        this.gate = new RangeGate(stores.name(), table);
    }

    @Override
    public VolumeShape shape() {
        return shape;
    }

    @Override
    public BlockStore dataStore() {
        return stores.data();
    }

    @Override
    public XtsEngine xts() {
        return engine.xts();
    }

    @Override
    public long word(long rangeIndex) {
        return table.word(rangeIndex);
    }

    @Override
    public void attach(LoopGate loop) {
        gate.attach(loop);
    }

    @Override
    public void detach(LoopGate loop) {
        gate.detach(loop);
    }

    @Override
    public @Nullable WrittenChunks writtenChunks() {
        return writtenChunks;
    }

    @Override
    public Errno whileHeld() {
        return lock.whileHeld();
    }

    @Override
    public boolean isFrozen() {
        return lock.isFrozen();
    }

    @Override
    public void discarded(long rangeIndex) {
        NotedRanges ranges = discardedRanges;
        if (ranges != null) {
            ranges.note(rangeIndex);
        }
    }

    @Override
    public void enciphered(long rangeIndex, long lengthBytes) {
        table.enciphered().add(rangeIndex, lengthBytes);
    }

    @Override
    public DekCache openCache() {
        return new LruDekCache(engine, keys, table, dekCacheMetrics, dekCacheKeys, dekRoom);
    }

    @Override
    public void allocate(long rangeIndex, Executor loop, Consumer<Errno> whenDone) {
        int state = RangeWord.state(word(rangeIndex));
        if (state == RangeWord.ACTIVE) {
            loop.execute(() -> whenDone.accept(Errno.OK));
        } else if (state == RangeWord.LOST) {
            loop.execute(() -> whenDone.accept(Errno.EIO));
        } else if (shape.readOnly()) {
            loop.execute(() -> whenDone.accept(Errno.EPERM));
        } else {
            committer.allocate(rangeIndex, loop, whenDone);
        }
    }

    /** Where in its life it is. From any thread. */
    public State state() {
        return switch (committer.state()) {
            case RUNNING -> lock.isLocked() || committer.isLocked() ? State.LOCKED : State.OPEN;
            case FAILED -> lock.isLocked() || committer.isLocked() ? State.LOCKED : State.METADATA_FAILED;
            case CLOSED -> State.CLOSED;
        };
    }

    /** How its metadata mirror is. */
    public enum Mirror {
        /** It has none. */
        NONE,
        /** It is whole. */
        UP,
        /** It failed; the volume goes on without, and it is tried again. */
        DOWN
    }

    /** How its metadata mirror is. From any thread. */
    public Mirror mirror() {
        return switch (committer.mirror()) {
            case NONE -> Mirror.NONE;
            case UP -> Mirror.UP;
            case DOWN -> Mirror.DOWN;
        };
    }

    /** For a line about something destroyed: copies of it may be left on a mirror that is {@code down} until it is back. */
    public AuditField mirrorField() {
        return AuditField.of("mirror", mirror().name().toLowerCase(Locale.ROOT));
    }

    /** How often its metadata was made whole again since it was opened. From any thread. */
    public long metadataRecoveries() {
        return committer.recoveries();
    }

    /** What messages and metrics call it: its data store's name. */
    public String name() {
        return stores.name();
    }

    /** What the log and the audit log call it: the name by which it is served, if it is. From any thread. */
    public String logName() {
        return stores.logName();
    }

    /** Its UUID, for ever. */
    public UUID uuid() {
        return root().uuid();
    }

    /** The operator's label. */
    public String label() {
        return root().label();
    }

    /** The identity to expect of it elsewhere, in hex. */
    public String identity() {
        return HexFormat.of().formatHex(keys.identityTag());
    }

    /** Number of its last commit. */
    public long commitSeq() {
        return root().commitSeq();
    }

    /** What {@code info} prints; here it is authenticated. */
    public VolumeInfo info() throws StoreException {
        return VolumeInfo.of(name(), root(), keySlots().list(), List.of());
    }

    /** What its DEK caches did. From any thread. */
    public DekCacheMetrics dekCacheMetrics() {
        return dekCacheMetrics;
    }

    /** What happened to its keys since it was opened. From any thread. */
    public KeyChanges keyChanges() {
        return metadata.keyChanges();
    }

    /** How far the rotation of its DEKs is, and what it did since it was opened. From any thread. */
    public RotationMetrics rotationMetrics() {
        return rotationMetrics;
    }

    /**
     * What its key table says of all ranges, also while it is locked. One pass over the table in memory, some milliseconds
     * for a hundred thousand ranges, that holds up nobody. From any thread but one that serves guests.
     *
     * @param since from when on a DEK counts as {@link KeyFigures#madeSince}, Unix time
     */
    public KeyFigures keyFigures(long since) {
        return RangeCensus.of(table, since);
    }

    /** How many slots are free for a range to be copied to. From any thread. */
    public int freeSlots() {
        return committer.freeSlots();
    }

    /** When it was made, in seconds of Unix time. */
    public long createdSeconds() {
        return root().createdSeconds();
    }

    /** What time it is to it, in seconds of Unix time. */
    public long nowSeconds() {
        return clock.instant().getEpochSecond();
    }

    /** When the range got its DEK, in seconds of Unix time; -1 if it has none. From any thread. */
    public long dekCreatedSeconds(long rangeIndex) {
        TablePage page = table.page(TablePage.pageOf(rangeIndex));
        if (page == null || RangeWord.state(word(rangeIndex)) != RangeWord.ACTIVE) {
            return -1;
        }
        return Integer.toUnsignedLong(page.createdSeconds(TablePage.entryOf(rangeIndex)));
    }

    /** When the newest DEK of any range was made, in seconds of Unix time; -1 if there is none. On the keeper. */
    long newestDekSeconds() {
        long newest = -1;
        for (long range = 0; range < shape.rangeCount(); range++) {
            newest = Math.max(newest, dekCreatedSeconds(range));
        }
        return newest;
    }

    /** What was enciphered under the range's DEK, in bytes; 0 if it has none. From any thread. */
    public long encipheredBytes(long rangeIndex) {
        return table.enciphered().of(rangeIndex);
    }

    /**
     * Has the metadata take note of what was enciphered under a range's DEK whenever that has grown by so much, or by less;
     * a crash forgets that much of it at most. {@code bytes} is at least 16 MiB.
     */
    public void noteEncipheredEvery(long bytes) {
        table.enciphered().share(bytes);
    }

    /** How often a flush of its stores failed. From any thread. */
    public long storeLosses() {
        return stores.data().lossCount()
                + (stores.detached() ? stores.metadata().lossCount() : 0);
    }

    /** Whether one of its stores looks unwell just now. From any thread. */
    public boolean storesTroubled() {
        return stores.data().troubled() || stores.metadata().troubled();
    }

    /** How many reads and writes of guest data an io_uring has done. From any thread. */
    public long ringRequestCount() {
        return stores.data().ringRequestCount();
    }

    /** Gives it another volume key. */
    public VolumeKeyRotation volumeKeyRotation() {
        return new VolumeKeyRotation(this);
    }

    /** Replaces all of its keys. */
    public LeakResponse leakResponse() {
        return new LeakResponse(this);
    }

    /** Takes its keys out of memory for a while. */
    public VolumeLock lock() {
        return lock;
    }

    /** Requests wait no longer for ranges that are held, for whatever reason: they fail. Before clients are sent away. */
    public void endWaiting() {
        lock.giveUp();
    }

    /** Whether it is locked, or somebody waits to lock it: who changes many ranges lets that be done first. */
    public boolean isLockedOrAboutTo() {
        return lock.isWanted();
    }

    /** The wrapped copies of its volume key. */
    public KeySlots keySlots() {
        return new KeySlots(this);
    }

    /** Wipes the keys and closes the stores, whatever breaks. No device uses it any more. A second call does nothing. */
    @Override
    public synchronized void close() {
        if (closed) {
            return;
        }
        closed = true;
        try {
            committer.close();
        } finally {
            try {
                keys.close();
            } finally {
                stores.close();
            }
        }
        LOG.info("volume={} commit={}: closed", logName(), commitSeq());
    }

    /** No range is shredded from now on: {@link VolumeShredder#shred} refuses. From any thread. */
    public void refuseShredding() {
        shredding = false;
    }

    boolean allowsShredding() {
        return shredding;
    }

    /** Whoever changes ranges while the volume is open holds this, one at a time; not bound to a thread. */
    Semaphore rangeChanges() {
        return rangeChanges;
    }

    /** Waits for {@link #rangeChanges}, as long as the volume is open and not locked. */
    void takeTurn() throws VolumeRefusedException {
        try {
            do {
                requireUnlocked();
                if (state() == State.CLOSED) {
                    throw new VolumeRefusedException(
                            VolumeRefusedException.Reason.NOT_WRITABLE, name() + ": is being closed");
                }
            } while (!rangeChanges.tryAcquire(1, TimeUnit.SECONDS));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new VolumeRefusedException(
                    VolumeRefusedException.Reason.NOT_WRITABLE, name() + ": interrupted; nothing was changed");
        }
    }

    /** The same, but a rotation that has it gives it up at its next chunk, and copies that range again afterwards. */
    void takeTurnSoon() throws VolumeRefusedException {
        turnsWanted.incrementAndGet();
        try {
            takeTurn();
        } finally {
            turnsWanted.decrementAndGet();
        }
    }

    /** Whether somebody waits for {@link #rangeChanges} who should not wait for a whole range to be copied. From any thread. */
    public boolean isTurnWanted() {
        return turnsWanted.get() > 0;
    }

    RangeGate gate() {
        return gate;
    }

    /** Has changes noted there from now on; null for nowhere. */
    void noteWrites(@Nullable WrittenChunks chunks) {
        writtenChunks = chunks;
    }

    /** Refuses what needs its keys while it is locked. */
    public void requireUnlocked() throws VolumeRefusedException {
        committer.requireUnlocked();
    }

    /** Refuses what changes it while it is locked, or if it is open for reading only. */
    public void requireWritable() throws VolumeRefusedException {
        requireUnlocked();
        if (shape.readOnly()) {
            throw new VolumeRefusedException(
                    VolumeRefusedException.Reason.NOT_WRITABLE, name() + ": is open for reading only");
        }
    }

    /** The root that the stores are known to have. Any thread. */
    public RootBlock diskRoot() {
        return metadata.diskRoot();
    }

    /** Has discards noted there from now on; null for nowhere. */
    void noteDiscards(@Nullable NotedRanges ranges) {
        discardedRanges = ranges;
    }

    /** The root in force, not to be changed. Any thread. */
    public RootBlock root() {
        return metadata.root();
    }

    /** The key slots in force. Any thread. */
    public KeySlotArea keySlotArea() {
        return metadata.area();
    }

    /** The copies of its metadata, for reading; only the keeper writes. */
    public MetadataCopies metadataCopies() {
        return metadata.store();
    }

    /** Through which all changes of the metadata go. */
    public MetadataCommitter committer() {
        return committer;
    }

    /** The engine that its keys belong to. */
    public CryptoEngine engine() {
        return engine;
    }

    VolumeStores stores() {
        return stores;
    }

    /** Its key table; what may be called from which thread is said there. */
    public DekTable table() {
        return table;
    }

    /** The keys in force; wiped while the volume is locked. */
    public VolumeKeys keys() {
        return keys;
    }

    HostMemory memory() {
        return memory;
    }

    boolean hasLostPages() {
        return metadata.hasLostPages();
    }

    /** Whether no copy of a page could be read when the volume was opened; what lies there is left alone. */
    public boolean isLostPage(int pageIndex) {
        return metadata.isLost(pageIndex);
    }

    /** The slots by which it was opened, and by which it would be opened again: {@link OpenOptions#keySlot}. */
    SlotChoice slotChoice() {
        return SlotChoice.of(keySlot);
    }

    InstantSource clock() {
        return clock;
    }
}
