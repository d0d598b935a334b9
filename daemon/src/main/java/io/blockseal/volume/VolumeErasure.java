package io.blockseal.volume;

import io.blockseal.block.Errno;
import io.blockseal.crypto.Secret;
import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.allof.AllOfKeySource;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.metadata.MetadataCopies;
import io.blockseal.volume.metadata.MetadataStore;
import io.blockseal.volume.metadata.RootReader;
import io.blockseal.volume.metadata.RootReader.Candidate;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.slot.KeySlotCodec;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Destroys all metadata of a volume that nobody uses, on every store that was named, and with it whatever opens the
 * volume. The data stays, and is noise.
 *
 * <p>A power cut at any moment leaves a volume that opens as it did before, or one that never opens again: until the
 * last intact key slot area goes, nothing else was touched that opening would miss, and afterwards nothing opens
 * (docs/format.md, "Erasing"). The roots go last, so that an erasure that was cut short can be repeated. Needs no key.
 * On keeper threads.
 */
public final class VolumeErasure {
    private static final Logger LOG = LoggerFactory.getLogger(VolumeErasure.class);
    private static final int STRIDE_BYTES = 1 << 20;

    /** One of up to four copies of the key slots. */
    private record AreaCopy(MetadataStore store, int letter) {
        void destroy() throws StoreException {
            store.writeKeySlots(letter, new byte[KeySlotArea.AREA_BYTES]);
        }
    }

    /** A store with metadata: the volume's own first. */
    private record Place(BlockStore store, MetadataStore metadata) {}

    private final VolumeStores stores;
    private final List<Place> places = new ArrayList<>();
    private final Candidate newest;
    private final VolumeInfo info;
    /** What is destroyed before the next group, each durably. */
    private final List<List<AreaCopy>> order = List.of(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());

    private VolumeErasure(VolumeStores stores, RootReader roots, VolumeInfo info) {
        this.stores = stores;
        this.newest = roots.candidates().get(0);
        this.info = info;
        places.add(new Place(stores.metadata(), new MetadataStore(stores.metadata())));
        // A file that is empty is a mirror that was never filled.
        if (stores.mirror() != null && stores.mirror().sizeBytes() > 0) {
            places.add(new Place(stores.mirror(), new MetadataStore(stores.mirror(), true)));
        }
        for (int copy = 0; copy < places.size() * MetadataLayout.COPIES; copy++) {
            AreaCopy area = new AreaCopy(
                    places.get(MetadataCopies.onMirror(copy) ? 1 : 0).metadata(), MetadataCopies.letter(copy));
            order.get(rank(roots, copy)).add(area);
        }
    }

    /**
     * Which copies go first: what an older root would open by, then those on the store that is not the newest root's,
     * then the others. So an old state never takes the place of the newest, whichever of the stores are named then.
     */
    private int rank(RootReader roots, int copy) {
        byte[] hash = KeySlotArea.decode(roots.areaImage(copy)).sha256();
        if (!MessageDigest.isEqual(hash, newest.root().keySlotHash())) {
            return 0;
        }
        return MetadataCopies.onMirror(copy) == MetadataCopies.onMirror(newest.copy()) ? 2 : 1;
    }

    /**
     * Looks at what would be erased, and changes nothing.
     *
     * @param stores open for writing; the caller closes them
     * @throws MalformedVolumeException if there is no root, so that nobody can tell whose metadata it is
     * @throws VolumeRefusedException if a store is not this volume's, or a newer release keeps keys where we do not look
     */
    public static VolumeErasure plan(VolumeStores stores)
            throws StoreException, MalformedVolumeException, VolumeRefusedException {
        MetadataCopies copies = MetadataCopies.of(stores);
        // What only the system's memory knows would come back to the disk after it was erased.
        stores.metadata().flush();
        if (stores.mirror() != null) {
            stores.mirror().flush();
        }
        copies.dropHeadCache();
        RootReader roots = RootReader.read(copies);
        if (roots.candidates().isEmpty()) {
            throw roots.allDamaged();
        }
        roots.requireOwnMirror(stores);
        RootBlock root = roots.candidates().get(0).root();
        VolumeOpener.refuseUnknownFeatures(stores, root);
        root.requireConsistent();
        if (root.detached() != stores.detached()) {
            VolumeOpener.requireStores(stores, root);
        }
        return new VolumeErasure(stores, roots, VolumeInfo.of(stores, roots));
    }

