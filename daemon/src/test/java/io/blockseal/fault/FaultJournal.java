package io.blockseal.fault;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * What was done to several stores, in the one order in which it happened, and so every state in which a power cut may
 * leave them: see {@link #after}. A volume's data, metadata and mirror share one.
 *
 * <p>Make the stores by {@link #newStore}, let them be filled, call {@link #restart}, do what is to be cut short, then
 * ask for states. Safe from any thread.
 */
public final class FaultJournal {
    private final List<FaultStore> stores = new ArrayList<>();
    private final List<DiskImage> durable = new ArrayList<>();
    private final List<Operation> operations = new ArrayList<>();
    private boolean lossesAreTotal;

    /** A store whose operations are remembered here. */
    public synchronized FaultStore newStore(String name, long sizeBytes) {
        return newStore(name, new DiskImage(sizeBytes));
    }

    synchronized FaultStore newStore(String name, DiskImage content) {
        FaultStore store = new FaultStore(this, stores.size(), name, content);
        stores.add(store);
        durable.add(content.fork());
        return store;
    }

    /** The stores, in the order of their numbers. */
    public synchronized List<FaultStore> stores() {
        return List.copyOf(stores);
    }

    /** Forgets the operations so far: what the stores show now counts as durable. */
    public synchronized void restart() {
        operations.clear();
        for (int i = 0; i < stores.size(); i++) {
            durable.set(i, stores.get(i).image().fork());
        }
    }

    /**
     * What a failed flush did not make durable is gone from now on, whatever else a cut may keep. Needed where somebody reads
     * the disk after one and goes on from there: {@link FaultStore#dropCache} shows it so, and a disk is one or the other.
     */
    synchronized FaultJournal losesAll() {
        lossesAreTotal = true;
        return this;
    }

    /** How many operations have returned since {@link #restart}. */
    public synchronized int position() {
        return operations.size();
    }

    /** What was done since {@link #restart}. */
    public synchronized List<Operation> operations() {
        return List.copyOf(operations);
    }

    synchronized void add(Operation operation) {
        operations.add(operation);
    }

    /**
     * The stores as they are found after the cut, each with the name and the promises of the store that it was, in a
     * journal of their own.
     */
    public synchronized FaultJournal after(PowerCut cut) {
        FaultJournal found = new FaultJournal();
        for (FaultStore store : stores) {
            FaultStore copy = found.newStore(store.name(), imageAfter(cut, store.index()));
            copy.promiseAs(store);
        }
        return found;
    }

    /** The same stores as they are now, in a journal of their own. */
    public synchronized FaultJournal fork() {
        FaultJournal copy = new FaultJournal();
        for (FaultStore store : stores) {
            copy.newStore(store.name(), store.image().fork()).promiseAs(store);
        }
        return copy;
    }

    /** Says whether two states of these stores are the same; see {@link DiskImage#fingerprint}. */
    synchronized long fingerprint() {
        long sum = 0;
        for (FaultStore store : stores) {
            sum = sum * 31 + store.image().fingerprint();
        }
        return sum;
    }

    /** A hash of all bytes of all stores. */
    public synchronized long contentHash() {
        long sum = 0;
        for (FaultStore store : stores) {
            sum = sum * 31 + store.image().contentHash();
        }
        return sum;
    }

    /** What one disk holds when {@code cut.count()} operations had returned. */
    private DiskImage imageAfter(PowerCut cut, int store) {
        DiskImage image = durable.get(store).fork();
        Unflushed policy = cut.unflushed().get(store);
        Random random = new Random(cut.seed() * 31 + store);
        List<Operation> pending = new ArrayList<>();
        for (Operation operation : operations.subList(0, cut.count())) {
            if (operation.store() != store) {
                continue;
            }
            switch (operation.kind()) {
                case FLUSH -> {
                    pending.forEach(done -> done.applyTo(image));
                    pending.clear();
                }
                case LOSS -> {
                    (lossesAreTotal ? Unflushed.LOST : policy).apply(pending, image, random);
                    pending.clear();
                }
                default -> pending.add(operation);
            }
        }
        policy.apply(pending, image, random);
        if (cut.tornBytes() > 0 && cut.count() < operations.size()) {
            Operation torn = operations.get(cut.count());
            if (torn.store() == store) {
                torn.applyTo(image, cut.tornBytes());
            }
        }
        return image;
    }

    /** What the disk behind a store holds now if everything unflushed reached it: the truth below the page cache. */
    synchronized DiskImage truth(int store) {
        List<Unflushed> kept = stores.stream().map(any -> Unflushed.KEPT).toList();
        List<Unflushed> lost = stores.stream().map(any -> Unflushed.LOST).toList();
        int lastLoss = 0;
        for (int i = 0; i < operations.size(); i++) {
            if (operations.get(i).kind() == Operation.Kind.LOSS
                    && operations.get(i).store() == store) {
                lastLoss = i + 1;
            }
        }
        DiskImage image = imageAfter(new PowerCut(lastLoss, 0, lost, 0), store);
        if (lastLoss == 0) {
            return imageAfter(new PowerCut(operations.size(), 0, kept, 0), store);
        }
        for (Operation operation : operations.subList(lastLoss, operations.size())) {
            if (operation.store() == store) {
                operation.applyTo(image);
            }
        }
        return image;
    }
}
