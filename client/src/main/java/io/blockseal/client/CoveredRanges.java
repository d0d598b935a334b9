package io.blockseal.client;

import java.util.Map;
import java.util.TreeMap;

/** Which parts of a request's range have been answered; parts may come in any order but must not overlap. */
final class CoveredRanges {
    private final long start;
    private final long length;
    private final TreeMap<Long, Long> endByStart = new TreeMap<>();
    private long coveredBytes;

    CoveredRanges(long start, long length) {
        this.start = start;
        this.length = length;
    }

    /** Adds a part; false if it is empty, lies outside, or overlaps an earlier one. */
    boolean add(long partOffset, long partLength) {
        long from = partOffset - start;
        if (partLength <= 0 || from < 0 || from > length || partLength > length - from) {
            return false;
        }
        long to = from + partLength;
        Map.Entry<Long, Long> before = endByStart.floorEntry(from);
        Map.Entry<Long, Long> after = endByStart.ceilingEntry(from);
        if ((before != null && before.getValue() > from) || (after != null && after.getKey() < to)) {
            return false;
        }
        endByStart.put(from, to);
        coveredBytes += partLength;
        return true;
    }

    boolean isComplete() {
        return coveredBytes == length;
    }

    long coveredBytes() {
        return coveredBytes;
    }
}
