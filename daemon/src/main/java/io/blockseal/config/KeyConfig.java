package io.blockseal.config;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Where one volume's key is to be found; never the key itself.
 *
 * @param kind what sort of place
 * @param place a path, a credential's name or a descriptor's number; empty for a prompt
 */
public record KeyConfig(Kind kind, String place) {
    /** The sorts of places; each word is a key in the configuration and an option {@code --WORD} of the commands. */
    public enum Kind {
        /** A file with 32 raw bytes or 64 hexadecimal digits. */
        KEY_FILE("key-file"),
        /** The same from an inherited descriptor. */
        KEY_FD("key-fd"),
        /** The same from a file of that name in {@code $CREDENTIALS_DIRECTORY}. */
        CREDENTIAL("credential"),
        /** A passphrase, the first line of a file. */
        PASSPHRASE_FILE("passphrase-file"),
        /** A passphrase from an inherited descriptor. */
        PASSPHRASE_FD("passphrase-fd"),
        /** A passphrase typed on the terminal. */
        PASSPHRASE_PROMPT("passphrase"),
        /** A recovery key in a file. */
        RECOVERY_KEY_FILE("recovery-key-file"),
        /** A vault, a module or a program that keeps the key and wraps with it, as a URI with its options. */
        KEY_SOURCE("key-source");

        private final String word;

        Kind(String word) {
            this.word = word;
        }

        /** The word in configuration and on the command line. */
        public String word() {
            return word;
        }

        /** Whether the place is the number of a file descriptor. */
        public boolean isDescriptor() {
            return this == KEY_FD || this == PASSPHRASE_FD;
        }
    }

    /** The scheme of a source that is made of several, and the key of a group that names them. */
    static final String ALL_OF = "all-of";

    private static final int PARTS_MIN = 2;
    private static final int PARTS_MAX = 4;
    private static final Pattern PART = Pattern.compile("[A-Za-z][A-Za-z0-9+-]*:.*");
    private static final Pattern URI = Pattern.compile("[A-Za-z][A-Za-z0-9+-]*:.+");
    private static final Pattern OF_ANOTHER_KIND = Pattern.compile("(?i)(file|fd|credential|passphrase|recovery):.*");

    /**
     * Checks what can be checked without looking.
     *
     * @throws IllegalArgumentException if a descriptor is not a number from 0 to 1023, or a key source not a URI
     */
    public KeyConfig {
        if (kind.isDescriptor() && !place.matches("\\d{1,3}|10[01]\\d|102[0-3]")) {
            throw new IllegalArgumentException(
                    "'" + place + "' is not a file descriptor: a number from 0 to 1023 that was open when we started");
        }
        if (kind == Kind.CREDENTIAL && (place.isEmpty() || place.contains("/") || place.startsWith("."))) {
            throw new IllegalArgumentException(
                    "'" + place + "' is not a credential's name: a file name in $CREDENTIALS_DIRECTORY");
        }
        if (kind == Kind.KEY_SOURCE && !URI.matcher(place).matches()) {
            throw new IllegalArgumentException("'" + place + "' is not the URI of a key source, such as exec:/PROGRAM");
        }
        if (kind == Kind.KEY_SOURCE && OF_ANOTHER_KIND.matcher(place).matches()) {
            throw new IllegalArgumentException(
                    "'" + place + "' is not a source that wraps for us; use key-file, key-fd,"
                            + " credential, a passphrase or recovery-key-file");
        }
    }

    /**
     * A source of which it takes every part, each given by its URI as it is.
     *
     * @throws IllegalArgumentException if there are not two to four, or one is no URI
     */
    static KeyConfig allOf(List<String> parts) {
        if (parts.size() < PARTS_MIN || parts.size() > PARTS_MAX) {
            throw new IllegalArgumentException("all-of has " + parts.size() + (parts.size() == 1 ? " part" : " parts")
                    + ", and needs " + PARTS_MIN + " to " + PARTS_MAX);
        }
        StringBuilder uri = new StringBuilder(ALL_OF + ":");
        for (String part : parts) {
            if (!PART.matcher(part).matches()) {
                throw new IllegalArgumentException(
                        "'" + part + "' in all-of is not the URI of a key source, such as file:/FILE");
            }
            uri.append(uri.indexOf("?") < 0 ? "?source=" : "&source=")
                    .append(part.replace("%", "%25").replace("&", "%26"));
        }
        return new KeyConfig(Kind.KEY_SOURCE, uri.toString());
    }

    /** Whether it is kept, and wraps, outside this daemon: at a source that may be away, say no, or have newer versions. */
    public boolean isOutside() {
        return kind == Kind.KEY_SOURCE;
    }
}