    /**
     * Likewise of an open volume; to be applied only when it is locked, and closed afterwards.
     *
     * @throws VolumeRefusedException as above, or if it is open for reading only
     */
    public static VolumeErasure plan(Volume volume)
            throws StoreException, MalformedVolumeException, VolumeRefusedException {
        if (volume.shape().readOnly()) {
            throw new VolumeRefusedException(
                    VolumeRefusedException.Reason.NOT_WRITABLE, volume.name() + ": is open for reading only");
        }
        if (volume.state() != Volume.State.OPEN) {
            // Nobody writes to the metadata.
            return plan(volume.stores());
        }
        VolumeErasure[] planned = new VolumeErasure[1];
        MalformedVolumeException[] malformed = new MalformedVolumeException[1];
        volume.committer().runAlone(() -> {
            try {
                planned[0] = plan(volume.stores());
            } catch (MalformedVolumeException e) {
                malformed[0] = e;
            }
        });
        if (malformed[0] != null) {
            throw malformed[0];
        }
        return planned[0];
    }

    /** What the log and the audit log call the volume. */
    public String logName() {
        return stores.logName();
    }

    /** Whose metadata it is, as true as a checksum. */
    public VolumeInfo info() {
        return info;
    }

    /**
     * Which key slots nobody opens without the key of that source, because it opens them or gives them a share: what is
     * about to be destroyed at the source is this volume's, and in use.
     */
    public List<Integer> slotsThatNeed(KeySource source) throws KeySourceException {
        List<Integer> need = new ArrayList<>();
        KeySlotArea area = newest.area();
        for (int index = 0; area != null && index < KeySlotArea.SLOTS; index++) {
            KeySlot slot = area.slot(index);
            WrappedKey wrapped = slot == null ? null : KeySlotCodec.toWrapped(slot);
            if (wrapped != null && (opens(source, wrapped, index) || givesAShare(source, wrapped, index))) {
                need.add(index);
            }
        }
        return need;
    }

    private boolean givesAShare(KeySource source, WrappedKey wrapped, int index) throws KeySourceException {
        for (WrappedKey share : AllOfKeySource.shares(wrapped)) {
            if (opens(source, share, index)) {
                return true;
            }
        }
        return false;
    }

    private boolean opens(KeySource source, WrappedKey wrapped, int index) throws KeySourceException {
        if (!source.mayOpen(wrapped)) {
            return false;
        }
        try (Secret opened = source.unwrap(wrapped, new Binding(newest.root().uuid()))) {
            Objects.requireNonNull(opened);
            return true;
        } catch (WrongKeyException e) {
            LOG.debug("volume={} slot={}: {}", stores.logName(), index, e.getMessage());
            return false;
        }
    }

    /**
     * Erases, and reads back that it is gone.
     *
     * @throws StoreException if the storage failed on the way: the volume may open as before, or never again; repeat it
     */
    public void apply() throws StoreException {
        long[] losses =
                places.stream().mapToLong(place -> place.store().lossCount()).toArray();
        RootBlock root = newest.root();
        for (List<AreaCopy> group : order) {
            for (AreaCopy area : group) {
                area.destroy();
            }
            if (!group.isEmpty()) {
                flush(losses);
            }
        }
        LOG.info("volume={} uuid={}: its key slots are destroyed; it opens no more", stores.logName(), root.uuid());
        for (Place place : places) {
            place.metadata().discardAllButRoots(root);
        }
        flush(losses);
        for (Place place : places) {
            for (int letter = 0; letter < MetadataLayout.COPIES; letter++) {
                place.metadata().writeRoot(letter, new byte[MetadataLayout.BLOCK_BYTES]);
            }
        }
        flush(losses);
        for (Place place : places) {
            place.metadata().discardHead();
        }
        flush(losses);
        verify(root);
        LOG.info("volume={} uuid={}: erased", stores.logName(), root.uuid());
    }

    /** What a flush said counts only if nobody else's failed meanwhile: the system tells of a loss once. */
    private void flush(long... losses) throws StoreException {
        for (int i = 0; i < places.size(); i++) {
            BlockStore store = places.get(i).store();
            store.flush();
            if (store.lossCount() != losses[i]) {
                throw new StoreException(
                        Errno.EIO, store.name() + ": a flush failed while the volume was erased; repeat it");
            }
        }
    }

    private void verify(RootBlock root) throws StoreException {
        for (Place place : places) {
            place.metadata().dropHeadCache();
            if (!place.metadata().readsZeros(root, STRIDE_BYTES)) {
                throw new StoreException(
                        Errno.EIO,
                        place.store().name()
                                + ": what was overwritten with zeros does not read as zeros; the storage cannot be"
                                + " trusted to have erased anything");
            }
        }
    }
}
