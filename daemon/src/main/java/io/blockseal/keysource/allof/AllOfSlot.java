package io.blockseal.keysource.allof;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a key slot of several parts holds (docs/format.md, "All of several"): the wrapped volume key, then a record for
 * each part with its share as its source wrapped it. What the blob has no room for goes on in the parameters. Nothing
 * vouches for it before the shares are unwrapped, so that every length is checked.
 *
 * @param parts the shares, each as its source wrapped it
 * @param wrappedKey the volume key under the KEK that all shares give: 40 bytes
 */
record AllOfSlot(List<WrappedKey> parts, byte[] wrappedKey) {
    static final int PARTS_MIN = 2;
    static final int PARTS_MAX = 4;

    private static final String SCHEME = "all-of:";
    private static final int WRAPPED_KEY_BYTES = 40;
    private static final int BLOB_BYTES = 512;
    private static final int PARAMETERS_BYTES = 128;
    private static final int VERSION_BYTES = 64;
    private static final int REFERENCE_BYTES = 256;

    /** Where all parts live: their references, one behind the other. */
    static String reference(List<String> parts) {
        return SCHEME
                + parts.stream()
                        .map(part -> part.replace("%", "%25").replace("&", "%26"))
                        .collect(Collectors.joining("&"));
    }

    /** The versions of those parts that have some; where they are too long for a key slot, a hash of them. */
    static String version(List<String> parts) {
        String all = parts.stream().filter(version -> !version.isEmpty()).collect(Collectors.joining("+"));
        return all.getBytes(StandardCharsets.UTF_8).length <= VERSION_BYTES ? all : sha256(all);
    }

    private static String sha256(String text) {
        try {
            return HexFormat.of()
                    .formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    /**
     * As a key slot stores it.
     *
     * @throws KeySourceException if the parts are too large for one key slot
     */
    WrappedKey encode() throws KeySourceException {
        String reference = reference(parts.stream().map(WrappedKey::reference).toList());
        int referenceBytes = reference.getBytes(StandardCharsets.UTF_8).length;
        if (referenceBytes > REFERENCE_BYTES) {
            throw tooLarge("their addresses take " + referenceBytes + " bytes, and a key slot has " + REFERENCE_BYTES);
        }
        int size = WRAPPED_KEY_BYTES + 1;
        for (WrappedKey part : parts) {
            size += 5 + versionOf(part).length + part.parameters().length + part.blob().length;
        }
        if (size > BLOB_BYTES + PARAMETERS_BYTES) {
            String each = parts.stream()
                    .map(part -> part.reference() + " " + part.blob().length)
                    .collect(Collectors.joining(", "));
            throw tooLarge("what they wrap takes " + size + " bytes (" + each + "), and a key slot has "
                    + (BLOB_BYTES + PARAMETERS_BYTES));
        }
        ByteBuffer bytes = ByteBuffer.allocate(size).put(wrappedKey).put((byte) parts.size());
        for (WrappedKey part : parts) {
            byte[] version = versionOf(part);
            bytes.put((byte) part.algorithm().code())
                    .put((byte) version.length)
                    .put((byte) part.parameters().length)
                    .put((byte) part.blob().length)
                    .put((byte) (part.blob().length >> 8))
                    .put(version)
                    .put(part.parameters())
                    .put(part.blob());
        }
        byte[] all = bytes.array();
        int inBlob = Math.min(size, BLOB_BYTES);
        return new WrappedKey(
                WrapAlgorithm.ALL_OF,
                reference,
                version(parts.stream().map(WrappedKey::version).toList()),
                Arrays.copyOfRange(all, inBlob, size),
                Arrays.copyOf(all, inBlob));
    }

    private static byte[] versionOf(WrappedKey part) {
        return part.version().getBytes(StandardCharsets.UTF_8);
    }

    private static KeySourceException tooLarge(String why) {
        return new KeySourceException(
                Kind.MISCONFIGURED,
                "the parts of an all-of key source do not fit into one key slot: " + why
                        + ". Take fewer parts, or such as wrap into less (a smaller RSA key); see docs/keysources.md");
    }

    /** What a key slot holds, or null if it is of another kind, or makes no sense. */
    static @Nullable AllOfSlot decode(WrappedKey slot) {
        if (slot.algorithm() != WrapAlgorithm.ALL_OF || !slot.reference().startsWith(SCHEME)) {
            return null;
        }
        ByteBuffer bytes = ByteBuffer.allocate(slot.blob().length + slot.parameters().length)
                .put(slot.blob())
                .put(slot.parameters())
                .flip();
        String[] references = slot.reference().substring(SCHEME.length()).split("&", -1);
        if (bytes.remaining() <= WRAPPED_KEY_BYTES) {
            return null;
        }
        byte[] wrappedKey = take(bytes, WRAPPED_KEY_BYTES);
        int count = bytes.get();
        if (count < PARTS_MIN || count > PARTS_MAX || count != references.length) {
            return null;
        }
        List<WrappedKey> parts = new ArrayList<>();
        for (String reference : references) {
            WrappedKey part = part(bytes, reference.replace("%26", "&").replace("%25", "%"));
            if (part == null) {
                return null;
            }
            parts.add(part);
        }
        return bytes.hasRemaining() ? null : new AllOfSlot(List.copyOf(parts), wrappedKey);
    }

    private static @Nullable WrappedKey part(ByteBuffer bytes, String reference) {
        if (bytes.remaining() < 5) {
            return null;
        }
        WrapAlgorithm algorithm = algorithm(bytes.get());
        int version = Byte.toUnsignedInt(bytes.get());
        int parameters = Byte.toUnsignedInt(bytes.get());
        int blob = Byte.toUnsignedInt(bytes.get()) | Byte.toUnsignedInt(bytes.get()) << 8;
        if (algorithm == null || version + parameters + blob > bytes.remaining()) {
            return null;
        }
        return new WrappedKey(
                algorithm,
                reference,
                new String(take(bytes, version), StandardCharsets.UTF_8),
                take(bytes, parameters),
                take(bytes, blob));
    }

    /** None of them is itself made of parts. */
    private static @Nullable WrapAlgorithm algorithm(int code) {
        for (WrapAlgorithm algorithm : WrapAlgorithm.values()) {
            if (algorithm.code() == code && algorithm != WrapAlgorithm.ALL_OF) {
                return algorithm;
            }
        }
        return null;
    }

    private static byte[] take(ByteBuffer bytes, int length) {
        byte[] taken = new byte[length];
        bytes.get(taken);
        return taken;
    }
}
