package io.blockseal.fault;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.fault.CrashCase.Promise;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.rotation.Rotations;
import io.blockseal.store.StoreException;
import io.blockseal.volume.Patience;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.table.RangeWord;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;

/**
 * Power cuts and failures while a range gets a new DEK under a guest that writes to it after every single operation: the
 * cases C8, C9 and C11 of docs/durability.md, and the row "doubt".
 */
final class RotationCases {
    private static final int PER_RANGE = Layout.SECTORS_PER_RANGE;
    private static final int RANGE = 1;
    /** Of the cuts that follow a failure one in so many is tried: each failure has all of them. */
    private static final int STRIDE = 9;

    private final Lab lab;
    private final Mutation mutation;

    RotationCases(Lab lab, Mutation mutation) {
        this.lab = lab;
        this.mutation = mutation;
    }

    /** A guest that begins something after each operation of somebody else, unless it still waits for an answer. */
    private final class BusyGuest {
        private final Scene scene;
        private final Runnable failing;
        private boolean inside;
        private int turn;

        BusyGuest(Scene scene) {
            this(scene, () -> {});
        }

        /** {@code failing} is told of each operation that failed. */
        BusyGuest(Scene scene, Runnable failing) {
            this.scene = scene;
            this.failing = failing;
            for (FaultStore store : scene.journal().stores()) {
                Disturbance below = store.disturbance();
                store.disturb((operation, disk) -> meet(below, operation, disk));
            }
        }

        private void meet(Disturbance below, Operation operation, Disturbance.Disk disk) throws StoreException {
            if (inside) {
                disk.perform(operation);
                return;
            }
            try {
                below.meet(operation, disk);
            } catch (StoreException e) {
                failing.run();
                throw e;
            } finally {
                act();
            }
        }

        private void act() {
            inside = true;
            Guest guest = scene.guest();
            guest.turn();
            if (!guest.isWaiting()) {
                int first = RANGE * PER_RANGE;
                switch (turn++ % 8) {
                    case 0 -> guest.beginWrite(first + 8 + turn % 5, 6, 0);
                    case 1 -> guest.beginWrite(first + 40, 8, BlockRequest.FUA);
                    case 2 -> guest.beginWrite(first + 64 + turn % 3 * 8, 8, 0);
                    case 3 -> guest.beginZeroes(Command.TRIM, first + 16, 8, 0);
                    case 4 -> guest.beginZeroes(Command.WRITE_ZEROES, first + 22, 8, 0);
                    case 5 -> guest.beginWrite((scene.layout().ranges() - 1) * PER_RANGE + 8, 8, 0);
                    case 6 -> guest.beginWrite(first + 20, 8, 0);
                    default -> guest.flush();
                }
            }
            inside = false;
        }
    }

    private Patience turning(Scene scene) {
        return quiet -> {
            scene.guest().turn();
            return quiet.getCount() == 0;
        };
    }

    /** A range with data, holes between, and one more range in use. */
    private Scene inUse(Layout layout) throws Exception {
        Scene scene = new Scene(lab, layout);
        scene.guest().write(RANGE * PER_RANGE, 24);
        scene.guest().write(RANGE * PER_RANGE + 88, 16);
        scene.guest().write((layout.ranges() - 1) * PER_RANGE + 64, 8);
        scene.guest().flush();
        return scene;
    }

    /** What stood in the table before the rotation. */
    private record Before(long word, byte[] wrappedDek) {
        static Before of(Scene scene) {
            return new Before(scene.volume().word(RANGE), wrappedDek(scene.metadata(), 0));
        }

        boolean isIn(FaultStore metadata) {
            return Arrays.equals(wrappedDek(metadata, 0), wrappedDek)
                    || Arrays.equals(wrappedDek(metadata, 1), wrappedDek);
        }

        private static byte[] wrappedDek(FaultStore metadata, int copy) {
            byte[] page = metadata.peek(
                    MetadataLayout.pageOffsetInExtent(TablePage.pageOf(RANGE), copy), MetadataLayout.BLOCK_BYTES);
            int at = TablePage.entryOffset(TablePage.entryOf(RANGE)) + TableEntry.WRAPPED_DEK;
            return Arrays.copyOfRange(page, at, at + TableEntry.WRAPPED_DEK_BYTES);
        }
    }

