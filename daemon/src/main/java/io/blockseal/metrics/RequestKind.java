package io.blockseal.metrics;

/** The commands that are counted apart; names are label values. */
public enum RequestKind {
    READ("read"),
    WRITE("write"),
    FLUSH("flush"),
    TRIM("trim"),
    WRITE_ZEROES("write_zeroes"),
    CACHE("cache"),
    BLOCK_STATUS("block_status");

    private final String label;

    RequestKind(String label) {
        this.label = label;
    }

    /** The label value in {@code /metrics}. */
    public String label() {
        return label;
    }
}
