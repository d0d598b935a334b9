package io.blockseal.volume.check;

import io.blockseal.crypto.CryptoEngine;
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
import io.blockseal.volume.check.CheckReport.Finding;
import io.blockseal.volume.check.CheckReport.Severity;
import io.blockseal.volume.metadata.MetadataCopies;
import io.blockseal.volume.metadata.PageFinding;
import io.blockseal.volume.metadata.RootReader;
import io.blockseal.volume.metadata.RootStanding;
import io.blockseal.volume.metadata.TableProof;
import io.blockseal.volume.metadata.TableScan;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.slot.RootAuthenticator;
import io.blockseal.volume.slot.RootAuthenticator.Unlocked;
import io.blockseal.volume.slot.SlotChoice;
import io.blockseal.volume.table.EntryCheck;
import io.blockseal.volume.table.VolumeKeys;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Looks at all metadata of a volume that nobody has open, and changes nothing. Without a key it sees what a CRC and a
 * shape can tell; with one it verifies every MAC and unwraps every DEK. On keeper threads.
 */
public final class VolumeChecker {
    private final CryptoEngine engine;
    private final VolumeStores stores;
    private final CheckProgress progress;
    private final List<Finding> findings = new ArrayList<>();
    private final MetadataCopies copies;
    private long activeRanges;

    private VolumeChecker(CryptoEngine engine, VolumeStores stores, CheckProgress progress) {
        this.engine = engine;
        this.stores = stores;
        this.copies = MetadataCopies.of(stores);
        this.progress = progress;
    }

    /** As the one below, telling nobody how far it is. */
    public static CheckReport check(CryptoEngine engine, VolumeStores stores) throws StoreException {
        return check(engine, stores, CheckProgress.SILENT);
    }

    /** Checks what can be checked without a key. */
    public static CheckReport check(CryptoEngine engine, VolumeStores stores, CheckProgress progress)
            throws StoreException {
        VolumeChecker checker = new VolumeChecker(engine, stores, progress);
        try {
            RootReader roots = checker.roots();
            RootStanding standing = new RootStanding(roots, roots.candidates().get(0), root -> true);
            checker.otherRoots(standing);
            checker.table(standing, null);
        } catch (VolumeRefusedException e) {
            checker.add(Severity.DAMAGE, "stores", "", message(e));
        } catch (MalformedVolumeException e) {
            checker.damage(e);
        }
        return checker.report(false);
    }

    /** As the one below, telling nobody how far it is. */
    public static CheckReport check(CryptoEngine engine, VolumeStores stores, List<KeySource> sources)
            throws StoreException, KeySourceException, WrongKeyException {
        return check(engine, stores, sources, CheckProgress.SILENT);
    }

    /** Checks everything, with the key that one of {@code sources} gives. */
    public static CheckReport check(
            CryptoEngine engine, VolumeStores stores, List<KeySource> sources, CheckProgress progress)
            throws StoreException, KeySourceException, WrongKeyException {
        VolumeChecker checker = new VolumeChecker(engine, stores, progress);
        try {
            RootReader roots = checker.roots();
            Unlocked unlocked =
                    new RootAuthenticator(engine, stores, sources, SlotChoice.REQUESTED).authenticate(roots);
            try (VolumeKeys keys = unlocked.keys()) {
                RootStanding standing = new RootStanding(roots, unlocked.candidate(), keys::verifies);
                checker.otherRoots(standing);
                checker.table(standing, keys);
            }
        } catch (VolumeRefusedException e) {
            checker.add(Severity.DAMAGE, "stores", "", message(e));
        } catch (MalformedVolumeException e) {
            checker.damage(e);
        }
        return checker.report(true);
    }

    private RootReader roots() throws StoreException, MalformedVolumeException, VolumeRefusedException {
        RootReader roots = RootReader.read(copies);
        if (roots.candidates().isEmpty()) {
            throw roots.allDamaged();
        }
        roots.requireOwnMirror(stores);
        for (int copy = 0; copy < roots.count(); copy++) {
            MalformedVolumeException complaint = roots.complaint(copy);
            if (complaint != null) {
                add(Severity.REPAIRABLE, complaint.block(), complaint.field(), message(complaint));
            }
        }
        return roots;
    }

