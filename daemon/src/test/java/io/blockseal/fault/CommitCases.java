package io.blockseal.fault;

import io.blockseal.block.BlockRequest;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.TablePage;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.Volume;
import io.blockseal.volume.check.CheckProgress;
import io.blockseal.volume.header.HeaderBackup;
import io.blockseal.volume.header.HeaderRestore;
import io.blockseal.volume.header.HeaderSnapshot;
import io.blockseal.volume.header.RestoreRequest;
import io.blockseal.volume.table.RangeWord;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Power cuts around the commit that gives a range its DEK: the cases C1 to C6 of docs/durability.md. Each method plays
 * one of them, with a bug planted or without.
 */
final class CommitCases {
    private static final int PER_RANGE = Layout.SECTORS_PER_RANGE;

    private final Lab lab;
    private final Mutation mutation;

    CommitCases(Lab lab, Mutation mutation) {
        this.lab = lab;
        this.mutation = mutation;
    }

    private CrashCase begin(String id, String what) {
        return new CrashCase(lab, mutation, id, what);
    }

    /** A range on the last page is in use; the first page was never written, or holds that range too. */
    private Scene inUse(Layout layout) throws Exception {
        Scene scene = new Scene(lab, layout);
        scene.guest().write((layout.ranges() - 1) * PER_RANGE + 8, 8);
        scene.guest().flush();
        return scene;
    }

    CrashCase c1() throws Exception {
        CrashCase c1 = begin("C1", "first write to a range, and a second cut during the repair");
        for (Layout layout : Layout.ALL) {
            try (Scene scene = inUse(layout)) {
                c1.record(scene);
                scene.guest().write(PER_RANGE + 3, 10);
                scene.guest().write(PER_RANGE + 100, 4, BlockRequest.FUA);
                scene.guest().trim(PER_RANGE + 8, 8, 0);
                scene.guest().write(2 * PER_RANGE, 16);
                scene.guest().flush();
                c1.cutEverywhere(scene, CrashCase.THE_MODEL);
                c1.cutTwice(scene);
            }
        }
        return c1;
    }

    CrashCase c2() throws Exception {
        CrashCase c2 = begin("C2", "FLUSH or FUA acknowledged right after the first touch, more under way");
        for (Layout layout : Layout.ALL) {
            for (boolean fua : new boolean[] {false, true}) {
                try (Scene scene = inUse(layout)) {
                    c2.record(scene);
                    scene.guest().write(PER_RANGE, 8, fua ? BlockRequest.FUA : 0);
                    if (!fua) {
                        scene.guest().flush();
                    }
                    int acknowledged = scene.journal().position();
                    scene.guest().write(2 * PER_RANGE + 16, 8);
                    scene.guest().write(0, 3);
                    c2.cutEverywhere(scene, (cut, sight) -> {
                        if (cut.count() >= acknowledged) {
                            requireState(sight, 1, RangeWord.ACTIVE);
                        }
                    });
                }
            }
        }
        return c2;
    }

    CrashCase c3() throws Exception {
        CrashCase c3 = begin("C3", "cut between page and root: old state, the orphan is overwritten");
        for (Layout layout : Layout.ALL) {
            try (Scene scene = inUse(layout)) {
                byte[] before = scene.metadata().peek(pageOffset(0), MetadataLayout.BLOCK_BYTES);
                c3.asking((volume, disks) -> bothCopiesAre(layout.metadata(disks), before));
                c3.record(scene);
                scene.guest().write(PER_RANGE, 8);
                int root = firstRootWrite(scene);
                c3.cut(scene, PowerCuts.until(scene.journal(), PowerCuts.Tears.SIXTEEN_BYTES, root), (cut, sight) -> {
                    requireState(sight, 1, RangeWord.NONE);
                    require(Boolean.TRUE.equals(sight.extra()), "the orphan was not overwritten");
                });
            }
        }
        return c3;
    }

    CrashCase c4() throws Exception {
        CrashCase c4 = begin("C4", "C3, then a commit of another page: the orphan does not come alive");
        for (Layout layout : List.of(Layout.IN_BAND, Layout.DETACHED, Layout.SMALL_UNITS)) {
            int other = layout.ranges() - 1;
            try (Scene scene = new Scene(lab, layout)) {
                c4.record(scene);
                scene.guest().write(PER_RANGE, 8);
                List<PowerCut> cuts = PowerCuts.until(scene.journal(), PowerCuts.Tears.SECTORS, firstRootWrite(scene));
                c4.cutAndTry(scene, cuts, found -> {
                    try (Volume volume = lab.open(layout, found, 1);
                            Guest guest = new Guest(lab.loop(), volume, found, new Model(layout.unitBytes()))) {
                        guest.write(other * PER_RANGE, 8);
                    }
                    try (Volume volume = lab.open(layout, found, 1)) {
                        boolean asWritten = RangeWord.state(volume.word(1)) == RangeWord.NONE
                                && RangeWord.state(volume.word(other)) == RangeWord.ACTIVE;
                        return asWritten ? "" : "the orphan came alive";
                    }
                });
            }
        }
        return c4;
    }

