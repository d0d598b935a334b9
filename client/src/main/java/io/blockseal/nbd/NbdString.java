package io.blockseal.nbd;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/**
 * Strings as the protocol knows them: UTF-8, no NUL, at most 4096 bytes, not terminated.
 *
 * <p>Decoding is strict, so equal strings mean equal bytes and names can be compared as strings.
 */
public final class NbdString {
    private NbdString() {}

    /**
     * The string in {@code length} bytes from {@code index}. The caller has checked that they are there; the buffer's
     * indexes stay as they are.
     */
    public static NbdDecoded<String> decode(ByteBuf buffer, int index, int length) {
        if (length < 0 || length > NbdLimits.MAX_STRING_BYTES) {
            return NbdDecoded.malformed("a string is longer than " + NbdLimits.MAX_STRING_BYTES + " bytes");
        }
        byte[] bytes = new byte[length];
        buffer.getBytes(index, bytes);
        for (byte each : bytes) {
            if (each == 0) {
                return NbdDecoded.malformed("a string contains a NUL");
            }
        }
        try {
            return NbdDecoded.of(StandardCharsets.UTF_8
                    .newDecoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .onUnmappableCharacter(CodingErrorAction.REPORT)
                    .decode(ByteBuffer.wrap(bytes))
                    .toString());
        } catch (CharacterCodingException e) {
            return NbdDecoded.malformed("a string is not UTF-8");
        }
    }

    /**
     * The bytes of a string of ours.
     *
     * @throws IllegalArgumentException if it has a NUL, an unpaired surrogate, or more than 4096 bytes
     */
    public static byte[] encode(String string) {
        if (string.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a string for the wire contains a NUL");
        }
        byte[] bytes;
        try {
            ByteBuffer encoded = StandardCharsets.UTF_8
                    .newEncoder()
                    .onMalformedInput(CodingErrorAction.REPORT)
                    .encode(CharBuffer.wrap(string));
            bytes = new byte[encoded.remaining()];
            encoded.get(bytes);
        } catch (CharacterCodingException e) {
            throw new IllegalArgumentException("a string for the wire has an unpaired surrogate", e);
        }
        if (bytes.length > NbdLimits.MAX_STRING_BYTES) {
            throw new IllegalArgumentException("a string for the wire has " + bytes.length + " bytes; at most "
                    + NbdLimits.MAX_STRING_BYTES + " are allowed");
        }
        return bytes;
    }
}