    private void otherRoots(RootStanding standing) {
        RootReader roots = standing.roots();
        RootReader.Candidate chosen = standing.chosen();
        for (int copy = 0; copy < roots.count(); copy++) {
            boolean differs =
                    !Arrays.equals(roots.rootImage(copy), chosen.root().image());
            if (roots.complaint(copy) == null && differs) {
                add(Severity.REPAIRABLE, MetadataCopies.name("root", copy), "", standing.lags(copy));
            }
        }
        KeySlotArea area = chosen.area();
        if (area == null) {
            add(
                    Severity.DAMAGE,
                    "key slot areas",
                    "",
                    "none has the hash that " + chosen.root().block() + " names");
            return;
        }
        for (int copy = 0; copy < roots.count(); copy++) {
            if (!Arrays.equals(roots.areaImage(copy), area.image())) {
                add(
                        Severity.REPAIRABLE,
                        MetadataCopies.name("key slot area", copy),
                        "",
                        "is not the one that " + chosen.root().block() + " names");
            }
        }
    }

    private void table(RootStanding standing, @Nullable VolumeKeys keys) throws StoreException {
        RootBlock root = standing.chosen().root();
        TableProof proof = new TableProof(root, keys);
        try {
            root.requireConsistent();
            VolumeOpener.requireStores(stores, root);
            EntryCheck entries = new EntryCheck(engine, root, keys, new EntryDamage());
            proof.run(
                    new TableScan(copies, root, keys, standing.currentCopies()),
                    finding -> page(finding, root, entries));
            activeRanges = entries.activeRanges();
        } catch (MalformedVolumeException e) {
            damage(e);
            return;
        } catch (VolumeRefusedException e) {
            add(Severity.DAMAGE, "stores", "", message(e));
            return;
        }
        if (keys != null && !proof.anyLost() && !proof.holds()) {
            add(Severity.DAMAGE, root.block(), "table_root", "the table is not the one that the root describes");
        }
    }

    private void page(PageFinding finding, RootBlock root, EntryCheck entries) {
        progress.pages(finding.index() + 1L, root.pageCount());
        for (int copy = 0; copy < finding.count(); copy++) {
            copy(finding, copy);
        }
        TablePage page = finding.chosen();
        if (page != null) {
            entries.page(page);
        }
        finding.wipeBut(null);
    }

    private void copy(PageFinding finding, int copy) {
        String block = MetadataCopies.name("table page " + finding.index() + " copy", copy);
        Severity severity = finding.lost() ? Severity.DAMAGE : Severity.REPAIRABLE;
        if (finding.copy(copy) == PageFinding.Copy.DAMAGED) {
            add(severity, block, "", finding.complaint(copy));
        } else if (finding.copy(copy) == PageFinding.Copy.ORPHAN) {
            add(severity, block, "commit_seq", "is of a commit that was cut short");
        } else if (finding.lost()) {
            add(severity, block, "", "cannot be proved to be current: the store that has it lags behind");
        } else if (finding.differs(copy)) {
            add(severity, block, "", "is not like the other");
        }
    }

    /** Entries have one copy that counts: what is wrong in one is lost. */
    private final class EntryDamage implements EntryCheck.Complaints {
        @Override
        public void add(String block, String field, String found) {
            VolumeChecker.this.add(Severity.DAMAGE, block, field, found);
        }

        @Override
        public void givenUp(long range) {
            add("range " + range, "state", "was given up");
        }
    }

    private void damage(MalformedVolumeException e) {
        add(Severity.DAMAGE, e.block(), e.field(), message(e));
    }

    private void add(Severity severity, String block, String field, String message) {
        findings.add(new Finding(severity, block, field, message));
    }

    private CheckReport report(boolean authenticated) {
        return new CheckReport(stores.name(), authenticated, activeRanges, List.copyOf(findings));
    }

    private static String message(Exception e) {
        return String.valueOf(e.getMessage());
    }
}
