package io.blockseal.keysource;

import java.util.Locale;

/**
 * Where a key is to be found, as an operator writes it: {@code file:/etc/blockseal/db.key}, {@code fd:3},
 * {@code credential:db}, {@code passphrase:}, {@code recovery:}. Never a key itself.
 *
 * @param scheme which {@link KeySourceProvider} is meant, in lower case
 * @param place what follows the colon; empty where a scheme needs no place
 */
public record KeySourceSpec(String scheme, String place) {
    /**
     * Takes the text apart.
     *
     * @throws KeySourceException if there is no scheme
     */
    public static KeySourceSpec parse(String text) throws KeySourceException {
        int colon = text.indexOf(':');
        if (colon < 1 || !text.substring(0, colon).matches("[a-zA-Z][a-zA-Z0-9+-]*")) {
            throw new KeySourceException(
                    KeySourceException.Kind.MISCONFIGURED,
                    "'" + text + "' names no key source; write file:/PATH, fd:NUMBER, credential:NAME, passphrase:"
                            + " or another scheme of docs/keysources.md");
        }
        return new KeySourceSpec(text.substring(0, colon).toLowerCase(Locale.ROOT), text.substring(colon + 1));
    }

    /** The same text again. */
    @Override
    public String toString() {
        return scheme + ":" + place;
    }
}
