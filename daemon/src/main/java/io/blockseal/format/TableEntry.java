package io.blockseal.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.jspecify.annotations.Nullable;

/**
 * What the table knows of one range: 128 bytes (docs/format.md, "Table entry").
 *
 * @param state one of the constants here
 * @param suite 1 = AES-256-XTS; 0 for a range that has no DEK
 * @param generation how many DEKs the range has had, unsigned
 * @param slot which stretch of the data area it lies in
 * @param createdSeconds when the DEK was made, Unix time, unsigned 32 bits
 * @param lastCommit low 32 bits of the commit that wrote the entry
 * @param encryptedBytes how much was enciphered under the DEK at least; 0 where nobody counted
 * @param wrappedDek nonce 12, ciphertext 64, tag 16; all zero for a range that has no DEK
 */
public record TableEntry(
        int state,
        int suite,
        int generation,
        long slot,
        int createdSeconds,
        int lastCommit,
        long encryptedBytes,
        byte[] wrappedDek) {
    /** Size on disk. */
    public static final int ENTRY_BYTES = 128;
    /** Never written, no DEK: reads as zeros. */
    public static final int NONE = 0;
    /** Has a DEK and a slot. */
    public static final int ACTIVE = 1;
    /** Its DEK was destroyed: reads as zeros. */
    public static final int SHREDDED = 2;
    /** Given up by an operator: reads fail. */
    public static final int LOST = 3;

    static final int STATE = 0;
    static final int SUITE = STATE + Byte.BYTES;
    static final int FLAGS = SUITE + Byte.BYTES;
    static final int GENERATION = FLAGS + Short.BYTES;
    static final int SLOT = GENERATION + Integer.BYTES;
    static final int CREATED = SLOT + Integer.BYTES;
    static final int KEY_DOMAIN = CREATED + Integer.BYTES;
    static final int LAST_COMMIT = KEY_DOMAIN + Short.BYTES + Short.BYTES;
    static final int ENCRYPTED_BYTES = LAST_COMMIT + Integer.BYTES;
    static final int RESERVED = ENCRYPTED_BYTES + Long.BYTES;
    /** Where nonce, ciphertext and tag begin within the entry. */
    public static final int WRAPPED_DEK = RESERVED + Integer.BYTES;
    /** How long they are together. */
    public static final int WRAPPED_DEK_BYTES = 12 + 64 + 16;

    static {
        LayoutCheck.same("entry: encrypted bytes", ENCRYPTED_BYTES, 24);
        LayoutCheck.same("entry: wrapped DEK", WRAPPED_DEK, 36);
        LayoutCheck.same("entry", WRAPPED_DEK + WRAPPED_DEK_BYTES, ENTRY_BYTES);
    }

    /** Reads an entry of a page whose MAC was verified. */
    static TableEntry decode(ByteBuffer entry) {
        ByteBuffer bytes = entry.order(ByteOrder.LITTLE_ENDIAN);
        byte[] wrapped = new byte[WRAPPED_DEK_BYTES];
        bytes.get(WRAPPED_DEK, wrapped);
        return new TableEntry(
                Byte.toUnsignedInt(bytes.get(STATE)),
                Byte.toUnsignedInt(bytes.get(SUITE)),
                bytes.getInt(GENERATION),
                Integer.toUnsignedLong(bytes.getInt(SLOT)),
                bytes.getInt(CREATED),
                bytes.getInt(LAST_COMMIT),
                bytes.getLong(ENCRYPTED_BYTES),
                wrapped);
    }

    /**
     * The first field that should be zero, by what the entry is, and is not; null if all is well. A range without a DEK
     * must not keep the rest of one.
     */
    static @Nullable String leftOver(ByteBuffer entry) {
        int state = entry.get(STATE);
        if (state == NONE && !isZero(entry, SUITE, ENTRY_BYTES)) {
            return "rest of an empty entry";
        }
        if (state == SHREDDED && !isZero(entry, SLOT, CREATED)) {
            return "slot";
        }
        if (state == SHREDDED && !isZero(entry, WRAPPED_DEK, ENTRY_BYTES)) {
            return "wrapped DEK";
        }
        if (!isZero(entry, FLAGS, GENERATION)) {
            return "flags";
        }
        return isZero(entry, KEY_DOMAIN, LAST_COMMIT) ? null : "key domain";
    }

    private static boolean isZero(ByteBuffer bytes, int from, int to) {
        for (int i = from; i < to; i++) {
            if (bytes.get(i) != 0) {
                return false;
            }
        }
        return true;
    }

    /** Writes the whole 128 bytes. */
    void encode(ByteBuffer entry) {
        ByteBuffer bytes = entry.order(ByteOrder.LITTLE_ENDIAN);
        bytes.put(0, new byte[ENTRY_BYTES]);
        bytes.put(STATE, (byte) state);
        bytes.put(SUITE, (byte) suite);
        bytes.putInt(GENERATION, generation);
        bytes.putInt(SLOT, (int) slot);
        bytes.putInt(CREATED, createdSeconds);
        bytes.putInt(LAST_COMMIT, lastCommit);
        bytes.putLong(ENCRYPTED_BYTES, encryptedBytes);
        bytes.put(WRAPPED_DEK, wrappedDek);
    }
}
