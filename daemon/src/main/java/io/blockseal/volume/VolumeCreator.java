package io.blockseal.volume;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.block.Errno;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.metadata.KnownSignatures;
import io.blockseal.volume.metadata.MetadataCopies;
import io.blockseal.volume.metadata.MetadataStore;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.slot.KeySlotCodec;
import io.blockseal.volume.slot.ProvenWrap;
import io.blockseal.volume.table.EpochKeys;
import java.time.InstantSource;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes a volume of a store: an empty file that grows, or a block device. All is durable when {@link #create} returns;
 * the roots are written last, so that a crash before that leaves no volume rather than half of one. On keeper threads.
 */
public final class VolumeCreator {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeCreator.class);
    private static final int FIRST_EPOCH = 1;

    private final CryptoEngine engine;
    private final InstantSource clock;

    /** The engine makes the volume key. */
    public VolumeCreator(CryptoEngine engine, InstantSource clock) {
        this.engine = engine;
        this.clock = clock;
    }

    /**
     * What {@link #create} made.
     *
     * @param uuid of the volume
     * @param identity the public tag of its volume key, in hex
     * @param sizeBytes what clients see
     * @param rangeBytes what shares a DEK
     * @param anybodyCanWrap whether a key slot is wrapped by a public key, so that others could make a volume that opens
     */
    public record Created(UUID uuid, String identity, long sizeBytes, long rangeBytes, boolean anybodyCanWrap) {}

    /**
     * Creates a volume with one key slot per source. Stores and sources stay the caller's.
     *
     * @throws VolumeRefusedException if the options do not fit, or the store holds something and force is not set
     */
    public Created create(VolumeStores stores, List<KeySource> sources, CreateOptions options)
            throws StoreException, KeySourceException, VolumeRefusedException {
        if (sources.isEmpty() || sources.size() > KeySlotArea.SLOTS) {
            throw unsuitable(stores, "a volume has 1 to 16 key slots, not " + sources.size());
        }
        RootBlock root = plan(stores, options);
        if (!options.force()) {
            refuseIfInUse(stores.data());
            refuseIfInUse(stores.metadata());
            if (stores.mirror() != null) {
                refuseIfInUse(stores.mirror());
            }
        }
        BlockStore data = stores.data();
        if (data.sizeBytes() > 0 && !zeroesAtOnce(data)) {
            root.markDirty();
        }
        byte[] uuid = newUuid();
        root.uuidBytes(uuid);
        boolean anybodyCanWrap;
        try (Secret volumeKey = newVolumeKey();
                EpochKeys keys = EpochKeys.derive(engine, uuid, FIRST_EPOCH, volumeKey)) {
            KeySlotArea area = wrapForAll(stores.name(), root, volumeKey, sources);
            anybodyCanWrap = anybodyCanWrap(area, sources);
            root.keySlots(0, area.sha256()).identityTag(keys.identityTag());
            root.seal(keys.mac(root));
            write(stores, root, area);
        }
        Created created = new Created(
                root.uuid(),
                HexFormat.of().formatHex(root.identityTag()),
                root.sizeBytes(),
                1L << root.rangeShift(),
                anybodyCanWrap);
        LOG.info(
                "volume={} uuid={} identity={} size={} unit={} range={} slots={} keySlots={}: created",
                stores.logName(),
                created.uuid(),
                created.identity(),
                created.sizeBytes(),
                root.unitBytes(),
                created.rangeBytes(),
                root.slotCount(),
                sources.size());
        AuditLog.record(
                AuditEvent.VOLUME_CREATED,
                AuditField.of("volume", stores.logName()),
                AuditField.of("uuid", created.uuid()),
                AuditField.of("identity", created.identity()),
                AuditField.of("size", created.sizeBytes()),
                AuditField.of("slots", sources.size()));
        return created;
    }

    private static boolean anybodyCanWrap(KeySlotArea area, List<KeySource> sources) {
        for (int index = 0; index < sources.size(); index++) {
            KeySlot slot = area.slot(index);
            WrappedKey wrapped = slot == null ? null : KeySlotCodec.toWrapped(slot);
            if (wrapped != null && sources.get(index).anybodyCanWrap(wrapped)) {
                return true;
            }
        }
        return false;
    }

    private RootBlock plan(VolumeStores stores, CreateOptions options) throws VolumeRefusedException {
        int unit = options.unitBytes();
        if (unit != 512 && unit != 4096) {
            throw unsuitable(stores, "the data unit is 512 or 4096 bytes, not " + unit);
        }
        long size = options.sizeBytes() == 0 ? largestFor(stores, options) : options.sizeBytes();
        if (size <= 0 || size % unit != 0) {
            throw unsuitable(stores, "size " + size + " is not a positive multiple of the data unit, " + unit);
        }
        long range = rangeBytes(stores, options, size);
        int rangeShift = Long.numberOfTrailingZeros(range);
        long ranges = ((size - 1) >>> rangeShift) + 1;
        long slots = ranges + options.spareSlots();
        long extents = MetadataLayout.extentsFor(ranges);
        if (extents > MetadataLayout.EXTENTS_MAX || slots > RootBlock.SLOTS_MAX || options.spareSlots() < 0) {
            throw unsuitable(stores, size + " bytes are too many for ranges of " + range + "; choose larger ranges");
        }
        long now = clock.instant().getEpochSecond();
        RootBlock root = RootBlock.fresh()
                .commitSeq(1)
                .shifts(rangeShift, Integer.numberOfTrailingZeros(unit))
                .vkEpoch(FIRST_EPOCH)
                .sizeBytes(size)
                .slots(slots, options.spareSlots())
                .dataOffsetBytes(stores.detached() ? 0 : extents * MetadataLayout.EXTENT_BYTES)
                .placement(stores.detached() ? RootBlock.PLACEMENT_DETACHED : 0)
                .createdSeconds(now)
                .committedSeconds(now);
        for (long i = 0; i < extents; i++) {
            root.addExtent(i * MetadataLayout.EXTENT_BYTES);
        }
        try {
            root.label(options.label());
        } catch (IllegalArgumentException e) {
            throw unsuitable(stores, "label: " + e.getMessage());
        }
        return root;
    }

    private static long rangeBytes(VolumeStores stores, CreateOptions options, long size)
            throws VolumeRefusedException {
        long range = options.rangeBytes() == 0 ? CreateOptions.defaultRangeBytes(size) : options.rangeBytes();
        boolean withinBounds = range >= options.rangeBytesMin() && range <= 1L << RootBlock.RANGE_SHIFT_MAX;
        if (Long.bitCount(range) != 1 || !withinBounds) {
            throw unsuitable(stores, "a range is a power of two from 16 MiB to 16 GiB, not " + range + " bytes");
        }
        return range;
    }

    /** As many whole ranges as the data store has room for beside the metadata and the spare slots. */
    private static long largestFor(VolumeStores stores, CreateOptions options) throws VolumeRefusedException {
        long room = stores.data().sizeBytes();
        long range = rangeBytes(stores, options, Math.max(room, 1));
        long ranges = room / range;
        while (ranges > 0) {
            long metadata = stores.detached() ? 0 : MetadataLayout.extentsFor(ranges) * MetadataLayout.EXTENT_BYTES;
            long fits = (room - metadata) / range - options.spareSlots();
            if (fits >= ranges) {
                return ranges * range;
            }
            ranges = fits;
        }
        throw unsuitable(stores, room + " bytes have no room for a volume; give a size");
    }

    /** Each source shows that it opens what it has wrapped, before anything is written. */
    private KeySlotArea wrapForAll(String name, RootBlock root, Secret volumeKey, List<KeySource> sources)
            throws KeySourceException, VolumeRefusedException {
        KeySlotArea area = KeySlotArea.empty();
        for (int i = 0; i < sources.size(); i++) {
            KeySource source = sources.get(i);
            WrappedKey wrapped = ProvenWrap.wrap(engine, name, source, volumeKey, new Binding(root.uuid()));
            area = area.with(
                    i, KeySlotCodec.toSlot(source, wrapped, source.kind(), FIRST_EPOCH, root.createdSeconds()));
        }
        return area;
    }

    private void write(VolumeStores stores, RootBlock root, KeySlotArea area) throws StoreException {
        MetadataCopies metadata = MetadataCopies.of(stores);
        forgetOldRoots(metadata.primary());
        if (stores.detached()) {
            forgetOldRoots(new MetadataStore(stores.data()));
        }
        MetadataStore mirror = metadata.mirrorStore();
        if (mirror != null) {
            forgetOldRoots(mirror);
        }
        prepare(stores.data(), root.dataEndBytes());
        if (stores.detached()) {
            prepare(stores.metadata(), metadata.primary().endBytes(root));
        }
        metadata.growFor(root, 0);
        for (int letter = 0; letter < MetadataLayout.COPIES; letter++) {
            metadata.writeKeySlotsEverywhere(letter, area.image());
        }
        stores.data().flush();
        metadata.flush();
        for (int letter = 0; letter < MetadataLayout.COPIES; letter++) {
            metadata.landRoot(letter, root.image());
        }
        if (metadata.mirror() == MetadataCopies.Mirror.DOWN) {
            // Later on the volume would do without; somebody who asks for a mirror now shall know that there is none.
            throw new StoreException(
                    Errno.EIO, stores.name() + ": the metadata mirror could not be written; the log says why.");
        }
    }

    /** Whatever volume was there must not be found again half overwritten. */
    private static void forgetOldRoots(MetadataStore metadata) throws StoreException {
        boolean forgot = false;
        for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
            if (metadata.sizeBytes() >= MetadataLayout.rootOffset(copy) + MetadataLayout.BLOCK_BYTES) {
                metadata.writeRoot(copy, new byte[MetadataLayout.BLOCK_BYTES]);
                forgot = true;
            }
        }
        if (forgot) {
            metadata.flush();
        }
    }

    /** Whether making all of the store read as zeros is sure and takes no time; else each slot waits for its first use. */
    static boolean zeroesAtOnce(BlockStore store) {
        return store.trimmedReadsZeros() && store.geometry().canFastZero();
    }

    /** Grows the store as needed; what it held before is discarded if that is quick. */
    private static void prepare(BlockStore store, long endBytes) throws StoreException {
        long before = Math.min(store.sizeBytes(), endBytes);
        if (store.sizeBytes() < endBytes) {
            store.grow(endBytes);
        }
        if (before > 0 && zeroesAtOnce(store)) {
            store.zero(0, before);
        }
    }

    private static void refuseIfInUse(BlockStore store) throws StoreException, VolumeRefusedException {
        @Nullable String found = store.sizeBytes() == 0 ? null : KnownSignatures.find(store);
        if (found != null) {
            throw new VolumeRefusedException(
                    Reason.NOT_EMPTY,
                    store.name() + ": holds " + found + "; nothing was changed. To destroy it, use --force.");
        }
    }

    /** A generator that repeats itself would give all volumes one key, and all their ranges another. */
    private Secret newVolumeKey() {
        Secret key = Secret.random(engine.keys(), 32);
        boolean another = false;
        try (Secret next = Secret.random(engine.keys(), 32)) {
            another = !engine.keys().same(key.key(), next.key());
        } finally {
            if (!another) {
                key.close();
            }
        }
        if (!another) {
            throw new IllegalStateException("the random generator is broken: it gave the same key twice");
        }
        return key;
    }

    private byte[] newUuid() {
        byte[] uuid = new byte[16];
        engine.fillRandom(uuid);
        uuid[6] = (byte) ((uuid[6] & 0x0f) | 0x40);
        uuid[8] = (byte) ((uuid[8] & 0x3f) | 0x80);
        return uuid;
    }

    private static VolumeRefusedException unsuitable(VolumeStores stores, String what) {
        return new VolumeRefusedException(Reason.UNSUITABLE, stores.name() + ": " + what);
    }
}