    CrashCase c5() throws Exception {
        CrashCase c5 = begin("C5", "root torn at each 16 bytes: the other root is used");
        for (Layout layout : List.of(Layout.IN_BAND, Layout.DETACHED)) {
            try (Scene scene = inUse(layout)) {
                c5.record(scene);
                scene.guest().write(PER_RANGE, 8);
                scene.guest().flush();
                List<PowerCut> cuts = new ArrayList<>(PowerCuts.all(scene.journal(), PowerCuts.Tears.SIXTEEN_BYTES));
                List<Operation> operations = scene.journal().operations();
                cuts.removeIf(cut -> cut.tornBytes() == 0 || !isRootWrite(scene, operations.get(cut.count())));
                int commit = firstRootWrite(scene);
                c5.cut(
                        scene,
                        cuts,
                        (cut, sight) ->
                                requireState(sight, 1, cut.count() == commit ? RangeWord.NONE : RangeWord.ACTIVE));
            }
        }
        return c5;
    }

    CrashCase c6() throws Exception {
        CrashCase c6 = begin("C6", "both roots torn: refused and nothing changed; a header backup restores all");
        for (Layout layout : List.of(Layout.IN_BAND, Layout.DETACHED)) {
            try (Scene scene = inUse(layout)) {
                byte[] old = scene.metadata().peek(MetadataLayout.rootOffset(0), MetadataLayout.BLOCK_BYTES);
                scene.guest().write(PER_RANGE, 8);
                byte[] next = scene.metadata().peek(MetadataLayout.rootOffset(1), MetadataLayout.BLOCK_BYTES);
                scene.guest().flush();
                HeaderBackup backup =
                        HeaderSnapshot.take(layout.stores(scene.journal().fork()), 0, CheckProgress.SILENT);
                for (int tornA = 512; tornA < MetadataLayout.BLOCK_BYTES; tornA += 512) {
                    for (int tornB = 512; tornB < MetadataLayout.BLOCK_BYTES; tornB += 512) {
                        FaultJournal found = scene.journal().fork();
                        layout.metadata(found).poke(MetadataLayout.rootOffset(0), torn(old, next, tornA));
                        layout.metadata(found).poke(MetadataLayout.rootOffset(1), torn(old, next, tornB));
                        String where = layout + ": torn at " + tornA + " and " + tornB;
                        c6.count(refusal(layout, found), where);
                        restore(layout, found, backup);
                        c6.judge(scene, found, where + ", restored");
                    }
                }
            }
        }
        return c6;
    }

    private String refusal(Layout layout, FaultJournal found) {
        long before = found.contentHash();
        String complaint = "opened";
        try {
            lab.open(layout, found, 1).close();
        } catch (MalformedVolumeException e) {
            complaint = e.field().equals("roots") ? "" : "refused for another reason: " + e.getMessage();
        } catch (Exception e) {
            complaint = "refused for another reason: " + e.getMessage();
        }
        return complaint.isEmpty() && found.contentHash() != before ? "refused, but changed" : complaint;
    }

    private void restore(Layout layout, FaultJournal found, HeaderBackup backup) throws Exception {
        RestoreRequest request =
                new RestoreRequest("backup", List.of(lab.fixture().key(1)), -1, false, false, false);
        try (HeaderRestore restore = HeaderRestore.plan(
                lab.fixture().engine(),
                layout.stores(found),
                backup,
                request,
                HostMemory.none(),
                CheckProgress.SILENT)) {
            restore.apply(0, () -> Instant.ofEpochSecond(1_700_000_300));
        }
    }

    private static byte[] torn(byte[] old, byte[] next, int bytes) {
        byte[] image = old.clone();
        System.arraycopy(next, 0, image, 0, bytes);
        return image;
    }

    static boolean isRootWrite(Scene scene, Operation operation) {
        return operation.kind() == Operation.Kind.WRITE
                && operation.store() == scene.metadata().index()
                && (operation.offset() == MetadataLayout.rootOffset(0)
                        || operation.offset() == MetadataLayout.rootOffset(1));
    }

    /** Number of the operation that is the commit point's write. */
    private static int firstRootWrite(Scene scene) {
        List<Operation> operations = scene.journal().operations();
        for (int i = 0; i < operations.size(); i++) {
            if (isRootWrite(scene, operations.get(i))) {
                return i;
            }
        }
        throw new AssertionError("nothing was committed");
    }

    private static boolean bothCopiesAre(FaultStore metadata, byte[] image) {
        for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
            long offset = MetadataLayout.pageOffsetInExtent(0, copy);
            if (!Arrays.equals(metadata.peek(offset, MetadataLayout.BLOCK_BYTES), image)) {
                return false;
            }
        }
        return true;
    }

    private static long pageOffset(int range) {
        return MetadataLayout.pageOffsetInExtent(TablePage.pageOf(range), 0);
    }

    static void requireState(Sight sight, int range, int state) {
        if (sight.opened()) {
            require(sight.state(range) == state, "range " + range + " has state " + sight.state(range));
        }
    }

    static void require(boolean holds, String otherwise) {
        if (!holds) {
            throw new AssertionError(otherwise);
        }
    }
}
