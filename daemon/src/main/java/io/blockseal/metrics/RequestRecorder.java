package io.blockseal.metrics;

import java.util.concurrent.atomic.AtomicLongArray;

/**
 * One loop's counters for one export. The loop writes with plain-cost stores (one writer, release order); anybody may
 * read. Latencies fall into fixed buckets of powers of two from 1 us.
 */
public final class RequestRecorder {
    /** Upper bounds are {@code 1 us << index}; the last bucket takes all the rest. */
    public static final int LATENCY_BUCKETS = 26;

    private static final int KINDS = RequestKind.values().length;

    private final AtomicLongArray requests = new AtomicLongArray(KINDS);
    private final AtomicLongArray errors = new AtomicLongArray(KINDS);
    private final AtomicLongArray bytes = new AtomicLongArray(KINDS);
    private final AtomicLongArray nanos = new AtomicLongArray(KINDS);
    private final AtomicLongArray latency = new AtomicLongArray(KINDS * LATENCY_BUCKETS);
    private final AtomicLongArray gauges = new AtomicLongArray(2);

    /** Counts a request that was answered. On the recorder's loop. */
    public void completed(RequestKind kind, boolean failed, long byteCount, long nanoCount) {
        int k = kind.ordinal();
        add(requests, k, 1);
        if (failed) {
            add(errors, k, 1);
        } else {
            add(bytes, k, byteCount);
        }
        add(nanos, k, nanoCount);
        add(latency, k * LATENCY_BUCKETS + bucketOf(nanoCount), 1);
    }

    /** Changes how many requests are being worked on. On the recorder's loop. */
    public void inFlight(int change) {
        add(gauges, 0, change);
    }

    /** Changes how many connections are open. On the recorder's loop. */
    public void connections(int change) {
        add(gauges, 1, change);
    }

    /** Requests answered. */
    public long requests(RequestKind kind) {
        return requests.getAcquire(kind.ordinal());
    }

    /** Requests answered with an error. */
    public long errors(RequestKind kind) {
        return errors.getAcquire(kind.ordinal());
    }

    /** Bytes of requests that went well. */
    public long bytes(RequestKind kind) {
        return bytes.getAcquire(kind.ordinal());
    }

    /** Nanoseconds that requests took, in all. */
    public long nanos(RequestKind kind) {
        return nanos.getAcquire(kind.ordinal());
    }

    /** Requests in latency bucket {@code index}, not cumulative. */
    public long latency(RequestKind kind, int index) {
        return latency.getAcquire(kind.ordinal() * LATENCY_BUCKETS + index);
    }

    /** Requests being worked on. */
    public long inFlight() {
        return gauges.getAcquire(0);
    }

    /** Connections open. */
    public long connections() {
        return gauges.getAcquire(1);
    }

    /** Which bucket a latency falls into. */
    static int bucketOf(long nanoCount) {
        long micros = Math.max(0, nanoCount - 1) / 1000;
        int bucket = Long.SIZE - Long.numberOfLeadingZeros(micros);
        return Math.min(bucket, LATENCY_BUCKETS - 1);
    }

    private static void add(AtomicLongArray counters, int index, long change) {
        // One writer per recorder: no atomic addition is needed, only that a reader sees whole values.
        counters.setRelease(index, counters.getPlain(index) + change);
    }
}
