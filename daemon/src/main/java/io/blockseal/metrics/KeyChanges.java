package io.blockseal.metrics;

import java.util.concurrent.atomic.LongAdder;

/**
 * What happened to the keys of one volume since it was opened. Counted where a commit stands, so what was tried and failed
 * is not in it; never on the path of a request. From any thread.
 */
public final class KeyChanges {
    private final LongAdder deksMade = new LongAdder();
    private final LongAdder deksDestroyed = new LongAdder();
    private final LongAdder shreddedByOperators = new LongAdder();
    private final LongAdder shreddedByDiscards = new LongAdder();
    private final LongAdder keksRotated = new LongAdder();

    /** So many ranges have DEKs that they had not before. */
    public void deksMade(long count) {
        deksMade.add(count);
    }

    /** So many ranges have no longer the DEKs that they had. */
    public void deksDestroyed(long count) {
        deksDestroyed.add(count);
    }

    /** An order destroyed the DEKs of so many ranges. */
    public void shreddedByOperators(long count) {
        shreddedByOperators.add(count);
    }

    /** Guests had discarded so many ranges, whose DEKs were destroyed for it. */
    public void shreddedByDiscards(long count) {
        shreddedByDiscards.add(count);
    }

    /** Another KEK, or a newer version of it, is in the place of one. */
    public void kekRotated() {
        keksRotated.increment();
    }

    /** How many DEKs ranges got: by a first write, by rotation, or after they were shredded. */
    public long deksMade() {
        return deksMade.sum();
    }

    /** How many DEKs are gone: by rotation and by shredding. */
    public long deksDestroyed() {
        return deksDestroyed.sum();
    }

    /** How many ranges were shredded by order. */
    public long shreddedByOperators() {
        return shreddedByOperators.sum();
    }

    /** How many ranges were shredded since guests had discarded them. */
    public long shreddedByDiscards() {
        return shreddedByDiscards.sum();
    }

    /** How many key slots got another KEK, or a newer version of theirs. */
    public long keksRotated() {
        return keksRotated.sum();
    }
}
