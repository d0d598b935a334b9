package io.blockseal.volume.table;

/** The XOR of all pages' terms (docs/format.md, "table_root"): one page changes it without a look at the others. */
public final class TableRoot {
    private final byte[] sum;

    /** From the sum that {@link #bytes} gave. */
    public TableRoot(byte[] start) {
        sum = start.clone();
    }

    /** Adds a term, or takes it away again: the same thing. */
    public TableRoot toggle(byte[] term) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] ^= term[i];
        }
        return this;
    }

    /** The sum, a copy. */
    public byte[] bytes() {
        return sum.clone();
    }
}
