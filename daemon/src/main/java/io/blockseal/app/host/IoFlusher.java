package io.blockseal.app.host;

import org.jspecify.annotations.Nullable;

/**
 * Whether the kernel treats the process as one that it must not keep waiting for writes (PR_SET_IO_FLUSHER), and if not,
 * why. {@code scripts/blockseal} sees to it, before Java starts, and leaves word in the environment.
 */
public enum IoFlusher {
    /** All threads are marked. */
    ON("memory for the daemon never waits for writes to its own disks, so that they may be mounted on this host"),
    /** The right was missing. */
    REFUSED("disks of this daemon should not be mounted on this very host: that takes CAP_SYS_RESOURCE"
            + " (docs/operations.md, \"Clients on the same host\")"),
    /** Linux before 5.6. */
    UNKNOWN("disks of this daemon should not be mounted on this very host: the kernel is too old for that"),
    /** The operator wants none, or the daemon was started without its launcher. */
    OFF("disks of this daemon should not be mounted on this very host");

    private final String explanation;

    IoFlusher(String explanation) {
        this.explanation = explanation;
    }

    /** From the word in the environment. */
    public static IoFlusher of(@Nullable String word) {
        for (IoFlusher each : values()) {
            if (each.word().equals(word)) {
                return each;
            }
        }
        return OFF;
    }

    /** For the log. */
    public String word() {
        return switch (this) {
            case ON -> "on";
            case REFUSED -> "refused";
            case UNKNOWN -> "unknown";
            case OFF -> "off";
        };
    }

    /** A sentence for the log. */
    public String explanation() {
        return explanation;
    }
}
