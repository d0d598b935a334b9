package io.blockseal.fault;

import io.blockseal.block.Errno;
import io.blockseal.store.StoreException;
import io.blockseal.volume.Volume;
import java.util.Arrays;
import java.util.List;

/**
 * A store that fails one operation, and power cuts after that; a process that is killed and started again before the
 * power fails: the cases C7 and C19 of docs/durability.md and the row "kill".
 */
final class FailureCases {
    private static final int PER_RANGE = Layout.SECTORS_PER_RANGE;
    /** What one commit does to the metadata: page, flush, root, flush; and then page and root once more. */
    private static final int OPERATIONS_OF_A_COMMIT = 6;
    /** How many of these come before the commit is acknowledged. */
    private static final int OPERATIONS_UNTIL_COMMITTED = 4;

    private final Lab lab;

    FailureCases(Lab lab) {
        this.lab = lab;
    }

    /** One way in which an operation can fail. */
    enum Failure {
        /** EIO, and nothing was done. */
        EIO,
        /** EIO, and half of it was done. */
        SHORT,
        /** A flush that loses what was not durable, while the system goes on showing it. */
        LOSS,
        /** The store is full. */
        ENOSPC;

        Disturbance at(int victim) {
            int[] met = {0};
            return (operation, disk) -> {
                if (met[0]++ != victim) {
                    disk.perform(operation);
                    return;
                }
                if (this == SHORT && operation.kind() == Operation.Kind.WRITE) {
                    byte[] half = Arrays.copyOf(operation.data(), (int) operation.length() / 2);
                    disk.perform(operation.withData(half));
                } else if (this == LOSS && operation.kind() == Operation.Kind.FLUSH) {
                    disk.perform(Operation.loss(operation.store()));
                }
                throw new StoreException(this == ENOSPC ? Errno.ENOSPC : Errno.EIO, "injected " + this);
            };
        }
    }

    CrashCase c7() throws Exception {
        CrashCase c7 = new CrashCase(
                lab, Mutation.NONE, "C7", "an operation of a commit fails: ranges in use go on, opening heals");
        for (Layout layout : List.of(Layout.IN_BAND, Layout.DETACHED)) {
            for (Failure failure : List.of(Failure.EIO, Failure.SHORT, Failure.LOSS)) {
                for (int victim = 0; victim < OPERATIONS_OF_A_COMMIT; victim++) {
                    failAndGoOn(c7, layout, failure, victim);
                }
            }
        }
        return c7;
    }

    private void failAndGoOn(CrashCase c7, Layout layout, Failure failure, int victim) throws Exception {
        String where = layout + ": " + failure + " of operation " + victim + " of the commit";
        try (Scene scene = new Scene(lab, layout)) {
            int inUse = layout.ranges() - 1;
            scene.guest().write(inUse * PER_RANGE, 8);
            scene.guest().flush();
            c7.record(scene);
            scene.metadata().disturb(failure.at(victim));
            Errno first = scene.guest().write(PER_RANGE, 8);
            scene.metadata().disturb(Disturbance.NONE);
            boolean committed = victim >= OPERATIONS_UNTIL_COMMITTED;
            c7.count(first == (committed ? Errno.OK : Errno.EIO) ? "" : "the write got " + first, where);
            Errno used = scene.guest().write(inUse * PER_RANGE + 8, 8);
            c7.count(used == Errno.OK ? "" : "a range in use got " + used, where);
            scene.guest().flush();
            scene.guest().flush();
            c7.cutEverywhere(scene, CrashCase.THE_MODEL);
            scene.close();
            scene.open();
            Errno healed = scene.guest().write(2 * PER_RANGE, 8);
            c7.count(healed == Errno.OK ? "" : "after opening anew a new range got " + healed, where);
            scene.guest().flush();
            c7.cutEverywhere(scene, CrashCase.THE_MODEL);
        }
    }

    CrashCase c19() throws Exception {
        CrashCase c19 =
                new CrashCase(lab, Mutation.NONE, "C19", "the store is full at any step: ENOSPC to that write alone");
        for (Layout layout : List.of(Layout.DETACHED, Layout.NO_PROMISE)) {
            // The page write of the commit is the one step of it that can be undone.
            fillUp(c19, layout, true, 0, Errno.ENOSPC);
            int steps = layout.promisesZeros() ? 1 : 2;
            for (int victim = 0; victim < steps; victim++) {
                fillUp(c19, layout, false, victim, Errno.ENOSPC);
            }
        }
        fillUp(c19, Layout.IN_BAND, true, 0, Errno.ENOSPC);
        return c19;
    }

