package io.blockseal.fault;

import java.util.List;

/**
 * When the power fails and what the disks keep.
 *
 * @param count how many operations of the journal had returned
 * @param tornBytes of the operation after those, so many bytes reached the disk; 0 for none
 * @param unflushed what becomes of unflushed operations, for each store
 * @param seed of the policies that choose
 */
public record PowerCut(int count, int tornBytes, List<Unflushed> unflushed, long seed) {
    /** For the message of a test that failed: enough to get the same state again. */
    public String describe() {
        return "after " + count + " operations, torn at " + tornBytes + ", unflushed " + unflushed + ", seed " + seed;
    }
}
