package io.blockseal.format;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** UTF-8 in a field of fixed length, padded with zero bytes. */
final class FixedText {
    private FixedText() {}

    /** Puts {@code text} at {@code offset} and zeros behind it; a text that does not fit is the caller's mistake. */
    static void put(ByteBuffer target, int offset, int fieldBytes, String text) {
        byte[] encoded = text.getBytes(StandardCharsets.UTF_8);
        if (encoded.length > fieldBytes) {
            throw new IllegalArgumentException(
                    "\"" + text + "\" is " + encoded.length + " bytes; at most " + fieldBytes + " fit");
        }
        for (int i = 0; i < fieldBytes; i++) {
            target.put(offset + i, i < encoded.length ? encoded[i] : 0);
        }
    }

    /** The text up to the first zero byte. Bytes that are no UTF-8 come out as question marks, which
     * never take more room than they did. */
    static String get(ByteBuffer source, int offset, int fieldBytes) {
        ByteBuffer encoded = source.slice(offset, length(source, offset, fieldBytes));
        try {
            CharBuffer text = StandardCharsets.UTF_8
                    .newDecoder()
                    .replaceWith("?")
                    .onMalformedInput(CodingErrorAction.REPLACE)
                    .onUnmappableCharacter(CodingErrorAction.REPLACE)
                    .decode(encoded);
            return text.toString();
        } catch (CharacterCodingException e) {
            throw new AssertionError("a replacing decoder does not fail", e);
        }
    }

    /** Whether {@code text} fits into a field. */
    static boolean fits(String text, int fieldBytes) {
        return text.getBytes(StandardCharsets.UTF_8).length <= fieldBytes;
    }

    /** How many bytes there are before the first zero byte. */
    static int length(ByteBuffer source, int offset, int fieldBytes) {
        int length = 0;
        while (length < fieldBytes && source.get(offset + length) != 0) {
            length++;
        }
        return length;
    }
}
