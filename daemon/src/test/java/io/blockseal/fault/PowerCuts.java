package io.blockseal.fault;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Every moment at which the power can fail during what a journal recorded, times everything that the disks can have kept
 * of it. The list depends on the operations alone, so its length is the same in every run.
 */
final class PowerCuts {
    /** How the operation that was under way is torn. */
    enum Tears {
        /** It did not begin. */
        NONE,
        /** At every 512 bytes. */
        SECTORS,
        /** Blocks of metadata, at every 16 bytes: more than any disk does. */
        SIXTEEN_BYTES
    }

    private static final long SEED = 20_261_124;
    /** A policy that chooses is tried with so many seeds. */
    private static final int SEEDS = 3;
    /** A longer write is torn at its start, where it crosses its first pages, and before its end. */
    private static final int TORN_BYTES_MAX = 32 << 10;

    private final FaultJournal journal;
    private final List<Operation> operations;
    private final List<PowerCut> cuts = new ArrayList<>();

    private PowerCuts(FaultJournal journal) {
        this.journal = journal;
        this.operations = journal.operations();
    }

    /** All cuts of all that was recorded. */
    static List<PowerCut> all(FaultJournal journal, Tears tears) {
        return until(journal, tears, journal.position());
    }

    /** All cuts from before the first operation to the moment when {@code last} of them had returned. */
    static List<PowerCut> until(FaultJournal journal, Tears tears, int last) {
        PowerCuts all = new PowerCuts(journal);
        for (int count = 0; count <= last; count++) {
            all.addWhole(count);
            if (tears != Tears.NONE && count < last) {
                all.addTorn(count, tears);
            }
        }
        return all.cuts;
    }

    /** The cuts of a repair that was cut itself: fewer policies, since each is tried after each of the first cuts. */
    static List<PowerCut> few(FaultJournal journal, int last) {
        PowerCuts all = new PowerCuts(journal);
        for (int count = 0; count <= last; count++) {
            all.add(count, 0, Unflushed.KEPT, 0);
            all.add(count, 0, Unflushed.LOST, 0);
            all.add(count, 0, Unflushed.SECTORS, count);
            if (count < last && all.operations.get(count).kind() == Operation.Kind.WRITE) {
                all.add(count, 512, Unflushed.LOST, 0);
                all.add(count, 2048, Unflushed.KEPT, 0);
            }
        }
        return all.cuts;
    }

    private void addWhole(int count) {
        add(count, 0, Unflushed.KEPT, 0);
        add(count, 0, Unflushed.LOST, 0);
        int stores = journal.stores().size();
        for (int kept = 0; kept < stores && stores > 1; kept++) {
            List<Unflushed> onlyOneKept = new ArrayList<>(Collections.nCopies(stores, Unflushed.LOST));
            onlyOneKept.set(kept, Unflushed.KEPT);
            cuts.add(new PowerCut(count, 0, List.copyOf(onlyOneKept), 0));
        }
        for (int i = 0; i < SEEDS; i++) {
            add(count, 0, Unflushed.SOME, i);
            add(count, 0, Unflushed.REORDERED, i);
            add(count, 0, Unflushed.SECTORS, i);
        }
    }

    private void addTorn(int count, Tears tears) {
        Operation operation = operations.get(count);
        if (operation.kind() != Operation.Kind.WRITE && operation.kind() != Operation.Kind.ZERO) {
            return;
        }
        if (operation.kind() == Operation.Kind.ZERO && operation.length() > DiskImage.PAGE_BYTES) {
            // Zeros are all alike: where they begin to and where they almost do is enough.
            addTorn(count, 512);
            addTorn(count, DiskImage.PAGE_BYTES);
            addTorn(count, (int) (operation.length() / 2 / 512 * 512));
            addTorn(count, (int) operation.length() - 512);
            return;
        }
        int step = tears == Tears.SIXTEEN_BYTES && operation.length() <= DiskImage.PAGE_BYTES ? 16 : 512;
        for (int torn = step; torn < Math.min(operation.length(), TORN_BYTES_MAX); torn += step) {
            addTorn(count, torn);
        }
        if (operation.length() > TORN_BYTES_MAX) {
            addTorn(count, (int) operation.length() - 512);
        }
    }

    private void addTorn(int count, int torn) {
        add(count, torn, Unflushed.KEPT, 0);
        add(count, torn, Unflushed.LOST, 0);
    }

    private void add(int count, int torn, Unflushed policy, int variant) {
        List<Unflushed> forAll = Collections.nCopies(journal.stores().size(), policy);
        cuts.add(new PowerCut(count, torn, forAll, SEED + 1_000L * count + variant));
    }
}
