package io.blockseal.it;

import java.net.URLEncoder;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;

/** Keys, plain or wrapped, that are looked for in pieces of 16 bytes: half a cipher key is a leak as well. */
final class Needles {
    static final int PIECE_BYTES = 16;
    /** Few enough of them are set that hardly anything is looked at twice. */
    private static final int FILTER_BITS = 1 << 22;

    private record Piece(String name, byte[] bytes) {}

    private record Key(String name, byte[] bytes) {}

    private final List<Key> keys = new ArrayList<>();

    /** Pieces by their first four bytes, which is what a haystack is looked through for. */
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
            starts.set(filter(start));
            byStart.computeIfAbsent(start, any -> new ArrayList<>()).add(new Piece(name + " from byte " + from, piece));
            count++;
        }
        return this;
    }

    /** A secret that is a text by itself. */
    Needles add(String name, String text) {
        return add(name, text.getBytes(StandardCharsets.UTF_8));
    }

    /** All keys of others, too. */
    Needles addAll(Needles... others) {
        for (Needles other : others) {
            other.keys.forEach(key -> add(key.name(), key.bytes()));
        }
        return this;
    }

    /** The same keys as a text would have them: in hexadecimal, with small letters, and in base64. */
    Needles asText() {
        Needles text = new Needles();
        for (Key key : keys) {
            text.add(key.name() + " in hexadecimal", HexFormat.of().formatHex(key.bytes()));
            text.add(key.name() + " in base64", Base64.getEncoder().encodeToString(key.bytes()));
        }
        return text;
    }

    /**
     * The same keys in every form in which they could lie about: as they are, in hexadecimal, in both alphabets of base64,
     * percent-encoded, and all of these in two bytes a character, as a Java text may have them.
     */
    Needles inEveryForm() {
        Needles every = new Needles();
        for (Key key : keys) {
            every.add(key.name(), key.bytes());
            Map<String, String> texts = new LinkedHashMap<>();
            texts.put(HexFormat.of().formatHex(key.bytes()), "in hexadecimal");
            texts.put(HexFormat.of().withUpperCase().formatHex(key.bytes()), "in hexadecimal, capitals");
            texts.put(Base64.getEncoder().encodeToString(key.bytes()), "in base64");
            texts.putIfAbsent(Base64.getUrlEncoder().withoutPadding().encodeToString(key.bytes()), "in base64url");
            String itself = new String(key.bytes(), StandardCharsets.US_ASCII);
            if (itself.chars().allMatch(c -> c > ' ' && c < 127)) {
                every.add(key.name() + " in two bytes a character", itself.getBytes(StandardCharsets.UTF_16LE));
                texts.put(URLEncoder.encode(itself, StandardCharsets.UTF_8), "percent-encoded");
            }
            texts.forEach((text, form) -> {
                every.add(key.name() + " " + form, text);
                every.add(
                        key.name() + " " + form + " in two bytes a character",
                        text.getBytes(StandardCharsets.UTF_16LE));
            });
        }
        return every;
    }

    /** What they are called. */
    List<String> names() {
        return keys.stream().map(Key::name).toList();
    }

    int count() {
        return count;
    }

    /** Is told what was found, and where it begins. */
    interface Finder {
        /** Found that there. */
        void found(String name, int offset);
    }

    /** The names of those that are in the first {@code length} bytes. */
    TreeSet<String> in(byte[] haystack, int length) {
        TreeSet<String> found = new TreeSet<>();
        find(haystack, length, (name, offset) -> found.add(name));
        return found;
    }

    /** Tells of all that are in the first {@code length} bytes. */
    void find(byte[] haystack, int length, Finder finder) {
        int start = 0;
        for (int end = 0; end < length; end++) {
            start = start >>> Byte.SIZE | haystack[end] << (Integer.SIZE - Byte.SIZE);
            int at = end - Integer.BYTES + 1;
            if (at >= 0 && at + PIECE_BYTES <= length && starts.get(filter(start))) {
                for (Piece piece : byStart.getOrDefault(start, List.of())) {
                    if (Arrays.equals(haystack, at, at + PIECE_BYTES, piece.bytes(), 0, PIECE_BYTES)) {
                        finder.found(piece.name(), at);
                    }
                }
            }
        }
    }

    TreeSet<String> in(byte[] haystack) {
        return in(haystack, haystack.length);
    }

    private static int start(byte[] bytes, int at) {
        return ByteBuffer.wrap(bytes, at, Integer.BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .getInt();
    }

    private static int filter(int start) {
        return (start * 0x9E3779B1) >>> (Integer.SIZE - Integer.numberOfTrailingZeros(FILTER_BITS));
    }
}
