package io.blockseal.fault;

import io.blockseal.block.BlockRequest;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.RootBlock;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.job.JobControl;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeKeyRotation;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** Power cuts while a volume gets another volume key and guests go on: the case C13 of docs/durability.md. */
final class VolumeKeyCases {
    private static final int PER_RANGE = Layout.SECTORS_PER_RANGE;
    private static final List<Layout> LAYOUTS =
            List.of(Layout.IN_BAND, Layout.DETACHED, Layout.SMALL_UNITS, Layout.IN_BAND.withMirror());

    private final Lab lab;
    private final Mutation mutation;

    VolumeKeyCases(Lab lab, Mutation mutation) {
        this.lab = lab;
        this.mutation = mutation;
    }

    CrashCase c13() throws Exception {
        CrashCase c13 = new CrashCase(
                lab, mutation, "C13", "volume key rotation, guests go on: readable, resumed, the old key gone");
        for (Layout layout : LAYOUTS) {
            rotate(c13, layout);
        }
        return c13;
    }

    private void rotate(CrashCase c13, Layout layout) throws Exception {
        try (Scene scene = new Scene(lab, layout)) {
            int lastRange = layout.ranges() - 1;
            scene.guest().write(8, 8);
            scene.guest().write(lastRange * PER_RANGE, 8);
            scene.guest().flush();
            List<byte[]> wrapped = wrappedIn(scene.metadata());
            c13.record(scene);
            VolumeKeyRotation rotation = scene.volume().volumeKeyRotation().inGroupsOf(1);
            rotation.begin(List.of(lab.fixture().key(1)), Set.of());
            int begun = scene.journal().position();
            wrapped.add(RootBlock.decode(scene.metadata().peek(0, MetadataLayout.BLOCK_BYTES), "root")
                    .previousKey());
            scene.guest().write(3 * PER_RANGE, 8, BlockRequest.FUA);
            rotation.goOn(new Guesting(scene));
            int done = scene.journal().position();
            scene.guest().write(lastRange * PER_RANGE + 32, 8, BlockRequest.FUA);
            c13.asking((volume, disks) -> volume.volumeKeyRotation().standing());
            c13.cutEverywhere(scene, (cut, sight) -> {
                VolumeKeyRotation.Standing found = (VolumeKeyRotation.Standing) sight.extra();
                CommitCases.require(
                        cut.count() < begun || found.epoch() == 2,
                        "begun and acknowledged, yet the old key is in force");
                CommitCases.require(cut.count() < done || !found.underWay(), "ended and acknowledged, yet it goes on");
            });
            c13.cutAndTry(
                    scene,
                    PowerCuts.all(scene.journal(), PowerCuts.Tears.NONE),
                    found -> resume(layout, found, wrapped));
            c13.cutAndTry(
                    scene,
                    PowerCuts.all(scene.journal(), PowerCuts.Tears.NONE).stream()
                            .filter(cut -> cut.count() >= done)
                            .toList(),
                    found -> holdsAny(layout, found, wrapped)
                            ? "acknowledged, yet something wrapped by it is there"
                            : "");
            c13.cutTwice(scene);
        }
    }

    /** Ends what was begun; returns what is wrong afterwards, or nothing. */
    private String resume(Layout layout, FaultJournal found, List<byte[]> wrapped) throws Exception {
        boolean rotated;
        try (Volume volume = lab.open(layout, found, 1)) {
            volume.volumeKeyRotation().goOn(JobControl.ALONE);
            rotated = volume.volumeKeyRotation().standing().epoch() == 2;
        }
        RootBlock root = RootBlock.decode(layout.metadata(found).peek(0, MetadataLayout.BLOCK_BYTES), "root");
        if (root.rotating() || root.rotationCursor() != 0) {
            return "the root still carries the previous volume key";
        }
        lab.open(layout, found, 1).close();
        return rotated && holdsAny(layout, found, wrapped)
                ? "resumed, yet something wrapped by the old key is there"
                : "";
    }

    /** All that the volume key has wrapped, or that wraps it. */
    private static List<byte[]> wrappedIn(FaultStore metadata) throws Exception {
        List<byte[]> wrapped = new ArrayList<>();
        KeySlotArea area =
                KeySlotArea.decode(metadata.peek(MetadataLayout.keySlotAreaOffset(0), KeySlotArea.AREA_BYTES));
        wrapped.add(area.slot(0).blob());
        for (int index = 0; index < 2; index++) {
            TablePage page = TablePage.decode(
                    metadata.peek(MetadataLayout.pageOffsetInExtent(index, 0), MetadataLayout.BLOCK_BYTES),
                    index,
                    "page");
            for (int i = 0; i < TablePage.ENTRIES; i++) {
                if (page.entry(i).state() == TableEntry.ACTIVE) {
                    wrapped.add(page.entry(i).wrappedDek());
                }
            }
        }
        return wrapped;
    }

    private static boolean holdsAny(Layout layout, FaultJournal found, List<byte[]> wrapped) {
        return holdsAny(layout.metadata(found), wrapped)
                || (layout.mirrored() && holdsAny(layout.mirror(found), wrapped));
    }

    private static boolean holdsAny(FaultStore metadata, List<byte[]> wrapped) {
        for (int copy = 0; copy < MetadataLayout.COPIES; copy++) {
            byte[] blocks = new byte[3 * MetadataLayout.BLOCK_BYTES + KeySlotArea.AREA_BYTES];
            copyInto(blocks, 0, metadata.peek(MetadataLayout.rootOffset(copy), MetadataLayout.BLOCK_BYTES));
            copyInto(
                    blocks,
                    MetadataLayout.BLOCK_BYTES,
                    metadata.peek(MetadataLayout.pageOffsetInExtent(0, copy), 2 * MetadataLayout.BLOCK_BYTES));
            copyInto(
                    blocks,
                    3 * MetadataLayout.BLOCK_BYTES,
                    metadata.peek(MetadataLayout.keySlotAreaOffset(copy), KeySlotArea.AREA_BYTES));
            for (byte[] each : wrapped) {
                if (holds(blocks, each)) {
                    return true;
                }
            }
        }
        return false;
    }

    private static void copyInto(byte[] target, int at, byte[] source) {
        System.arraycopy(source, 0, target, at, source.length);
    }

    private static boolean holds(byte[] image, byte[] wanted) {
        for (int i = 0; i + wanted.length <= image.length; i++) {
            if (image[i] == wanted[0] && Arrays.equals(image, i, i + wanted.length, wanted, 0, wanted.length)) {
                return true;
            }
        }
        return false;
    }

    /** A guest that writes to a range that is new to it before each group. */
    private static final class Guesting implements JobControl {
        private final Scene scene;
        private int range = 5;

        Guesting(Scene scene) {
            this.scene = scene;
        }

        @Override
        public void checkpoint() {
            scene.guest().write(range++ * PER_RANGE + 16, 4, BlockRequest.FUA);
        }

        @Override
        public void phase(String words) {}

        @Override
        public void progress(long done, long total) {}
    }
}
