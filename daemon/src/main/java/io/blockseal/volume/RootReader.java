package io.blockseal.volume;

import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.store.StoreException;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads both roots and the key slots that go with them, as far as that needs no key. What it returns is trusted as much
 * as a CRC deserves.
 */
final class RootReader {
    /**
     * A root whose CRC is right.
     *
     * @param copy 0 = A, 1 = B
     * @param area the key slots whose hash the root names, or null if neither area has it
     */
    record Candidate(int copy, RootBlock root, @Nullable KeySlotArea area) {}

    private static final int LOOKS_MAX = 16;
    private static final long PAUSE_NANOS = 2_000_000;
    private static final Logger LOG = LoggerFactory.getLogger(RootReader.class);

    private final MetadataStore store;
    private final @Nullable MalformedVolumeException[] complaints = new MalformedVolumeException[MetadataLayout.COPIES];
    private final byte[][] rootImages = new byte[MetadataLayout.COPIES][];
    private final byte[][] areaImages = new byte[MetadataLayout.COPIES][];
    private final List<Candidate> candidates = new ArrayList<>();

    private RootReader(MetadataStore store) {
        this.store = store;
    }

    static RootReader read(MetadataStore store) throws StoreException, MalformedVolumeException {
        if (store.sizeBytes() < MetadataLayout.EXTENT_BYTES) {
            throw new MalformedVolumeException(
                    store.name(),
                    "size",
                    store.sizeBytes() + " bytes; a volume's metadata takes at least " + MetadataLayout.EXTENT_BYTES
                            + ": truncated, or not a Blockseal volume");
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
    static RootReader salvage(MetadataStore store) {
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
    static RootReader readSettled(MetadataStore store) throws StoreException, MalformedVolumeException {
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
    static void pause() {
        LockSupport.parkNanos(PAUSE_NANOS);
    }

    private boolean isSound() {
        return candidates.size() == MetadataLayout.COPIES && candidates.get(0).area() != null;
    }

    private boolean showsTheSameAs(RootReader other) {
        return Arrays.deepEquals(rootImages, other.rootImages) && Arrays.deepEquals(areaImages, other.areaImages);
    }

    /** A block that the store cannot read is as good as a damaged one, as long as its twin can be had. */
    private void readAll() throws StoreException {
        @Nullable StoreException[] unreadable = new StoreException[MetadataLayout.COPIES];
        for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
            rootImages[copy] = new byte[MetadataLayout.BLOCK_BYTES];
            areaImages[copy] = new byte[KeySlotArea.AREA_BYTES];
            try {
                rootImages[copy] = store.readRoot(copy);
            } catch (StoreException e) {
                unreadable[copy] = e;
                complaints[copy] = new MalformedVolumeException(
                        "root " + MetadataLayout.letter(copy), "block", "cannot be read: " + e.getMessage());
            }
            try {
                areaImages[copy] = store.readKeySlots(copy);
            } catch (StoreException e) {
                LOG.warn("key slot area {}: {}", MetadataLayout.letter(copy), e.getMessage());
            }
        }
        StoreException first = unreadable[0];
        if (first != null && unreadable[1] != null) {
            throw first;
        }
    }

    /** The roots with a right CRC, newest first. */
    List<Candidate> candidates() {
        return candidates;
    }

    /** What is wrong with a root, or null. */
    @Nullable
    MalformedVolumeException complaint(int copy) {
        return complaints[copy];
    }

    byte[] rootImage(int copy) {
        return rootImages[copy];
    }

    byte[] areaImage(int area) {
        return areaImages[area];
    }

    /** For when no candidate is left: why. */
    MalformedVolumeException bothDamaged() {
        String details = "";
        for (MalformedVolumeException complaint : complaints) {
            if (complaint != null) {
                details += "; " + complaint.getMessage();
            }
        }
        return new MalformedVolumeException(
                store.name(),
                "roots",
                "both are damaged, or this is not a Blockseal volume; nothing was changed. Restore the metadata from"
                        + " a backup" + details);
    }

    private void lookAtAll() {
        for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
            look(copy);
        }
        candidates.sort(
                (one, two) -> Long.compare(two.root().commitSeq(), one.root().commitSeq()));
    }

    private void look(int copy) {
        if (complaints[copy] != null) {
            return;
        }
        try {
            RootBlock root = RootBlock.decode(rootImages[copy], "root " + MetadataLayout.letter(copy));
            candidates.add(new Candidate(copy, root, areaOf(root)));
        } catch (MalformedVolumeException e) {
            complaints[copy] = e;
        }
    }

    /** The area that the root names, or the other one if that has the right hash: between commits both do. */
    private @Nullable KeySlotArea areaOf(RootBlock root) {
        for (int i = 0; i < MetadataLayout.COPIES; i++) {
            KeySlotArea area = KeySlotArea.decode(areaImages[(root.keySlotArea() + i) % MetadataLayout.COPIES]);
            if (MessageDigest.isEqual(area.sha256(), root.keySlotHash())) {
                return area;
            }
        }
        return null;
    }
}
