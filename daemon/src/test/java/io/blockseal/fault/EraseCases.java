package io.blockseal.fault;

import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.format.TableEntry;
import io.blockseal.format.TablePage;
import io.blockseal.volume.VolumeErasure;
import io.blockseal.volume.metadata.VolumeStores;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Power cuts while a volume is erased: the row "erase" of docs/durability.md. */
final class EraseCases {
    private static final int PER_RANGE = Layout.SECTORS_PER_RANGE;
    private static final List<Layout> LAYOUTS = List.of(
            Layout.IN_BAND.withRanges(4),
            Layout.DETACHED,
            Layout.IN_BAND.withRanges(4).withMirror(),
            Layout.DETACHED.withRanges(4).withMirror(),
            Layout.NO_PROMISE);

    private final Lab lab;

    EraseCases(Lab lab) {
        this.lab = lab;
    }

    CrashCase erase() throws Exception {
        CrashCase erase = new CrashCase(
                lab,
                Mutation.NONE,
                "erase",
                "a volume is erased: it opens as before, or never again, and can be erased");
        for (Layout layout : LAYOUTS) {
            erase(erase, layout, false);
            if (layout.mirrored()) {
                erase(erase, layout, true);
            }
        }
        return erase;
    }

    /** {@code unfinished}: the change of key slots before was cut short, so that the two areas are not alike. */
    private void erase(CrashCase erase, Layout layout, boolean unfinished) throws Exception {
        try (Scene scene = new Scene(lab, layout)) {
            scene.guest().write(PER_RANGE + 8, 24);
            scene.guest().write((layout.ranges() - 1) * PER_RANGE + 64, 8);
            scene.guest().flush();
            byte[] oldArea = area(scene.metadata(), 0);
            scene.volume()
                    .keySlots()
                    .rewrap(0, List.of(lab.fixture().key(1)), lab.fixture().key(2));
            byte[] newArea = area(scene.metadata(), 0);
            List<byte[]> secrets = new ArrayList<>(List.of(blob(newArea), blob(oldArea)));
            secrets.add(wrappedDek(scene.metadata(), 1));
            secrets.add(wrappedDek(scene.metadata(), layout.ranges() - 1));
            scene.close();
            if (unfinished) {
                // As a cut before the last step of the change leaves it: no root names this area any more.
                int stale = Arrays.equals(area(scene.metadata(), 0), newArea) ? 1 : 0;
                scene.metadata().poke(MetadataLayout.keySlotAreaOffset(stale), oldArea);
            }
            // Opens with the new key alone; with the old one, never.
            erase.keys(2).mayRefuse();
            erase.record(scene);
            VolumeErasure.plan(layout.stores(scene.journal())).apply();
            int done = scene.journal().position();
            erase.cut(scene, PowerCuts.all(scene.journal(), PowerCuts.Tears.NONE), (cut, sight) -> {
                CommitCases.require(!sight.opened() || cut.count() < done, "erased, yet it opens");
                CommitCases.require(sight.opened() || cut.count() > 0, "it does not open before anything was done");
            });
            erase.cutAndTry(
                    scene,
                    PowerCuts.all(scene.journal(), PowerCuts.Tears.SECTORS),
                    found -> lookAt(layout, found, newArea));
            // Each of these reads 64 MiB back.
            erase.cutAndTry(scene, PowerCuts.few(scene.journal(), done), found -> eraseAgain(layout, found, secrets));
        }
    }

    /** What is wrong with what was found, or nothing. */
    private String lookAt(Layout layout, FaultJournal found, byte[] area) throws Exception {
        Layout alone =
                new Layout(layout.detached(), false, layout.unitBytes(), layout.promisesZeros(), layout.ranges());
        boolean whole =
                holdsArea(layout.metadata(found), area) || layout.mirrored() && holdsArea(layout.mirror(found), area);
        boolean opens = opens(layout, found.fork(), 2);
        if (opens != whole) {
            return opens ? "opens without key slots" : "has its key slots, yet does not open";
        }
        if (opens(layout, found.fork(), 1) || opens(alone, found.fork(), 1)) {
            return "the key that was replaced opens it again";
        }
        if (opens(alone, found.fork(), 2) != (whole && holdsArea(layout.metadata(found), area))) {
            return "without its mirror it opens otherwise";
        }
        return "";
    }

    /** Whoever erases it again gets it done, unless it is done. */
    private String eraseAgain(Layout layout, FaultJournal found, List<byte[]> secrets) throws Exception {
        boolean opens = opens(layout, found.fork(), 2);
        VolumeStores stores = layout.stores(found);
        try {
            VolumeErasure.plan(stores).apply();
        } catch (MalformedVolumeException noRoot) {
            if (opens) {
                return "opens, yet cannot be erased: " + noRoot.getMessage();
            }
        }
        if (opens(layout, found, 2)) {
            return "erased twice, and opens";
        }
        for (FaultStore store : found.stores()) {
            for (byte[] secret : secrets) {
                if (holds(store, secret)) {
                    return "a wrapped key is left on " + store.name();
                }
            }
        }
        return "";
    }

    private boolean opens(Layout layout, FaultJournal disks, int key) {
        try {
            lab.open(layout, disks, key).close();
            return true;
        } catch (Exception refused) {
            return false;
        }
    }

    private static byte[] area(FaultStore metadata, int letter) {
        return metadata.peek(MetadataLayout.keySlotAreaOffset(letter), KeySlotArea.AREA_BYTES);
    }

    private static boolean holdsArea(FaultStore store, byte[] area) {
        return Arrays.equals(area(store, 0), area) || Arrays.equals(area(store, 1), area);
    }

    private static byte[] blob(byte[] area) {
        return KeySlotArea.decode(area).slot(0).blob();
    }

    private static byte[] wrappedDek(FaultStore metadata, int range) {
        byte[] page = metadata.peek(
                MetadataLayout.pageOffsetInExtent(TablePage.pageOf(range), 0), MetadataLayout.BLOCK_BYTES);
        int at = TablePage.entryOffset(TablePage.entryOf(range)) + TableEntry.WRAPPED_DEK;
        return Arrays.copyOfRange(page, at, at + TableEntry.WRAPPED_DEK_BYTES);
    }

    /** Looks where metadata was written to; the whole image is searched by EraseCommandTest. */
    private static boolean holds(FaultStore store, byte[] secret) {
        for (int letter = 0; letter < MetadataLayout.COPIES; letter++) {
            if (contains(store.peek(MetadataLayout.rootOffset(letter), MetadataLayout.BLOCK_BYTES), secret)
                    || contains(area(store, letter), secret)
                    || contains(
                            store.peek(MetadataLayout.pageOffsetInExtent(0, letter), 2 * MetadataLayout.BLOCK_BYTES),
                            secret)) {
                return true;
            }
        }
        return false;
    }

    private static boolean contains(byte[] haystack, byte[] needle) {
        for (int at = 0; at <= haystack.length - needle.length; at++) {
            if (haystack[at] == needle[0]
                    && Arrays.equals(haystack, at, at + needle.length, needle, 0, needle.length)) {
                return true;
            }
        }
        return false;
    }
}
