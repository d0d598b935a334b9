package io.blockseal.volume.header;

import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TablePage;
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
import io.blockseal.volume.metadata.TableScan;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.table.VolumeKeys;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * What is left of a volume's metadata on its disk, as far as a backup's keys can vouch for it: perhaps all, perhaps a few
 * pages, perhaps nothing. Reads everything and changes nothing; a block that cannot be read is one more that is gone.
 */
final class LiveHeader {
    /**
     * What is known of one page.
     *
     * @param content its entries; null if all of them are NONE, or if nothing is known
     * @param later what a commit whose root may be gone made of it; null if there is no such commit
     * @param known whether it is known at all
     * @param letter which copy must not be written first, since the volume as it is depends on it: 0 = A, 1 = B
     * @param empty whether every copy is all zeros
     */
    record Page(@Nullable TablePage content, @Nullable TablePage later, boolean known, int letter, boolean empty) {}

    private final VolumeStores stores;
    private final VolumeKeys keys;
    private final RootBlock wanted;
    private final List<String> complaints = new ArrayList<>();
    private final Map<Integer, Page> pages = new HashMap<>();
    private @Nullable Candidate candidate;
    private int areaLetter = 1;
    private boolean genuineSeen;
    private boolean mayHaveFallenBack;
    private long commitSeqMax;

    private LiveHeader(VolumeStores stores, VolumeKeys keys, RootBlock wanted) {
        this.stores = stores;
        this.keys = keys;
        this.wanted = wanted;
    }

    /**
     * Reads what is there.
     *
     * @param wanted the root of the backup that {@code keys} come from
     * @throws VolumeRefusedException if another volume is there, or a newer release wrote this one
     */
    static LiveHeader read(VolumeStores stores, VolumeKeys keys, RootBlock wanted, CheckProgress progress)
            throws StoreException, VolumeRefusedException {
        LiveHeader live = new LiveHeader(stores, keys, wanted);
        MetadataCopies store = MetadataCopies.ofPrimary(stores);
        RootReader roots = RootReader.salvage(store);
        for (Candidate each : roots.candidates()) {
            live.root(each);
        }
        for (int copy = 0; copy < 2; copy++) {
            MalformedVolumeException complaint = roots.complaint(copy);
            if (complaint != null) {
                live.complaints.add(String.valueOf(complaint.getMessage()));
            }
        }
        Candidate found = live.candidate;
        if (found != null) {
            int inForce = found.root().keySlotArea();
            byte[] hash = KeySlotArea.decode(roots.areaImage(inForce)).sha256();
            live.areaLetter = MessageDigest.isEqual(hash, found.root().keySlotHash()) ? inForce : 1 - inForce;
        }
        live.mayHaveFallenBack = found != null && new RootStanding(roots, found, keys::verifies).mayHaveFallenBack();
        live.mirror();
        live.table(store, progress);
        return live;
    }

    /** The root that the volume would open with, or null if none is left. */
    @Nullable
    RootBlock root() {
        return candidate == null ? null : candidate.root();
    }

    /** Those of the backup. */
    VolumeKeys keys() {
        return keys;
    }

    /** Which copy that is: 0 = A, 1 = B; 1 if there is none. */
    int rootLetter() {
        return candidate == null ? 1 : candidate.copy();
    }

    /** The key slots that open it, or null if none are left. */
    @Nullable
    KeySlotArea area() {
        return candidate == null ? null : candidate.area();
    }

    /** Which copy of the key slot area that root depends on: 0 = A, 1 = B; 1 if there is none. */
    int areaLetter() {
        return areaLetter;
    }

    /** Greatest commit of anything genuine that is there. */
    long commitSeqMax() {
        return commitSeqMax;
    }

    /** Whether anything at all there is this volume's. */
    boolean isOurs() {
        return genuineSeen;
    }

    /** What is damaged, for people. */
    List<String> complaints() {
        return complaints;
    }

    /** What is known of a page of the backup's volume or, if that is larger, of the volume as it is. */
    Page page(int index) {
        return Objects.requireNonNull(pages.get(index));
    }

    /** How many pages are known of. */
    int pageCount() {
        return pages.size();
    }

