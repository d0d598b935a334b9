package io.blockseal.volume.metadata;

import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads all copies of the root and of the key slots that go with them, as far as that needs no key. What it returns is
 * trusted as much as a CRC deserves.
 */
public final class RootReader {
    /**
     * A root whose CRC is right.
     *
     * @param copy which of the copies it is, see {@link MetadataCopies}
     * @param area the key slots whose hash the root names, or null if no area has it
     */
    public record Candidate(
            int copy, RootBlock root, @Nullable KeySlotArea area) {
        /** For when its key slots are needed and there is no such area. */
        public MalformedVolumeException withoutKeySlots() {
            return new MalformedVolumeException(
                    root.block(),
                    "key slot hash",
                    "no key slot area has it: damaged or altered, or left by an erasure that was cut short and has to be"
                            + " repeated (blockseal erase)");
        }
    }

    private static final int LOOKS_MAX = 16;
    private static final long PAUSE_NANOS = 2_000_000;
    private static final Logger LOG = LoggerFactory.getLogger(RootReader.class);

    private final MetadataCopies store;
    private final @Nullable MalformedVolumeException[] complaints;
    private final byte[][] rootImages;
    private final byte[][] areaImages;
    private final List<Candidate> candidates = new ArrayList<>();
    private @Nullable UUID foreignMirror;
    private boolean unreadable;

    private RootReader(MetadataCopies store) {
        this.store = store;
        this.complaints = new MalformedVolumeException[store.count()];
        this.rootImages = new byte[store.count()][];
        this.areaImages = new byte[store.count()][];
    }

    /** Of one store, without a mirror: for who only wants to know what is there. */
    public static RootReader read(MetadataStore store) throws StoreException, MalformedVolumeException {
        return read(new MetadataCopies(store.name(), store, null));
    }

    public static RootReader read(MetadataCopies store) throws StoreException, MalformedVolumeException {
        if (store.primary().sizeBytes() < MetadataLayout.EXTENT_BYTES) {
            throw new MalformedVolumeException(
                    store.name(),
                    "size",
                    store.primary().sizeBytes() + " bytes; a volume's metadata takes at least "
                            + MetadataLayout.EXTENT_BYTES + ": truncated, or not a Blockseal volume");
        }
        RootReader reader = new RootReader(store);
        reader.readAll();
        reader.lookAtAll();
        return reader;
    }

    /**
     * Likewise, for whoever is about to write all of it anew: what cannot be read counts as damaged, and a store that is
     * too small as one that holds nothing.
     */
    public static RootReader salvage(MetadataCopies store) {
        RootReader reader = new RootReader(store);
        try {
            reader.readAll();
        } catch (StoreException e) {
            LOG.warn("{}: {}", store.name(), e.getMessage());
        }
        reader.lookAtAll();
        return reader;
    }

    /**
     * Likewise, of a volume that somebody may be serving: what looks damaged may be half of a write, so it counts only if
     * it looks the same again.
     */
    public static RootReader readSettled(MetadataCopies store) throws StoreException, MalformedVolumeException {
        RootReader last = read(store);
        for (int look = 0; look < LOOKS_MAX && !last.isSound(); look++) {
            pause();
            RootReader again = read(store);
            if (again.showsTheSameAs(last)) {
                return again;
            }
            last = again;
        }
        return last;
    }

    /** Lets a write in progress end. */
    public static void pause() {
        LockSupport.parkNanos(PAUSE_NANOS);
    }

    private boolean isSound() {
        return candidates.size() == count() && candidates.get(0).area() != null;
    }

    private boolean showsTheSameAs(RootReader other) {
        return Arrays.deepEquals(rootImages, other.rootImages) && Arrays.deepEquals(areaImages, other.areaImages);
    }

    /** A block that a store cannot read is as good as a damaged one, as long as another copy can be had. */
    private void readAll() throws StoreException {
        @Nullable StoreException first = null;
        boolean readable = false;
        for (int copy = 0; copy < store.count(); copy++) {
            rootImages[copy] = new byte[MetadataLayout.BLOCK_BYTES];
            areaImages[copy] = new byte[KeySlotArea.AREA_BYTES];
            if (isBeyondMirror(copy)) {
                complaints[copy] = complaint(copy, "is not there yet");
                continue;
            }
            try {
                rootImages[copy] = store.readRoot(copy);
                readable = true;
            } catch (StoreException e) {
                first = first == null ? e : first;
                unreadable = true;
                complaints[copy] = complaint(copy, "cannot be read: " + e.getMessage());
            }
            try {
                areaImages[copy] = store.readKeySlots(copy);
            } catch (StoreException e) {
                LOG.warn("{}: {}", MetadataCopies.name("key slot area", copy), e.getMessage());
            }
        }
        if (first != null && !readable) {
            throw first;
        }
    }

    private boolean isBeyondMirror(int copy) {
        MetadataStore mirror = store.mirrorStore();
        return MetadataCopies.onMirror(copy)
                && mirror != null
                && mirror.sizeBytes()
                        < MetadataLayout.keySlotAreaOffset(MetadataCopies.letter(copy)) + KeySlotArea.AREA_BYTES;
    }

    private static MalformedVolumeException complaint(int copy, String what) {
        return new MalformedVolumeException(MetadataCopies.name("root", copy), "block", what);
    }

