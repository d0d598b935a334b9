package io.blockseal.export;

import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Who a client has proven to be, for whoever decides what it may do and for the log. What is in it was proven to us but
 * chosen by others: it is made printable by {@link #toString}, and compared as it is.
 *
 * @param proof by what it was proven
 * @param name the subject of a certificate as in RFC 2253, or the name of a pre-shared key; empty for {@link Proof#NONE}
 * @param alternatives the certificate's other names, each with its kind: {@code dns:}, {@code uri:}, {@code email:},
 *     {@code ip:}
 */
public record ClientIdentity(Proof proof, String name, List<String> alternatives) {
    /** How sure we are. */
    public enum Proof {
        /** Not at all: whoever can reach the socket. */
        NONE,
        /** By the key of a certificate that one of our authorities has signed. */
        CERTIFICATE,
        /** By a key that both sides have. */
        PSK;

        /** The word in logs and metrics. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** A client that has proven nothing. */
    public static final ClientIdentity ANONYMOUS = new ClientIdentity(Proof.NONE, "", List.of());

    private static final String SPIFFE = "uri:spiffe://";
    private static final int SHOWN_CHARS_MAX = 256;

    /** Copies the list. */
    public ClientIdentity {
        alternatives = List.copyOf(alternatives);
    }

    /** The SPIFFE id of its certificate, as in {@code spiffe://example.org/db}, or null if there is none. */
    public @Nullable String spiffeId() {
        for (String alternative : alternatives) {
            if (alternative.startsWith(SPIFFE)) {
                return alternative.substring("uri:".length());
            }
        }
        return null;
    }

    /**
     * The other names in one text, with commas between them. A comma within one of them, which would make two of it that
     * nobody has signed, is {@code %2C} there, and a percent sign {@code %25}.
     */
    public String alternativesText() {
        return alternatives.stream()
                .map(name -> name.replace("%", "%25").replace(",", "%2C"))
                .collect(Collectors.joining(","));
    }

    /**
     * For a line of the log: {@code client="..."}, its best name, and where that is another than the subject of its
     * certificate, {@code subject="..."} behind it.
     */
    public String logged() {
        String best = "client=\"" + this + '"';
        return spiffeId() == null || name.isEmpty() ? best : best + " subject=\"" + printable(name) + '"';
    }

    /** Its best name in one line of printable text, at most 256 characters: SPIFFE id, subject, other name, or a dash. */
    @Override
    public String toString() {
        String spiffe = spiffeId();
        if (spiffe != null) {
            return printable(spiffe);
        }
        if (name.isEmpty()) {
            return alternatives.isEmpty() ? "-" : printable(alternatives.get(0));
        }
        return printable(name);
    }

    /**
     * The text with a question mark for what would not be seen or would change how the rest looks, and an apostrophe for
     * what would end the quotes that it is put into.
     */
    public static String printable(String text) {
        StringBuilder shown = new StringBuilder();
        text.codePoints().limit(SHOWN_CHARS_MAX).forEach(c -> {
            switch (Character.getType(c)) {
                case Character.CONTROL,
                        Character.FORMAT,
                        Character.SURROGATE,
                        Character.LINE_SEPARATOR,
                        Character.PARAGRAPH_SEPARATOR,
                        Character.UNASSIGNED -> shown.append('?');
                default -> shown.appendCodePoint(c == '"' ? '\'' : c);
            }
        });
        return shown.toString();
    }
}
