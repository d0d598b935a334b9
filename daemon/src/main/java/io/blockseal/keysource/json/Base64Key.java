package io.blockseal.keysource.json;

import java.io.IOException;
import java.util.Arrays;
import java.util.Base64;

/**
 * A key in Base64 within a JSON document. It is decoded from where it lies into an array that its taker wipes: a parser
 * would leave copies in buffers of its own.
 */
final class Base64Key {
    /** Room for a bit more than a key, so that one that is too long is seen to be. */
    private static final int BYTES_MAX = 48;

    private static final int UNICODE_DIGITS = 4;

    private Base64Key() {}

    /**
     * The bytes of the text that begins with the quotation mark at {@code quote}; the caller wipes them.
     *
     * @throws IOException if it is not Base64, or of more than 48 bytes; the message has nothing of it
     */
    static byte[] decode(byte[] document, int quote, Base64.Decoder alphabet, String name) throws IOException {
        byte[] text = new byte[length(document, quote, name)];
        byte[] room = new byte[BYTES_MAX];
        try {
            copy(document, quote + 1, text);
            return Arrays.copyOf(room, alphabet.decode(text, room));
        } catch (IllegalArgumentException malformed) {
            throw new IOException("'" + name + "' is not Base64, or of more than " + BYTES_MAX + " bytes");
        } finally {
            Arrays.fill(text, (byte) 0);
            Arrays.fill(room, (byte) 0);
        }
    }

    /** How many characters it has, which is what has to be known to make no array twice. */
    private static int length(byte[] document, int quote, String name) throws IOException {
        int count = 0;
        int at = quote + 1;
        while (at < document.length && document[at] != '"') {
            at += width(document, at, name);
            count++;
        }
        if (at >= document.length || quote < 0 || document[quote] != '"') {
            throw new IOException("'" + name + "' is not a whole text");
        }
        return count;
    }

    /** Some escape the slash, and some the plus and the equals sign. */
    private static int width(byte[] document, int at, String name) throws IOException {
        if (document[at] != '\\') {
            return 1;
        }
        boolean slash = at + 1 < document.length && document[at + 1] == '/';
        boolean unicode = at + 1 + UNICODE_DIGITS < document.length && document[at + 1] == 'u';
        if (!slash && !unicode) {
            throw new IOException("'" + name + "' is not Base64");
        }
        return slash ? 2 : 2 + UNICODE_DIGITS;
    }

    private static void copy(byte[] document, int from, byte[] text) {
        int at = from;
        for (int i = 0; i < text.length; i++) {
            if (document[at] != '\\') {
                text[i] = document[at++];
            } else if (document[at + 1] == '/') {
                text[i] = '/';
                at += 2;
            } else {
                int character = 0;
                for (int digit = 0; digit < UNICODE_DIGITS; digit++) {
                    character = character << 4 | Character.digit(document[at + 2 + digit], 16);
                }
                // What is none in either alphabet is refused there.
                text[i] = character >= 0 && character < 128 ? (byte) character : 0;
                at += 2 + UNICODE_DIGITS;
            }
        }
    }
}
