package io.blockseal.fault;

import io.blockseal.block.BlockRequest;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
import io.blockseal.volume.table.RangeWord;
import java.util.Arrays;
import java.util.List;

/**
 * C18: the metadata is kept on two stores, and the power fails between the writes to the one and to the other. Then, in
 * a second and a third round, one of the two is lost altogether as well, each time the volume is opened.
 */
final class MirrorCases {
    private static final int PER_RANGE = Layout.SECTORS_PER_RANGE;
    private static final List<Layout> LAYOUTS =
            List.of(Layout.IN_BAND.withMirror(), Layout.DETACHED.withMirror(), Layout.NO_PROMISE.withMirror());

    private final Lab lab;

    MirrorCases(Lab lab) {
        this.lab = lab;
    }

    private enum Loss {
        NONE,
        PRIMARY,
        MIRROR;

        FaultStore of(Layout layout, FaultJournal disks) {
            return this == PRIMARY ? layout.metadata(disks) : layout.mirror(disks);
        }
    }

    private record Wipe(Loss loss) implements Mutation {
        @Override
        public void whileOpening(Layout layout, FaultJournal found) {
            FaultStore lost = loss.of(layout, found);
            for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
                lost.poke(MetadataLayout.rootOffset(copy), new byte[MetadataLayout.BLOCK_BYTES]);
                lost.poke(MetadataLayout.keySlotAreaOffset(copy), new byte[KeySlotArea.AREA_BYTES]);
                for (int page = 0; page < 2; page++) {
                    lost.poke(MetadataLayout.pageOffsetInExtent(page, copy), new byte[MetadataLayout.BLOCK_BYTES]);
                }
            }
        }
    }

    CrashCase c18() throws Exception {
        CrashCase all =
                new CrashCase(lab, Mutation.NONE, "C18", "cut between volume and mirror; either may be lost too");
        for (Layout layout : LAYOUTS) {
            all.asking((volume, disks) -> bothAreEqual(layout, disks));
            firstTouches(
                    all,
                    layout,
                    (cut, sight) -> CommitCases.require(
                            Boolean.TRUE.equals(sight.extra()), "volume and mirror differ after opening"));
            for (Loss loss : List.of(Loss.PRIMARY, Loss.MIRROR)) {
                // Counted in the same row; with a loss planted the first wrong state ends the case.
                CrashCase lossy = new CrashCase(lab, new Wipe(loss), "C18", "one of both lost");
                lossy.asking((volume, disks) -> bothAreEqual(layout, disks));
                firstTouches(
                        lossy,
                        layout,
                        (cut, sight) ->
                                CommitCases.require(Boolean.TRUE.equals(sight.extra()), loss + " was not made anew"));
                all.add(lossy);
            }
        }
        return all;
    }

    private void firstTouches(CrashCase crashCase, Layout layout, CrashCase.Promise promise) throws Exception {
        try (Scene scene = new Scene(lab, layout)) {
            scene.guest().write((layout.ranges() - 1) * PER_RANGE + 8, 8);
            scene.guest().flush();
            crashCase.record(scene);
            scene.guest().write(PER_RANGE + 3, 10);
            scene.guest().write(PER_RANGE + 100, 4, BlockRequest.FUA);
            int acknowledged = scene.journal().position();
            scene.guest().write(2 * PER_RANGE, 16);
            scene.guest().flush();
            crashCase.cutEverywhere(scene, (cut, sight) -> {
                promise.check(cut, sight);
                if (cut.count() >= acknowledged) {
                    CommitCases.requireState(sight, 1, RangeWord.ACTIVE);
                }
            });
        }
    }

    private static boolean bothAreEqual(Layout layout, FaultJournal disks) {
        for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
            if (!same(layout, disks, MetadataLayout.rootOffset(copy), MetadataLayout.BLOCK_BYTES)
                    || !same(layout, disks, MetadataLayout.keySlotAreaOffset(copy), KeySlotArea.AREA_BYTES)
                    || !same(
                            layout,
                            disks,
                            MetadataLayout.pageOffsetInExtent(0, copy),
                            2 * MetadataLayout.BLOCK_BYTES)) {
                return false;
            }
        }
        return true;
    }

    private static boolean same(Layout layout, FaultJournal disks, long offset, int length) {
        return Arrays.equals(
                layout.metadata(disks).peek(offset, length),
                layout.mirror(disks).peek(offset, length));
    }
}