    private void fillUp(CrashCase c19, Layout layout, boolean metadata, int victim, Errno expected) throws Exception {
        String where = layout + ": " + (metadata ? "metadata" : "data") + " full at operation " + victim;
        try (Scene scene = new Scene(lab, layout)) {
            int inUse = layout.ranges() - 1;
            scene.guest().write(inUse * PER_RANGE, 8);
            scene.guest().flush();
            c19.record(scene);
            FaultStore full = metadata ? scene.metadata() : scene.data();
            full.disturb(Failure.ENOSPC.at(victim));
            Errno first = scene.guest().write(PER_RANGE, 8);
            full.disturb(Disturbance.NONE);
            c19.count(first == expected ? "" : "the write got " + first, where);
            Errno again = scene.guest().write(PER_RANGE + 16, 8);
            c19.count(again == Errno.OK ? "" : "the next write got " + again, where);
            Errno other = scene.guest().write(2 * PER_RANGE, 8);
            c19.count(other == Errno.OK ? "" : "another range got " + other, where);
            scene.guest().flush();
            c19.cutEverywhere(scene, CrashCase.THE_MODEL);
        }
    }

    /** The process dies after each operation; what it wrote is still in the system's memory when it starts again. */
    CrashCase kill() throws Exception {
        CrashCase kill = new CrashCase(
                lab, Mutation.NONE, "kill", "the process dies at any step, starts again, then the power fails");
        for (Layout layout : List.of(Layout.IN_BAND, Layout.DETACHED)) {
            int steps = 1;
            for (int dies = 0; dies < steps; dies++) {
                try (Scene scene = new Scene(lab, layout)) {
                    scene.guest().write((layout.ranges() - 1) * PER_RANGE, 8);
                    scene.guest().flush();
                    kill.record(scene);
                    int[] left = {dies};
                    Disturbance death = (operation, disk) -> {
                        if (left[0]-- <= 0) {
                            throw new StoreException(Errno.EIO, "dead");
                        }
                        disk.perform(operation);
                    };
                    scene.journal().stores().forEach(store -> store.disturb(death));
                    workUntilDeath(scene);
                    boolean survived = left[0] >= 0;
                    scene.close();
                    scene.journal().stores().forEach(store -> store.disturb(Disturbance.NONE));
                    scene.open();
                    scene.guest().write(2 * PER_RANGE + 8, 8);
                    scene.guest().flush();
                    kill.cut(scene, PowerCuts.all(scene.journal(), PowerCuts.Tears.NONE), CrashCase.THE_MODEL);
                    steps = survived ? steps : steps + 1;
                }
            }
        }
        return kill;
    }

    /**
     * A drive answers flushes and does nothing. What it loses is lost; but what was durable before and not written to
     * since is either there or the volume is refused, unchanged.
     */
    CrashCase lying() throws Exception {
        CrashCase lying = new CrashCase(
                lab, Mutation.NONE, "lying", "a drive that only says it flushes: old data is there, or it is refused");
        for (Layout layout : List.of(Layout.IN_BAND, Layout.DETACHED)) {
            int sector = (layout.ranges() - 1) * PER_RANGE;
            try (Scene scene = new Scene(lab, layout)) {
                scene.guest().write(sector, 8);
                scene.guest().flush();
                byte[] before = scene.guest().read(sector, 8);
                lying.record(scene);
                Disturbance lie = (operation, disk) -> {
                    if (operation.kind() != Operation.Kind.FLUSH) {
                        disk.perform(operation);
                    }
                };
                scene.journal().stores().forEach(store -> store.disturb(lie));
                scene.guest().write(PER_RANGE, 8);
                scene.guest().flush();
                scene.guest().write(2 * PER_RANGE, 8);
                scene.guest().flush();
                List<PowerCut> cuts = PowerCuts.all(scene.journal(), PowerCuts.Tears.SECTORS);
                lying.cutAndTry(scene, cuts, found -> thereOrRefused(layout, found, sector, before));
            }
        }
        return lying;
    }

    private String thereOrRefused(Layout layout, FaultJournal found, int sector, byte[] before) {
        long bytes = found.contentHash();
        try (Volume volume = lab.open(layout, found, 1);
                Guest guest = new Guest(lab.loop(), volume, found, new Model(layout.unitBytes()))) {
            return Arrays.equals(guest.read(sector, 8), before) ? "" : "opened, and old data is not there";
        } catch (Exception e) {
            return found.contentHash() == bytes ? "" : "refused, but changed: " + e.getMessage();
        }
    }

    private static void workUntilDeath(Scene scene) {
        scene.guest().write(PER_RANGE, 8);
        scene.guest().flush();
        scene.guest().trim(PER_RANGE, 8, 0);
    }
}
