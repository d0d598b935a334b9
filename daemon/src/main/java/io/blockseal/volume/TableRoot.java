package io.blockseal.volume;

/** The XOR of all pages' terms (docs/format.md, "table_root"): one page changes it without a look at the others. */
final class TableRoot {
    private final byte[] sum;

    TableRoot(byte[] start) {
        sum = start.clone();
    }

    /** Adds a term, or takes it away again: the same thing. */
    TableRoot toggle(byte[] term) {
        for (int i = 0; i < sum.length; i++) {
            sum[i] ^= term[i];
        }
        return this;
    }

    byte[] bytes() {
        return sum.clone();
    }
}