    /** The roots with a right CRC, newest first; of one commit, the primary's come before the mirror's. */
    public List<Candidate> candidates() {
        return candidates;
    }

    /** What is wrong with a root, or null. */
    @Nullable
    public MalformedVolumeException complaint(int copy) {
        return complaints[copy];
    }

    /** The bytes of that copy's root block, as they were read. */
    public byte[] rootImage(int copy) {
        return rootImages[copy];
    }

    /** The bytes of that copy's key slot area, as they were read. */
    public byte[] areaImage(int copy) {
        return areaImages[copy];
    }

    /** How many copies there are. */
    public int count() {
        return rootImages.length;
    }

    /** For when no candidate is left: why. */
    public MalformedVolumeException allDamaged() {
        if (!unreadable && Arrays.stream(rootImages).allMatch(TablePage::isZero)) {
            // An erased volume has no other mark: nothing is left of it.
            return new MalformedVolumeException(
                    store.name(),
                    "roots",
                    "there are only zeros: it is erased, or this is not a Blockseal volume; nothing was changed. Take it"
                            + " out of the configuration if it was erased; else restore the metadata from a backup"
                            + " (blockseal header restore)");
        }
        String details = "";
        for (MalformedVolumeException complaint : complaints) {
            if (complaint != null) {
                details += "; " + complaint.getMessage();
            }
        }
        return new MalformedVolumeException(
                store.name(),
                "roots",
                (count() == MetadataLayout.COPIES
                                ? "both are damaged, or this is not a Blockseal volume"
                                : "all are damaged, the mirror's too, or this is not a Blockseal volume")
                        + "; nothing was changed. Restore the metadata from a backup (blockseal header restore)"
                        + details);
    }

    private void lookAtAll() {
        for (int copy = 0; copy < count(); copy++) {
            look(copy);
        }
        setForeignersAside();
        candidates.sort(
                (one, two) -> Long.compare(two.root().commitSeq(), one.root().commitSeq()));
    }

    /**
     * Refuses a mirror that is somebody else's: of another volume, or not a mirror at all. What is there would be
     * overwritten.
     */
    public void requireOwnMirror(VolumeStores stores) throws VolumeRefusedException {
        if (stores.mirror() == null || hasRootOn(MetadataLayout.COPIES)) {
            return;
        }
        String found = foreignMirror == null
                ? somethingElse(stores.mirror())
                : "a copy of the metadata of volume " + foreignMirror;
        if (found != null) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE,
                    stores.mirror().name() + ": cannot be the metadata mirror of " + stores.name() + ": it holds "
                            + found + "; nothing was changed. Name the mirror of this volume, or a file that is"
                            + " empty or not there yet.");
        }
    }

    private @Nullable String somethingElse(BlockStore mirror) {
        if (mirror.sizeBytes() == 0) {
            return null;
        }
        if (mirror.sizeBytes() < MetadataLayout.EXTENT_BYTES) {
            return mirror.sizeBytes() + " bytes of something else";
        }
        try {
            String known = KnownSignatures.findOtherThanVolume(mirror);
            return known != null || new MirrorBeginnings(this).areOn(mirror) ? known : "something else";
        } catch (StoreException e) {
            store.leaveMirror(String.valueOf(e.getMessage()));
            return null;
        }
    }

    /** Whether the store that {@code firstCopy} is on has a root that may be this volume's. */
    private boolean hasRootOn(int firstCopy) {
        return candidates.stream().anyMatch(candidate -> MetadataCopies.firstOfStore(candidate.copy()) == firstCopy);
    }

    private void look(int copy) {
        if (complaints[copy] != null) {
            return;
        }
        try {
            RootBlock root = RootBlock.decode(rootImages[copy], MetadataCopies.name("root", copy));
            candidates.add(new Candidate(copy, root, areaOf(root, copy)));
        } catch (MalformedVolumeException e) {
            complaints[copy] = TablePage.isZero(rootImages[copy]) && MetadataCopies.onMirror(copy)
                    ? complaint(copy, "is not written yet")
                    : e;
        }
    }

    /** The primary says which volume this is; what else the mirror has does not count. */
    private void setForeignersAside() {
        if (!hasRootOn(0)) {
            return;
        }
        List<UUID> own = candidates.stream()
                .filter(candidate -> !MetadataCopies.onMirror(candidate.copy()))
                .map(candidate -> candidate.root().uuid())
                .toList();
        for (Candidate candidate : List.copyOf(candidates)) {
            if (!own.contains(candidate.root().uuid())) {
                foreignMirror = candidate.root().uuid();
                complaints[candidate.copy()] = complaint(candidate.copy(), "is of volume " + foreignMirror);
                candidates.remove(candidate);
            }
        }
    }

    /** The area that the root names on its own store, or any other that has the right hash: between commits all do. */
    private @Nullable KeySlotArea areaOf(RootBlock root, int copy) {
        int named = MetadataCopies.firstOfStore(copy) + root.keySlotArea();
        for (int i = 0; i < count(); i++) {
            // The named one first, then its twin, then the other store's: numbers that differ in one bit are twins.
            KeySlotArea area = KeySlotArea.decode(areaImages[named ^ i]);
            if (MessageDigest.isEqual(area.sha256(), root.keySlotHash())) {
                return area;
            }
        }
        return null;
    }
}
