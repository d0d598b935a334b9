package io.blockseal.export;

import java.util.Locale;

/** What one client may do with one export. */
public enum Rights {
    /** Nothing, and it must not learn that the export is there. */
    NONE,
    /** Read it. */
    READ_ONLY,
    /** Whatever the export itself allows. */
    READ_WRITE;

    /** The word in the configuration, as in {@code read-only}. */
    public String word() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
