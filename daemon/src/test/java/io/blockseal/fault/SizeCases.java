package io.blockseal.fault;

import io.blockseal.block.Errno;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeResizer;
import java.util.ArrayList;
import java.util.List;

/**
 * Power cuts while a volume comes to be or grows: the case C16 of docs/durability.md and the row "create".
 */
final class SizeCases {
    private static final int PER_RANGE = Layout.SECTORS_PER_RANGE;
    /** As many as the first metadata extent has entries for. */
    private static final int RANGES_OF_ONE_EXTENT = 246_016;

    private final Lab lab;

    SizeCases(Lab lab) {
        this.lab = lab;
    }

    CrashCase c16() throws Exception {
        CrashCase c16 = new CrashCase(
                lab, Mutation.NONE, "C16", "grow, within the table and by a metadata extent: old size or new");
        grow(c16, Layout.IN_BAND.withRanges(20), 100, true);
        grow(c16, Layout.DETACHED.withRanges(20), 100, true);
        grow(c16, Layout.NO_PROMISE, 10, true);
        grow(c16, Layout.IN_BAND.withRanges(RANGES_OF_ONE_EXTENT), RANGES_OF_ONE_EXTENT + 40, false);
        grow(c16, Layout.DETACHED.withRanges(RANGES_OF_ONE_EXTENT), RANGES_OF_ONE_EXTENT + 40, false);
        return c16;
    }

    private void grow(CrashCase c16, Layout layout, int newRanges, boolean tearAll) throws Exception {
        try (Scene scene = new Scene(lab, layout)) {
            scene.guest().write(8, 8);
            scene.guest().flush();
            c16.record(scene);
            VolumeResizer.grow(scene.volume(), (long) newRanges * Layout.RANGE_BYTES);
            int grown = scene.journal().position();
            // A volume with a table of 62 MiB takes a while to open, so there only roots are torn.
            List<PowerCut> cuts = new ArrayList<>(PowerCuts.all(scene.journal(), PowerCuts.Tears.SECTORS));
            List<Operation> operations = scene.journal().operations();
            cuts.removeIf(cut ->
                    !tearAll && cut.tornBytes() > 0 && !CommitCases.isRootWrite(scene, operations.get(cut.count())));
            c16.cut(scene, cuts, (cut, sight) -> {
                boolean isNew = sight.rangeCount() == newRanges;
                CommitCases.require(isNew || sight.rangeCount() == layout.ranges(), "has " + sight.rangeCount());
                CommitCases.require(isNew || cut.count() < grown, "grown, yet it has the old size");
            });
        }
    }

    CrashCase create() throws Exception {
        CrashCase create = new CrashCase(
                lab, Mutation.NONE, "create", "a volume is made, on an empty store or over an old one: whole or none");
        for (Layout any : List.of(Layout.IN_BAND, Layout.DETACHED, Layout.NO_PROMISE)) {
            Layout layout = any.withRanges(4);
            FaultJournal journal = layout.newStores();
            journal.restart();
            lab.create(layout, journal);
            cutCreation(create, layout, journal, 1);
            // Once more, over the first: key 2 opens the new one, key 1 the old one.
            journal.restart();
            lab.fixture()
                    .creator()
                    .create(
                            layout.stores(journal),
                            List.of(lab.fixture().key(2)),
                            layout.options().forced(true));
            cutCreation(create, layout, journal, 2);
        }
        return create;
    }

    private void cutCreation(CrashCase create, Layout layout, FaultJournal journal, int newKey) {
        int created = journal.position();
        List<Operation> operations = journal.operations();
        int forgotten = 1;
        while (operations.get(forgotten - 1).kind() != Operation.Kind.FLUSH) {
            forgotten++;
        }
        for (PowerCut cut : PowerCuts.all(journal, PowerCuts.Tears.SECTORS)) {
            String wrong = lookAtCreation(layout, journal.after(cut), newKey, cut.count() >= created);
            if (wrong.isEmpty() && newKey == 2 && cut.count() >= forgotten) {
                wrong = opens(layout, journal.after(cut), 1) ? "the old volume opens, half overwritten" : "";
            }
            create.count(wrong, layout + ": " + cut.describe());
        }
    }

    private String lookAtCreation(Layout layout, FaultJournal found, int key, boolean created) {
        try (Volume volume = lab.open(layout, found, key);
                Guest guest = new Guest(lab.loop(), volume, found, new Model(layout.unitBytes()))) {
            Errno errno = guest.write(PER_RANGE, 8);
            byte[] unwritten = guest.read(PER_RANGE + 8, 8);
            boolean zeros = unwritten != null && isZero(unwritten);
            return errno == Errno.OK && zeros ? "" : "opened, and a write got " + errno + ", zeros " + zeros;
        } catch (MalformedVolumeException e) {
            return created ? "created, yet not there: " + e.getMessage() : "";
        } catch (Exception e) {
            return created ? "created, and then " + e : "";
        }
    }

    private boolean opens(Layout layout, FaultJournal found, int key) {
        try {
            lab.open(layout, found, key).close();
            return true;
        } catch (Exception e) {
            return false;
        }
    }

    private static boolean isZero(byte[] bytes) {
        for (byte b : bytes) {
            if (b != 0) {
                return false;
            }
        }
        return true;
    }
}
