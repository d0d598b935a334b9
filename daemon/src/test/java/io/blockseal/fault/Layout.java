package io.blockseal.fault;

import io.blockseal.volume.CreateOptions;
import io.blockseal.volume.metadata.VolumeStores;
import java.util.List;
import java.util.Random;

/**
 * The shape of a volume under test, small enough to try everything: 64 KiB ranges, a table of one page or two.
 *
 * @param detached whether the metadata has a store of its own, which loses on its own
 * @param mirrored whether the metadata is kept once more, on a store that loses on its own
 * @param unitBytes data unit
 * @param promisesZeros whether the store promises zeros where nothing was written; if not, each slot is zeroed first
 * @param ranges how many
 */
record Layout(boolean detached, boolean mirrored, int unitBytes, boolean promisesZeros, int ranges) {
    static final int RANGE_BYTES = 64 << 10;
    static final int SECTORS_PER_RANGE = RANGE_BYTES / SectorContent.BYTES;
    /** A device has its size, and holds what somebody left there. */
    private static final int DEVICE_BYTES = 1 << 20;
    /** Two pages: 31 ranges on the first, 2 on the second. */
    static final int TWO_PAGES = 33;

    static final Layout IN_BAND = new Layout(false, false, 4096, true, TWO_PAGES);
    static final Layout DETACHED = new Layout(true, false, 4096, true, TWO_PAGES);
    static final Layout SMALL_UNITS = new Layout(false, false, 512, true, TWO_PAGES);
    /** A device that shows what somebody left on it: every slot is zeroed before its first use. */
    static final Layout NO_PROMISE = new Layout(true, false, 512, false, 4);

    static final List<Layout> ALL = List.of(IN_BAND, DETACHED, SMALL_UNITS, NO_PROMISE);

    Layout withRanges(int count) {
        return new Layout(detached, mirrored, unitBytes, promisesZeros, count);
    }

    Layout withMirror() {
        return new Layout(detached, true, unitBytes, promisesZeros, ranges);
    }

    CreateOptions options() {
        return CreateOptions.ofSize((long) ranges * RANGE_BYTES)
                .withSmallRanges(RANGE_BYTES)
                .withUnitBytes(unitBytes);
    }

    /** Empty stores in a journal: data first, then metadata if it has its own, then the mirror if there is one. */
    FaultJournal newStores() {
        FaultJournal journal = new FaultJournal();
        if (promisesZeros) {
            journal.newStore("data", 0);
        } else {
            byte[] leftOver = new byte[DEVICE_BYTES];
            new Random(1).nextBytes(leftOver);
            journal.newStore("data", leftOver.length).promiseZeros(false).poke(0, leftOver);
        }
        if (detached) {
            journal.newStore("meta", 0);
        }
        if (mirrored) {
            journal.newStore("mirror", 0);
        }
        return journal;
    }

    /** The stores of a volume of this layout. */
    VolumeStores stores(FaultJournal journal) {
        List<FaultStore> stores = journal.stores();
        VolumeStores own =
                detached ? new VolumeStores(stores.get(0), stores.get(1)) : VolumeStores.inBand(stores.get(0));
        return mirrored ? own.mirroredOn(mirror(journal)) : own;
    }

    FaultStore data(FaultJournal journal) {
        return journal.stores().get(0);
    }

    FaultStore metadata(FaultJournal journal) {
        return journal.stores().get(detached ? 1 : 0);
    }

    FaultStore mirror(FaultJournal journal) {
        return journal.stores().get(detached ? 2 : 1);
    }

    @Override
    public String toString() {
        return (detached ? "detached" : "in-band") + ", units of " + unitBytes + (mirrored ? ", mirrored" : "")
                + (promisesZeros ? "" : ", no promise of zeros");
    }
}
