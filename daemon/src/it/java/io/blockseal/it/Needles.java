package io.blockseal.it;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Keys, plain or wrapped, that are looked for in pieces of 16 bytes: half a cipher key is a leak as well. */
final class Needles {
    static final int PIECE_BYTES = 16;
    private static final int FILTER_BITS = 1 << 16;

    private record Piece(String name, byte[] bytes) {}

    private record Key(String name, byte[] bytes) {}

    private final List<Key> keys = new ArrayList<>();

    /** Pieces by their first two bytes, which is what a haystack is looked through for. */
    private final Map<Integer, List<Piece>> byStart = new HashMap<>();

    private final BitSet starts = new BitSet(FILTER_BITS);
    private int count;

    /** Adds all pieces of a key; the last one ends where the key ends. */
    Needles add(String name, byte[] key) {
        keys.add(new Key(name, key.clone()));
        for (int at = 0; at < key.length; at += PIECE_BYTES) {
            int from = Math.min(at, key.length - PIECE_BYTES);
            byte[] piece = Arrays.copyOfRange(key, from, from + PIECE_BYTES);
            int start = start(piece, 0);
            starts.set(start);
            byStart.computeIfAbsent(start, any -> new ArrayList<>()).add(new Piece(name + " from byte " + from, piece));
            count++;
        }
        return this;
    }

    /** The same keys as a text would have them: in hexadecimal, with small letters, and in base64. */
    Needles asText() {
        Needles text = new Needles();
        for (Key key : keys) {
            text.add(key.name() + " in hexadecimal", ascii(HexFormat.of().formatHex(key.bytes())));
            text.add(key.name() + " in base64", ascii(Base64.getEncoder().encodeToString(key.bytes())));
        }
        return text;
    }

    private static byte[] ascii(String text) {
        return text.getBytes(StandardCharsets.US_ASCII);
    }

    int count() {
        return count;
    }

    /** The names of those that are in the first {@code length} bytes. */
    TreeSet<String> in(byte[] haystack, int length) {
        TreeSet<String> found = new TreeSet<>();
        for (int at = 0; at + PIECE_BYTES <= length; at++) {
            if (starts.get(start(haystack, at))) {
                for (Piece piece : byStart.getOrDefault(start(haystack, at), List.of())) {
                    if (Arrays.equals(haystack, at, at + PIECE_BYTES, piece.bytes(), 0, PIECE_BYTES)) {
                        found.add(piece.name());
                    }
                }
            }
        }
        return found;
    }

    TreeSet<String> in(byte[] haystack) {
        return in(haystack, haystack.length);
    }

    private static int start(byte[] bytes, int at) {
        return Short.toUnsignedInt(ByteBuffer.wrap(bytes, at, Short.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .getShort());
    }
}
