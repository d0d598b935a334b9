package io.blockseal.fuzz;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.zip.GZIPInputStream;

/** The inputs from which an engine starts on a target, by the name of their file: sound examples, and known trickery. */
public final class Seeds {
    private static final int BLOCK_BYTES = 4096;

    private final Map<String, byte[]> byName = new TreeMap<>();

    /** One more, made of parts. */
    public Seeds add(String name, byte[]... parts) {
        byName.put("seed-" + name, Patches.join(parts));
        return this;
    }

    /** One more, in hexadecimal, blanks as you like. */
    public Seeds addHex(String name, String hex) {
        return add(name, hex(hex));
    }

    /** One more, a text. */
    public Seeds addText(String name, String text) {
        return add(name, text.getBytes(StandardCharsets.UTF_8));
    }

    /** File names and contents. */
    public Map<String, byte[]> byName() {
        return byName;
    }

    /** Bytes from hexadecimal with blanks. */
    public static byte[] hex(String hex) {
        return HexFormat.of().parseHex(hex.replaceAll("\\s", ""));
    }

    /** Some blocks of a volume that an earlier release wrote; the archive holds those that are not all zeros. */
    public static byte[] golden(long offset, int length) {
        ByteBuffer piece = ByteBuffer.allocate(length);
        try (InputStream packed = Seeds.class.getResourceAsStream("/golden/v1/units4096.volume.gz");
                DataInputStream volume = new DataInputStream(new GZIPInputStream(Objects.requireNonNull(packed)))) {
            volume.readLong();
            for (long block = volume.readLong(); block >= 0; block = volume.readLong()) {
                byte[] bytes = volume.readNBytes(BLOCK_BYTES);
                long at = block * BLOCK_BYTES - offset;
                if (at >= 0 && at + BLOCK_BYTES <= length) {
                    piece.put((int) at, bytes);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return piece.array();
    }

    /** Without the zeros at the end. */
    public static byte[] trimmed(byte[] bytes) {
        int length = bytes.length;
        while (length > 0 && bytes[length - 1] == 0) {
            length--;
        }
        return Arrays.copyOf(bytes, length);
    }
}
