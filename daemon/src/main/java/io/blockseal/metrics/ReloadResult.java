package io.blockseal.metrics;

import java.util.Locale;

/** How the configuration was loaded again. */
public enum ReloadResult {
    /** All that the file says is in force. */
    DONE,
    /** Some of it is not: a volume could not be opened, or a setting needs another start. */
    PARTLY,
    /** Nothing was changed. */
    REFUSED;

    /** As it stands in a label. */
    public String word() {
        return name().toLowerCase(Locale.ROOT);
    }
}
