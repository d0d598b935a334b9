package io.blockseal.metrics;

/** Why a connection was closed as soon as it was accepted. */
public enum ConnectionRefusal {
    /** As many as may be are open. */
    OVERALL("overall"),
    /** As many as may be are open from where it came. */
    ADDRESS("address");

    private final String word;

    ConnectionRefusal(String word) {
        this.word = word;
    }

    /** As metrics say it. */
    public String word() {
        return word;
    }
}
