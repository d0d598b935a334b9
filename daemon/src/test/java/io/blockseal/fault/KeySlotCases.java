package io.blockseal.fault;

import io.blockseal.format.MetadataLayout;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.volume.KeySlots;
import java.util.Arrays;
import java.util.List;

/** Power cuts while the wrapped copies of the volume key change: the cases C14 and C15 of docs/durability.md. */
final class KeySlotCases {
    private static final int SLOT_BYTES = 1024;
    private static final List<Layout> WITH_MIRROR = List.of(
            Layout.IN_BAND.withRanges(4),
            Layout.DETACHED.withRanges(4),
            Layout.IN_BAND.withRanges(4).withMirror());
    private static final List<Layout> LAYOUTS = List.of(Layout.IN_BAND.withRanges(4), Layout.DETACHED.withRanges(4));

    private final Lab lab;
    private final Mutation mutation;

    KeySlotCases(Lab lab, Mutation mutation) {
        this.lab = lab;
        this.mutation = mutation;
    }

    private interface Change {
        void make(KeySlots slots) throws Exception;
    }

    /** Which of the keys 1 to 3 open each what was found, as bits. */
    private int openedBy(Layout layout, FaultJournal disks) throws Exception {
        int opened = 0;
        for (int key = 1; key <= 3; key++) {
            try {
                lab.open(layout, disks.fork(), key).close();
                opened |= 1 << key;
            } catch (WrongKeyException e) {
                // What the caller wants to know.
            }
        }
        return opened;
    }

    private static boolean opens(Sight sight, int key) {
        return sight.extra() instanceof Integer bits && (bits & 1 << key) != 0;
    }

    CrashCase c14() throws Exception {
        CrashCase c14 =
                new CrashCase(lab, mutation, "C14", "KEK rotation: the old KEK opens or the new one, never none");
        for (Layout layout : WITH_MIRROR) {
            for (boolean second : new boolean[] {false, true}) {
                try (Scene scene = new Scene(lab, layout)) {
                    if (second) {
                        scene.volume()
                                .keySlots()
                                .add(
                                        List.of(lab.fixture().key(1)),
                                        lab.fixture().key(3),
                                        "other");
                    }
                    c14.keys(1, 2).asking((volume, disks) -> openedBy(layout, disks));
                    byte[] oldSlot = slotImage(scene.metadata(), 0, 0);
                    int done = change(
                            c14,
                            scene,
                            slots -> slots.rewrap(
                                    -1,
                                    List.of(lab.fixture().key(1)),
                                    lab.fixture().key(2)));
                    c14.cutEverywhere(scene, (cut, sight) -> {
                        CommitCases.require(opens(sight, 1) != opens(sight, 2), "both keys open it, or none");
                        CommitCases.require(opens(sight, 3) == second, "another slot changed");
                        CommitCases.require(cut.count() < done || opens(sight, 2), "rotated, yet the old KEK opens");
                    });
                    requireGone(c14, scene, done, 0, oldSlot);
                }
            }
        }
        return c14;
    }

    CrashCase c15() throws Exception {
        CrashCase c15 = new CrashCase(lab, mutation, "C15", "key slot added or removed: wholly or not at all");
        for (Layout layout : LAYOUTS) {
            try (Scene scene = new Scene(lab, layout)) {
                c15.keys(1).asking((volume, disks) -> openedBy(layout, disks));
                int added = change(
                        c15,
                        scene,
                        slots -> slots.add(
                                List.of(lab.fixture().key(1)), lab.fixture().key(2), "second"));
                c15.cutEverywhere(scene, (cut, sight) -> {
                    CommitCases.require(opens(sight, 1), "the old slot is gone");
                    CommitCases.require(cut.count() < added || opens(sight, 2), "added, yet it does not open");
                });
                byte[] slot = slotImage(scene.metadata(), 0, 1);
                int removed = change(c15, scene, slots -> slots.remove(1, false));
                c15.cutEverywhere(scene, (cut, sight) -> {
                    CommitCases.require(opens(sight, 1), "the other slot is gone");
                    CommitCases.require(cut.count() < removed || !opens(sight, 2), "removed, yet it opens");
                });
                c15.cutAndTry(scene, PowerCuts.all(scene.journal(), PowerCuts.Tears.SECTORS), found -> {
                    // Whoever comes first after the cut may come with the removed key alone.
                    openedBy(layout, found);
                    lab.open(layout, found, 1).close();
                    boolean gone = (openedBy(layout, found) & 1 << 2) == 0;
                    return gone && holds(layout.metadata(found), 1, slot) ? "gone, yet its bytes are there" : "";
                });
                requireGone(c15, scene, removed, 1, slot);
            }
        }
        return c15;
    }

    private static int change(CrashCase crashCase, Scene scene, Change change) throws Exception {
        crashCase.record(scene);
        change.make(scene.volume().keySlots());
        return scene.journal().position();
    }

    /** Once the change was acknowledged, the old slot must not be on any disk. */
    private static void requireGone(CrashCase crashCase, Scene scene, int done, int slot, byte[] image) {
        List<PowerCut> afterwards = PowerCuts.all(scene.journal(), PowerCuts.Tears.NONE).stream()
                .filter(cut -> cut.count() >= done)
                .toList();
        crashCase.cutAndTry(scene, afterwards, found -> {
            boolean there = holds(scene.layout().metadata(found), slot, image)
                    || (scene.layout().mirrored() && holds(scene.layout().mirror(found), slot, image));
            return there ? "acknowledged, yet the old slot is on the disk" : "";
        });
    }

    private static boolean holds(FaultStore metadata, int slot, byte[] image) {
        for (int area = 0; area < MetadataLayout.COPIES; area++) {
            if (Arrays.equals(slotImage(metadata, area, slot), image)) {
                return true;
            }
        }
        return false;
    }

    private static byte[] slotImage(FaultStore metadata, int area, int slot) {
        return metadata.peek(MetadataLayout.keySlotAreaOffset(area) + (long) slot * SLOT_BYTES, SLOT_BYTES);
    }
}
