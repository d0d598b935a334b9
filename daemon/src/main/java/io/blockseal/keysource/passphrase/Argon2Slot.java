package io.blockseal.keysource.passphrase;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The parameters of a passphrase's key slot. On disk each is a tag byte, a length byte and a little-endian value: 1
 * memory in KiB (4 bytes), 2 passes (4), 3 lanes (4), 4 salt (32), all four exactly once, in any order.
 *
 * @param cost within bounds
 * @param salt 32 random bytes
 */
record Argon2Slot(Argon2Cost cost, byte[] salt) {
    static final int SALT_BYTES = 32;

    private static final int MEMORY = 1;
    private static final int PASSES = 2;
    private static final int LANES = 3;
    private static final int SALT = 4;
    private static final int HEADER_BYTES = 2;
    private static final int BYTES = 3 * (HEADER_BYTES + Integer.BYTES) + HEADER_BYTES + SALT_BYTES;

    /** As a key slot stores it. */
    byte[] encode() {
        return ByteBuffer.allocate(BYTES)
                .order(ByteOrder.LITTLE_ENDIAN)
                .put((byte) MEMORY)
                .put((byte) Integer.BYTES)
                .putInt(cost.memoryKib())
                .put((byte) PASSES)
                .put((byte) Integer.BYTES)
                .putInt(cost.passes())
                .put((byte) LANES)
                .put((byte) Integer.BYTES)
                .putInt(cost.lanes())
                .put((byte) SALT)
                .put((byte) SALT_BYTES)
                .put(salt)
                .array();
    }

    /**
     * Reads what a key slot stores. These bytes are used before anything vouches for them, so every one is checked.
     *
     * @throws KeySourceException if they are no parameters, or ask for more than slots may
     */
    static Argon2Slot decode(byte[] parameters) throws KeySourceException {
        ByteBuffer bytes = ByteBuffer.wrap(parameters).order(ByteOrder.LITTLE_ENDIAN);
        int[] numbers = new int[LANES + 1];
        byte[] salt = new byte[SALT_BYTES];
        int seen = 0;
        while (bytes.hasRemaining()) {
            if (bytes.remaining() < HEADER_BYTES) {
                throw refused("end in the middle of a parameter");
            }
            int tag = bytes.get() & 0xff;
            int length = bytes.get() & 0xff;
            if (tag < MEMORY || tag > SALT || (seen >>> tag & 1) != 0) {
                throw refused("have an unknown or repeated tag " + tag);
            }
            if (length != (tag == SALT ? SALT_BYTES : Integer.BYTES) || length > bytes.remaining()) {
                throw refused("give tag " + tag + " a length of " + length);
            }
            seen |= 1 << tag;
            if (tag == SALT) {
                bytes.get(salt);
            } else {
                numbers[tag] = bytes.getInt();
            }
        }
        if (seen != (1 << MEMORY | 1 << PASSES | 1 << LANES | 1 << SALT)) {
            throw refused("are incomplete");
        }
        Argon2Cost cost = new Argon2Cost(numbers[MEMORY], numbers[PASSES], numbers[LANES]);
        if (!cost.isAllowed()) {
            throw refused("ask for " + cost + "; at most 4 GiB, 64 passes and 16 lanes are allowed");
        }
        return new Argon2Slot(cost, salt);
    }

    private static KeySourceException refused(String what) {
        return new KeySourceException(
                Kind.MISCONFIGURED,
                "the passphrase's key slot is damaged or was altered: its parameters " + what
                        + ". Open with another slot");
    }
}
