package io.blockseal.metrics;

/** Why a connection was closed as soon as it was accepted. */
public enum ConnectionRefusal {
    /** As many as may be are open. */
    OVERALL("overall"),
    /** As many as may be are open from where it came. */
    ADDRESS("address"),
    /** Too much of what an auditor is to know of clients is not written yet. */
    AUDIT("audit");

    private final String word;

    ConnectionRefusal(String word) {
        this.word = word;
    }

    /** As metrics say it. */
    public String word() {
        return word;
    }
}