    private void root(Candidate each) throws VolumeRefusedException {
        RootBlock root = each.root();
        boolean ours = root.uuid().equals(wanted.uuid());
        if (!ours || !HexFormat.of().formatHex(root.identityTag()).equals(hex(wanted.identityTag()))) {
            throw new VolumeRefusedException(
                    Reason.IDENTITY,
                    stores.name() + ": holds "
                            + (ours ? "a volume of that UUID with another volume key" : "volume " + root.uuid())
                            + ", but the backup is of volume " + wanted.uuid()
                            + "; nothing was changed. Name the volume that the backup belongs to.");
        }
        if (!keys.verifies(root)) {
            complaints.add(root.block() + ": mac: does not verify: altered");
            return;
        }
        genuineSeen = true;
        commitSeqMax = Math.max(commitSeqMax, root.commitSeq());
        if (candidate != null) {
            return;
        }
        VolumeOpener.refuseUnknownFeatures(stores, root);
        if (root.unknownRoCompat() != 0) {
            throw new VolumeRefusedException(
                    Reason.UNKNOWN_FEATURE, stores.name() + ": a newer release wrote it; restore it with that release");
        }
        try {
            root.requireConsistent();
        } catch (MalformedVolumeException e) {
            complaints.add(String.valueOf(e.getMessage()));
            return;
        }
        requireSameShape(root);
        candidate = each;
        if (each.area() == null) {
            complaints.add("key slot areas: neither has the hash that " + root.block() + " names");
        }
    }

    private void requireSameShape(RootBlock root) throws VolumeRefusedException {
        boolean same = root.rangeShift() == wanted.rangeShift()
                && root.unitShift() == wanted.unitShift()
                && root.dataOffsetBytes() == wanted.dataOffsetBytes()
                && root.placement() == wanted.placement()
                && root.vkEpoch() == wanted.vkEpoch();
        if (!same) {
            throw new VolumeRefusedException(
                    Reason.UNSUITABLE,
                    stores.name() + ": its ranges, data units or data area are not as in the backup; nothing was"
                            + " changed. The backup is of another life of this volume.");
        }
    }

    /** What is restored must be newer than what the mirror has, or opening would go by the mirror. */
    private void mirror() {
        if (stores.mirror() == null) {
            return;
        }
        RootReader roots = RootReader.salvage(MetadataCopies.of(stores));
        for (Candidate each : roots.candidates()) {
            if (MetadataCopies.onMirror(each.copy()) && keys.verifies(each.root())) {
                commitSeqMax = Math.max(commitSeqMax, each.root().commitSeq());
            }
        }
    }

    private void table(MetadataCopies store, CheckProgress progress) throws StoreException, VolumeRefusedException {
        RootBlock mine = root();
        if (mine != null) {
            scan(store, mine, progress);
        }
        // Where the backup's pages will go may hold more: of a volume without a root, or of one that was larger.
        RootBlock everything = wanted.copy().commitSeq(Long.MAX_VALUE);
        new TableScan(store, everything, keys, -1).salvaging().run(finding -> {
            note(finding);
            Page known = pages.get(finding.index());
            boolean empty = isEmpty(finding);
            if (known != null) {
                pages.put(
                        finding.index(),
                        new Page(known.content(), known.later(), known.known(), known.letter(), empty));
            } else {
                pages.put(finding.index(), ofLargerVolume(finding, empty, mine != null));
            }
        });
    }

    private void scan(MetadataCopies store, RootBlock mine, CheckProgress progress)
            throws StoreException, VolumeRefusedException {
        new TableScan(store, mine, keys, -1).salvaging().run(finding -> {
            progress.pages(finding.index() + 1L, mine.pageCount());
            note(finding);
            if (finding.lost()) {
                complaints.add("table page " + finding.index() + ": no copy is intact");
            }
            // A root that is gone may have had what looks like an unfinished commit: then that is lost as well.
            TablePage later = mayHaveFallenBack ? orphan(finding) : null;
            boolean known = !finding.lost() || later != null;
            int letter = Math.max(0, finding.chosenCopy());
            pages.put(finding.index(), new Page(finding.chosen(), later, known, letter, isEmpty(finding)));
        });
    }

    private static @Nullable TablePage orphan(PageFinding finding) {
        TablePage newest = null;
        for (int copy = 0; copy < 2; copy++) {
            TablePage page = finding.copy(copy) == PageFinding.Copy.ORPHAN ? finding.page(copy) : null;
            if (page != null && (newest == null || page.commitSeq() > newest.commitSeq())) {
                newest = page;
            }
        }
        return newest;
    }

    /**
     * A page of which no root says anything. Beyond the end of the volume as it is nothing counts; without any root zeros
     * may be what destroyed it.
     */
    private Page ofLargerVolume(PageFinding finding, boolean empty, boolean beyondTheEnd) {
        int letter = Math.max(0, finding.chosenCopy());
        TablePage content = beyondTheEnd ? null : finding.chosen();
        return new Page(content, null, beyondTheEnd || content != null, letter, empty);
    }

    private void note(PageFinding finding) {
        for (int copy = 0; copy < 2; copy++) {
            TablePage page = finding.page(copy);
            if (page != null) {
                genuineSeen = true;
                commitSeqMax = Math.max(commitSeqMax, page.commitSeq());
            }
        }
    }

    private static boolean isEmpty(PageFinding finding) {
        return finding.copy(0) == PageFinding.Copy.ZERO && finding.copy(1) == PageFinding.Copy.ZERO;
    }

    private static String hex(byte[] bytes) {
        return HexFormat.of().formatHex(bytes);
    }
}