    /** The range is where it was, under its old DEK, or in another slot, under a new one and without the old one. */
    private static Promise inOnePlace(Before before, int acknowledged) {
        return (cut, sight) -> {
            if (!sight.opened()) {
                return;
            }
            long word = sight.ranges().get(RANGE).word();
            boolean old = word == before.word;
            boolean moved = RangeWord.state(word) == RangeWord.ACTIVE
                    && RangeWord.generation(word) == RangeWord.generation(before.word) + 1
                    && RangeWord.slot(word) != RangeWord.slot(before.word);
            CommitCases.require(old || moved, "the range is in neither of its two places");
            CommitCases.require(moved || cut.count() < acknowledged, "rotated, yet the old DEK is in force");
            CommitCases.require(old || Boolean.FALSE.equals(sight.extra()), "the old DEK is still in the metadata");
        };
    }

    private interface Cutting {
        void cut(Scene scene, Before before, int acknowledged) throws Exception;
    }

    private CrashCase rotating(CrashCase crashCase, Cutting cutting) throws Exception {
        for (Layout layout : Layout.ALL) {
            try (Scene scene = inUse(layout)) {
                Before before = Before.of(scene);
                crashCase.asking((volume, disks) -> before.isIn(layout.metadata(disks)));
                crashCase.record(scene);
                if (mutation == Mutation.NONE) {
                    // What it changes is copied again, and would make up for much of what a planted bug leaves out.
                    new BusyGuest(scene);
                }
                CommitCases.require(Rotations.rotate(scene.volume(), RANGE, turning(scene)), "not rotated");
                int acknowledged = scene.journal().position();
                scene.guest().turn();
                CommitCases.require(!scene.guest().isWaiting(), "the guest waits for ever");
                scene.journal().stores().forEach(store -> store.disturb(Disturbance.NONE));
                scene.guest().write(RANGE * PER_RANGE + 100, 8);
                scene.guest().flush();
                cutting.cut(scene, before, acknowledged);
            }
        }
        return crashCase;
    }

    CrashCase c8() throws Exception {
        CrashCase c8 = new CrashCase(
                lab,
                mutation,
                "C8",
                "DEK rotation, a guest writing at each step: the old place, whole, or the new one");
        return rotating(c8, (scene, before, acknowledged) -> {
            List<PowerCut> cuts = PowerCuts.all(scene.journal(), PowerCuts.Tears.NONE);
            c8.cut(scene, cuts, inOnePlace(before, acknowledged));
        });
    }

    CrashCase c9() throws Exception {
        CrashCase c9 = new CrashCase(lab, mutation, "C9", "C8, each write torn at every 512 bytes");
        return rotating(c9, (scene, before, acknowledged) -> {
            List<PowerCut> cuts = new ArrayList<>(PowerCuts.all(scene.journal(), PowerCuts.Tears.SECTORS));
            cuts.removeIf(cut -> cut.tornBytes() == 0);
            c9.cut(scene, cuts, inOnePlace(before, acknowledged));
        });
    }

    CrashCase c11() throws Exception {
        CrashCase c11 = new CrashCase(
                lab,
                mutation,
                "C11",
                "cut after that commit: the old DEK is gone, the old slot serves again, as zeros");
        return rotating(c11, (scene, before, acknowledged) -> {
            int commit = commitOfMove(scene, acknowledged);
            List<PowerCut> cuts = new ArrayList<>(PowerCuts.all(scene.journal(), PowerCuts.Tears.NONE));
            cuts.removeIf(cut -> cut.count() <= commit);
            c11.cutAndTry(scene, cuts, found -> rotateOn(scene.layout(), found, before));
            cuts.removeIf(cut -> cut.count() < acknowledged);
            c11.cutAndTry(
                    scene,
                    cuts,
                    found -> before.isIn(scene.layout().metadata(found))
                            ? "acknowledged, yet the old DEK is on the disk"
                            : "");
        });
    }

    /** Number of the first write of the last root that the rotation wrote. */
    private static int commitOfMove(Scene scene, int acknowledged) {
        List<Operation> operations = scene.journal().operations().subList(0, acknowledged);
        int last = -1;
        int lastButOne = -1;
        for (int i = 0; i < operations.size(); i++) {
            if (CommitCases.isRootWrite(scene, operations.get(i))) {
                lastButOne = last;
                last = i;
            }
        }
        CommitCases.require(lastButOne >= 0, "nothing was committed");
        return lastButOne;
    }

