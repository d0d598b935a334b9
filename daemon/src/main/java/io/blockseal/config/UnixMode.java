package io.blockseal.config;

import java.util.Arrays;
import java.util.List;

/** Who may connect to the unix sockets for clients: the rights of their files. */
public enum UnixMode {
    /** Who runs the daemon, and root. */
    OWNER("0600"),
    /** Likewise, and the socket file's group. */
    GROUP("0660"),
    /** Every user of this machine. */
    EVERYBODY("0666");

    private final String digits;

    UnixMode(String digits) {
        this.digits = digits;
    }

    /** As in {@code chmod}. */
    public String digits() {
        return digits;
    }

    /** As in {@code ls -l}. */
    public String rights() {
        return switch (this) {
            case OWNER -> "rw-------";
            case GROUP -> "rw-rw----";
            case EVERYBODY -> "rw-rw-rw-";
        };
    }

    /**
     * Reads the digits.
     *
     * @throws IllegalArgumentException if they are none of those
     */
    public static UnixMode parse(String text) {
        List<String> known = Arrays.stream(values()).map(UnixMode::digits).toList();
        int found = known.indexOf(text);
        if (found < 0) {
            throw new IllegalArgumentException("'" + text + "' is none of: " + String.join(", ", known));
        }
        return values()[found];
    }
}
