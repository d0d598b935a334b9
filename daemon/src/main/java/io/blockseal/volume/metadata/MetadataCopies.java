package io.blockseal.volume.metadata;

import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.store.StoreException;
import java.nio.ByteBuffer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * All copies of a volume's metadata: A and B on the primary store and, if there is a mirror, A and B on that. Copies are
 * numbered: 0 is A, 1 is B, 2 the mirror's A, 3 the mirror's B; the <em>letter</em> of a copy is its number mod 2.
 *
 * <p>The two stores are not alike when they fail. What the primary cannot do is the caller's exception; a mirror that
 * fails is left behind: it is said once, and writes and flushes pass it by until {@link #reviveMirror}. Used by one
 * keeper at a time; only {@link #mirror()} from any thread.
 */
public final class MetadataCopies {
    /** How the mirror is. */
    public enum Mirror {
        /** None was named. */
        NONE,
        /** It gets all that the primary gets. */
        UP,
        /** It failed and lags behind from then on. */
        DOWN
    }

    /** Something that is done to one of the stores. */
    private interface Deed {
        void to(MetadataStore store) throws StoreException;
    }

    private static final Logger LOG = LoggerFactory.getLogger(MetadataCopies.class);

    private final String volumeName;
    private final MetadataStore primary;
    private final @Nullable MetadataStore mirrorStore;
    private volatile Mirror mirror;
    private boolean complained;
    private long trustedLosses;
    private long trustedMirrorLosses;

    MetadataCopies(String volumeName, MetadataStore primary, @Nullable MetadataStore mirrorStore) {
        this.volumeName = volumeName;
        this.primary = primary;
        this.mirrorStore = mirrorStore;
        mirror = mirrorStore == null ? Mirror.NONE : Mirror.UP;
        startTrusting();
    }

    /** Where the metadata of a volume on those stores lies. */
    public static MetadataCopies of(VolumeStores stores) {
        return new MetadataCopies(
                stores.logName(),
                new MetadataStore(stores.metadata()),
                stores.mirror() == null ? null : new MetadataStore(stores.mirror(), true));
    }

    /** The same without the mirror, whether there is one or not. */
    public static MetadataCopies ofPrimary(VolumeStores stores) {
        return new MetadataCopies(stores.logName(), new MetadataStore(stores.metadata()), null);
    }

    /** What messages call the place of the metadata. */
    public String name() {
        return primary.name();
    }

    /** How many copies there are to look at: 2, or 4 with a mirror that is up. */
    public int count() {
        return mirror == Mirror.UP ? 2 * MetadataLayout.COPIES : MetadataLayout.COPIES;
    }

    /** The first copy on the store that has {@code copy}. */
    static int firstOfStore(int copy) {
        return copy - letter(copy);
    }

    /** Which of a store's two copies that is: 0 for A, 1 for B. */
    public static int letter(int copy) {
        return copy % MetadataLayout.COPIES;
    }

    /** Whether that copy lies on the mirror. */
    public static boolean onMirror(int copy) {
        return copy >= MetadataLayout.COPIES;
    }

    /** What messages call a copy: "root A", "mirror root A". */
    public static String name(String what, int copy) {
        return (onMirror(copy) ? "mirror " : "") + what + " " + MetadataLayout.letter(letter(copy));
    }

    /** The store that is not the mirror. */
    public MetadataStore primary() {
        return primary;
    }

    /** The mirror's store, or null; whatever it throws is for the caller to take. */
    @Nullable
    public MetadataStore mirrorStore() {
        return mirrorStore;
    }

    /** How the mirror is. From any thread. */
    public Mirror mirror() {
        return mirror;
    }

    /** From here on losses count: to be called before the flush on which the next commit will build. */
    void startTrusting() {
        trustedLosses = primary.lossCount();
        MetadataStore other = mirrorStore;
        trustedMirrorLosses = other == null ? 0 : other.lossCount();
    }

    /** Whether the primary failed to keep something since {@link #startTrusting}: what it shows may not be on the disk. */
    public boolean hasLost() {
        return primary.lossCount() != trustedLosses;
    }

    /** Whether the mirror, which is down, answers again; it is not used yet. True if it is up. */
    boolean mirrorAnswers() {
        MetadataStore other = mirrorStore;
        if (other == null || mirror == Mirror.UP) {
            return true;
        }
        try {
            other.flush();
            if (other.sizeBytes() > 0) {
                other.readRoot(0);
            }
            return true;
        } catch (StoreException e) {
            LOG.debug("volume={} mirror={}: still fails: {}", volumeName, other.name(), e.getMessage());
            return false;
        }
    }

    /** Uses the mirror again; all of it has to be compared before it counts for anything. */
    void reviveMirror() {
        if (mirror == Mirror.DOWN) {
            mirror = Mirror.UP;
        }
    }

    /** The mirror is whole again. */
    void mirrorIsWhole() {
        if (complained && mirror == Mirror.UP) {
            complained = false;
            LOG.info("volume={} mirror={}: whole again", volumeName, mirrorName());
        }
    }

    private String mirrorName() {
        MetadataStore other = mirrorStore;
        return other == null ? "none" : other.name();
    }

    /** The bytes of that copy's root block, unchecked. */
    public byte[] readRoot(int copy) throws StoreException {
        return store(copy).readRoot(letter(copy));
    }

    /** The bytes of that copy's key slot area, unchecked. */
    public byte[] readKeySlots(int copy) throws StoreException {
        return store(copy).readKeySlots(letter(copy));
    }

    /** Fills {@code target} with that copy of as many pages as it has room for, unchecked. */
    public void readPages(RootBlock root, int firstPage, int copy, ByteBuffer target) throws StoreException {
        store(copy).readPages(root, firstPage, letter(copy), target);
    }

    void writeRoot(int copy, byte[] image) throws StoreException {
        toOne(copy, store -> store.writeRoot(letter(copy), image));
    }

    void writeKeySlots(int copy, byte[] image) throws StoreException {
        toOne(copy, store -> store.writeKeySlots(letter(copy), image));
    }

    void writePage(RootBlock root, int pageIndex, int copy, ByteBuffer image) throws StoreException {
        toOne(copy, store -> store.writePage(root, pageIndex, letter(copy), image));
    }

    /** Makes durable what was written to the store that has {@code copy}. */
    public void flush(int copy) throws StoreException {
        toOne(copy, MetadataCopies::flushed);
        checkMirrorLosses();
    }

    /** Writes one letter of a page everywhere. */
    void writePageEverywhere(RootBlock root, int pageIndex, int letter, ByteBuffer image) throws StoreException {
        toAll(store -> store.writePage(root, pageIndex, letter, image));
    }

    /** Writes one letter of the key slot area everywhere. */
    public void writeKeySlotsEverywhere(int letter, byte[] image) throws StoreException {
        toAll(store -> store.writeKeySlots(letter, image));
    }

    /** Writes one letter of the root everywhere; durable with the next flush. */
    void writeRootEverywhere(int letter, byte[] image) throws StoreException {
        toAll(store -> store.writeRoot(letter, image));
    }

    /** Makes a root durable on one store after the other, the primary first: the commit point. */
    public void landRoot(int letter, byte[] image) throws StoreException {
        toAll(store -> {
            store.writeRoot(letter, image);
            store.flush();
        });
        checkMirrorLosses();
    }

    /** Grows the stores for a root with more extents and zeroes the new pages. */
    public void growFor(RootBlock root, int firstPage) throws StoreException {
        toAll(store -> {
            store.growFor(root);
            store.clearPages(root, firstPage, root.pageCount());
        });
    }

    public void flush() throws StoreException {
        toAll(MetadataCopies::flushed);
        checkMirrorLosses();
    }

    /** Makes the next reads of extent 0 ask the disks. */
    public void dropHeadCache() throws StoreException {
        toAll(MetadataStore::dropHeadCache);
    }

    /** Makes the next reads of all further extents ask the disks. */
    public void dropTailCache(RootBlock root) throws StoreException {
        toAll(store -> store.dropTailCache(root));
    }

    /** Makes a mirror that is new, or too small, as large as the volume needs it. */
    public void fitMirror(RootBlock root) {
        deedOnMirror(store -> {
            long before = store.sizeBytes();
            if (store.growFor(root)) {
                if (before == 0) {
                    store.clearPages(root, 0, root.pageCount());
                }
                LOG.info("volume={} mirror={}: made, to hold a copy of the metadata", volumeName, store.name());
            }
        });
    }

    private static void flushed(MetadataStore store) throws StoreException {
        store.flush();
    }

    private void checkMirrorLosses() {
        MetadataStore other = mirrorStore;
        if (other != null && mirror == Mirror.UP && other.lossCount() != trustedMirrorLosses) {
            leaveMirror("a flush failed, and what was written may be lost");
        }
    }

    private void toOne(int copy, Deed deed) throws StoreException {
        if (onMirror(copy)) {
            deedOnMirror(deed);
        } else {
            deed.to(primary);
        }
    }

    private void toAll(Deed deed) throws StoreException {
        deed.to(primary);
        deedOnMirror(deed);
    }

    private void deedOnMirror(Deed deed) {
        MetadataStore other = mirrorStore;
        if (other == null || mirror != Mirror.UP) {
            return;
        }
        try {
            deed.to(other);
        } catch (StoreException e) {
            leaveMirror(String.valueOf(e.getMessage()));
        }
    }

    /** Goes on without the mirror. */
    void leaveMirror(String why) {
        mirror = Mirror.DOWN;
        if (!complained) {
            complained = true;
            LOG.error(
                    "volume={} mirror={}: the metadata mirror failed: {}. The volume goes on with the primary alone; the"
                            + " mirror is tried again and made whole by itself.",
                    volumeName,
                    mirrorName(),
                    why);
        }
    }

    private MetadataStore store(int copy) {
        MetadataStore other = mirrorStore;
        return onMirror(copy) && other != null ? other : primary;
    }
}
