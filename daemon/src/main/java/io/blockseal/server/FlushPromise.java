package io.blockseal.server;

import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;
import io.blockseal.export.LossLedger;

/**
 * What one connection's FLUSHes may promise: success only while the store has lost nothing that the client does not know
 * of. On the connection's loop.
 *
 * <p>A FLUSH whose own sync succeeded is still answered by EIO if the store lost something since the client was last
 * told: another client's FLUSH, a FUA write or the metadata may have met the error that was about this client's data.
 * FUA writes that fail do not count as told: their error is about themselves.
 */
@HotPath("asked about every change and every FLUSH")
final class FlushPromise {
    private final LossLedger ledger;
    private final int loopIndex;
    /** The client knows of the losses up to this one. */
    private long told;
    /** Something was changed here that no good FLUSH has covered. */
    private boolean uncovered;

    FlushPromise(LossLedger ledger, int loopIndex) {
        this.ledger = ledger;
        this.loopIndex = loopIndex;
        this.told = Math.min(ledger.debt(), ledger.losses());
    }

    void changeBegins() {
        uncovered = true;
        ledger.began(loopIndex);
    }

    void changeEnded() {
        ledger.ended(loopIndex);
    }

    void flushBegins(Operation flush) {
        flush.lossesBefore = ledger.losses();
        flush.quietMark = ledger.quietMark();
    }

    /** Decides how the FLUSH is answered. */
    void flushEnded(Operation flush) {
        long losses = ledger.losses();
        // A change that was under way meanwhile may be part of the loss, and it may be answered only after this FLUSH:
        // then this one says nothing of it to its client, and the next one has to.
        boolean quiet = flush.quietMark != LossLedger.BUSY && flush.quietMark == ledger.quietMark();
        boolean tells = losses != told;
        if (tells) {
            flush.fail(Errno.EIO);
            told = quiet ? losses : Math.max(told, flush.lossesBefore);
        }
        if (quiet && (tells || flush.errno == Errno.OK)) {
            uncovered = false;
            ledger.settle(flush.quietMark);
        }
    }

    /** The connection ends: what its client was not told, somebody else has to be. */
    void close() {
        if (uncovered) {
            ledger.leave(told);
        }
    }
}