    /** Opens, and rotates until the range has been in the slot that it had before; what is wrong, or nothing. */
    private String rotateOn(Layout layout, FaultJournal found, Before before) throws Exception {
        byte[] data;
        try (Volume volume = lab.open(layout, found, 1);
                Guest guest = new Guest(lab.loop(), volume, found, new Model(layout.unitBytes()))) {
            if (volume.word(RANGE) == before.word) {
                return "";
            }
            if (before.isIn(layout.metadata(found))) {
                return "the old DEK is still in the metadata";
            }
            data = guest.read(RANGE * PER_RANGE, PER_RANGE);
            boolean wasBack = false;
            for (int i = 0; i < layout.ranges() + 2 && !wasBack; i++) {
                int range = i % 2 == 0 ? RANGE : layout.ranges() - 1;
                Rotations.rotate(volume, range, quiet -> {
                    guest.turn();
                    return quiet.getCount() == 0;
                });
                wasBack = RangeWord.slot(volume.word(range)) == RangeWord.slot(before.word);
                if (!Arrays.equals(data, guest.read(RANGE * PER_RANGE, PER_RANGE))) {
                    return "rotated again, and reads otherwise";
                }
            }
            if (!wasBack) {
                return "the old slot was not given back";
            }
        }
        try (Volume volume = lab.open(layout, found, 1);
                Guest guest = new Guest(lab.loop(), volume, found, new Model(layout.unitBytes()))) {
            return Arrays.equals(data, guest.read(RANGE * PER_RANGE, PER_RANGE)) ? "" : "reopened, and reads otherwise";
        }
    }

    /** Each operation of a rotation fails once, in each way; the storage gets well when somebody waits for it. */
    CrashCase doubt() throws Exception {
        CrashCase doubt = new CrashCase(
                lab, mutation, "doubt", "an operation of a DEK rotation fails: one place, and the guest goes on");
        for (Layout layout : List.of(Layout.IN_BAND, Layout.DETACHED)) {
            for (FailureCases.Failure failure :
                    List.of(FailureCases.Failure.EIO, FailureCases.Failure.SHORT, FailureCases.Failure.LOSS)) {
                boolean reached = true;
                for (int victim = 0; reached; victim++) {
                    reached = failOne(doubt, layout, failure, victim);
                }
            }
        }
        return doubt;
    }

    /** False if the rotation has fewer operations. */
    private boolean failOne(CrashCase doubt, Layout layout, FailureCases.Failure failure, int victim) throws Exception {
        String where = layout + ": " + failure + " of operation " + victim + " of the rotation";
        try (Scene scene = inUse(layout)) {
            Before before = Before.of(scene);
            doubt.asking((volume, disks) -> before.isIn(layout.metadata(disks)));
            doubt.record(scene);
            int[] failedAt = {-1};
            Disturbance once = failure.at(victim);
            scene.journal().stores().forEach(store -> store.disturb(once));
            new BusyGuest(scene, () -> failedAt[0] = scene.journal().position());
            boolean rotated = false;
            try {
                rotated = Rotations.rotate(scene.volume(), RANGE, quiet -> becomesQuiet(scene, quiet));
            } catch (StoreException | VolumeRefusedException e) {
                // That is what a failure looks like; where the range is, the word says.
            }
            scene.journal().stores().forEach(store -> store.disturb(Disturbance.NONE));
            lab.timePasses();
            scene.guest().turn();
            if (failedAt[0] < 0) {
                CommitCases.require(rotated, "nothing failed, and yet it is not rotated");
                return false;
            }
            doubt.count(scene.guest().isWaiting() ? "the guest waits for ever" : "", where);
            doubt.count(RangeWord.isHeld(scene.volume().word(RANGE)) ? "the range is held for ever" : "", where);
            scene.guest().write(RANGE * PER_RANGE + 100, 8);
            scene.guest().flush();
            scene.guest().flush();
            doubt.judge(scene, scene.journal().fork(), where);
            List<PowerCut> cuts = new ArrayList<>();
            List<PowerCut> all = PowerCuts.all(scene.journal(), PowerCuts.Tears.NONE);
            for (int i = victim % STRIDE; i < all.size(); i += STRIDE) {
                if (all.get(i).count() >= failedAt[0]) {
                    cuts.add(all.get(i));
                }
            }
            doubt.cut(scene, cuts, inOnePlace(before, Integer.MAX_VALUE));
            return true;
        }
    }

    /** Who waits in vain for the guest waits for the storage; it is well again after a while. */
    private boolean becomesQuiet(Scene scene, CountDownLatch quiet) {
        scene.guest().turn();
        if (quiet.getCount() > 0) {
            lab.timePasses();
            scene.guest().turn();
        }
        return quiet.getCount() == 0;
    }
}
