package io.blockseal.metrics;

import java.util.concurrent.atomic.LongAdder;

/**
 * What one export's requests did, striped by loop: each loop writes its own {@link RequestRecorder} and a scrape adds
 * them up.
 */
public final class ExportMetrics {
    private final String exportName;
    private final RequestRecorder[] recorders;
    private final LongAdder refusals = new LongAdder();
    private final LongAdder slowed = new LongAdder();

    /** Counters for {@code loopCount} loops. */
    public ExportMetrics(String exportName, int loopCount) {
        this.exportName = exportName;
        this.recorders = new RequestRecorder[loopCount];
        for (int i = 0; i < loopCount; i++) {
            recorders[i] = new RequestRecorder();
        }
    }

    /** The label that goes with the figures. */
    public String exportName() {
        return exportName;
    }

    /** The recorder that loop {@code loopIndex} writes. */
    public RequestRecorder recorder(int loopIndex) {
        return recorders[loopIndex];
    }

    /** Its access list has kept it from a client. From any thread. */
    public void countRefusal() {
        refusals.increment();
    }

    /** How often that was. */
    public long refusals() {
        return refusals.sum();
    }

    /** A connection had to wait, as the export's limit was reached. */
    public void countSlowed() {
        slowed.increment();
    }

    /** How often a connection had to wait for that. */
    public long slowed() {
        return slowed.sum();
    }

    /** How many loops there are. */
    public int loopCount() {
        return recorders.length;
    }
}
