package io.blockseal.block;

/**
 * What BLOCK_STATUS found: consecutive extents, each a length and a state, neighbours of one state merged.
 *
 * <p>Made once per connection and reused; bounded, and a full list simply ends the answer early, as the specification
 * allows. Used on one loop's thread.
 */
@HotPath("filled by every BLOCK_STATUS")
public final class ExtentList {
    /** Nothing is allocated on the store for the extent. The value is NBD_STATE_HOLE. */
    public static final int HOLE = 1;
    /** The extent reads as zeros. The value is NBD_STATE_ZERO. */
    public static final int ZERO = 2;

    private final long[] lengths;
    private final int[] states;
    private int count;
    private long totalBytes;

    /** A list for at most {@code capacity} extents. */
    public ExtentList(int capacity) {
        lengths = new long[capacity];
        states = new int[capacity];
    }

    /** Empties the list. */
    public void clear() {
        count = 0;
        totalBytes = 0;
    }

    /**
     * Appends {@code lengthBytes} (at least 1) of {@code state}, merging with the last extent if that has the same
     * state.
     *
     * @return whether it was taken; false when the list is full, and the list is then unchanged
     */
    public boolean add(long lengthBytes, int state) {
        if (count > 0 && states[count - 1] == state) {
            lengths[count - 1] += lengthBytes;
        } else if (count == lengths.length) {
            return false;
        } else {
            lengths[count] = lengthBytes;
            states[count] = state;
            count++;
        }
        totalBytes += lengthBytes;
        return true;
    }

    /** How many extents there are. */
    public int count() {
        return count;
    }

    /** Bytes in extent {@code index}. */
    public long lengthBytes(int index) {
        return lengths[index];
    }

    /** State of extent {@code index}: an OR of {@link #HOLE} and {@link #ZERO}. */
    public int state(int index) {
        return states[index];
    }

    /** Bytes in all extents. */
    public long totalBytes() {
        return totalBytes;
    }
}
