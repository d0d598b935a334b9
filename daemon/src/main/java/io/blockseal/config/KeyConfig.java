package io.blockseal.config;

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
        RECOVERY_KEY_FILE("recovery-key-file");

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

    /**
     * Checks what can be checked without looking.
     *
     * @throws IllegalArgumentException if a descriptor is not a number from 0 to 1023
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
    }
}
