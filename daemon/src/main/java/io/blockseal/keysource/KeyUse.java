package io.blockseal.keysource;

import org.jspecify.annotations.Nullable;

/**
 * One question to a key source outside the process, and how it ended: what both its log and ours say, so that they can be
 * joined.
 *
 * @param operation what was asked
 * @param reference where the KEK lives, without secrets
 * @param version the version of the KEK that was named or answered; may be empty
 * @param requestId what the source calls this question in its own log; may be empty
 * @param binding the volume it was asked for, or null if for none in particular
 * @param outcome {@code ok}, or the kind of trouble in lower case
 */
public record KeyUse(
        Operation operation,
        String reference,
        String version,
        String requestId,
        @Nullable Binding binding,
        String outcome) {
    /** What sources are asked. */
    public enum Operation {
        /** To wrap a volume key. */
        WRAP,
        /** To unwrap one. */
        UNWRAP,
        /** Which version of the KEK is the newest. */
        VERSION
    }
}
