package io.blockseal.fault;

import io.blockseal.format.MetadataLayout;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.volume.VolumeShredder;
import io.blockseal.volume.table.RangeWord;
import java.util.Arrays;
import java.util.List;

/** Power cuts while ranges are shredded and written to again: the case C12 of docs/durability.md. */
final class ShredCases {
    private static final int PER_RANGE = Layout.SECTORS_PER_RANGE;

    private final Lab lab;
    private final Mutation mutation;

    ShredCases(Lab lab, Mutation mutation) {
        this.lab = lab;
        this.mutation = mutation;
    }

    CrashCase c12() throws Exception {
        CrashCase c12 = new CrashCase(
                lab,
                mutation,
                "C12",
                "shred one range, or all: as it was or zeros, the old DEK is gone, reuse is zeros");
        for (Layout layout : Layout.ALL) {
            shred(c12, layout, 1, 1, false);
            shred(c12, layout, 0, layout.ranges(), false);
            shred(c12, layout, 1, 1, true);
        }
        return c12;
    }

    /** {@code online} with the guest connected, whose loop has the old DEK in its cache. */
    private void shred(CrashCase c12, Layout layout, int first, int count, boolean online) throws Exception {
        try (Scene scene = new Scene(lab, layout)) {
            scene.guest().write(PER_RANGE, 24);
            scene.guest().write((layout.ranges() - 1) * PER_RANGE + 64, 8);
            scene.guest().flush();
            byte[] oldDek = wrappedDek(scene.metadata(), 1, 0);
            c12.asking((volume, disks) -> holds(layout.metadata(disks), oldDek));
            c12.record(scene);
            if (!online) {
                scene.disconnect();
            }
            VolumeShredder.shred(scene.volume(), first, count, quiet -> {
                if (online) {
                    scene.guest().turn();
                }
                return quiet.getCount() == 0;
            });
            int done = scene.journal().position();
            for (int range = first; range < first + count; range++) {
                scene.model().shredded(range, 0, done);
            }
            if (!online) {
                scene.connect();
            }
            scene.guest().write(PER_RANGE + 40, 8);
            scene.guest().flush();
            c12.cutEverywhere(scene, (cut, sight) -> {
                if (sight.opened()) {
                    boolean destroyed = sight.state(1) == RangeWord.SHREDDED || sight.generation(1) > 1;
                    CommitCases.require(destroyed || cut.count() < done, "shredded, yet the old DEK is in force");
                    CommitCases.require(
                            !destroyed || Boolean.FALSE.equals(sight.extra()), "the old DEK is still in the metadata");
                }
            });
            List<PowerCut> afterwards = PowerCuts.all(scene.journal(), PowerCuts.Tears.NONE).stream()
                    .filter(cut -> cut.count() >= done)
                    .toList();
            c12.cutAndTry(
                    scene,
                    afterwards,
                    found -> holds(layout.metadata(found), oldDek)
                            ? "acknowledged, yet the old DEK is on the disk"
                            : "");
        }
    }

    private static byte[] wrappedDek(FaultStore metadata, int range, int copy) {
        byte[] page = metadata.peek(
                MetadataLayout.pageOffsetInExtent(TablePage.pageOf(range), copy), MetadataLayout.BLOCK_BYTES);
        int at = TablePage.entryOffset(TablePage.entryOf(range)) + TableEntry.WRAPPED_DEK;
        return Arrays.copyOfRange(page, at, at + TableEntry.WRAPPED_DEK_BYTES);
    }

    private static boolean holds(FaultStore metadata, byte[] oldDek) {
        for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
            if (Arrays.equals(wrappedDek(metadata, 1, copy), oldDek)) {
                return true;
            }
        }
        return false;
    }
}
