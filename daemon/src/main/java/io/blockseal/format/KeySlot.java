package io.blockseal.format;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;

/**
 * One wrapped copy of the volume key: 1024 bytes (docs/format.md, "Key slot"). What it says steers an unwrap before
 * anything could be authenticated, so every length and code is bounded here and whatever is odd gets the slot refused.
 *
 * @param type the kind of key source that made it, by the numbers of docs/format.md
 * @param state in use or on its way out
 * @param priority 0 only on request, 1 normal, 2 first
 * @param createdSeconds Unix time
 * @param vkEpoch which volume key is inside
 * @param wrapAlgorithm 1 to 7
 * @param label an operator's name for it, at most 32 bytes of UTF-8
 * @param reference where the KEK lives, at most 256 bytes
 * @param version the KEK's version there, at most 64 bytes
 * @param parameters what unwrapping needs to know, at most 128 bytes
 * @param blob the wrapped volume key, 1 to 512 bytes
 */
public record KeySlot(
        int type,
        State state,
        int priority,
        long createdSeconds,
        int vkEpoch,
        int wrapAlgorithm,
        String label,
        String reference,
        String version,
        byte[] parameters,
        byte[] blob) {
    /** Size on disk. */
    public static final int SLOT_BYTES = 1024;
    /** Largest wrap algorithm that exists. */
    public static final int WRAP_ALGORITHM_MAX = 7;
    /** Bytes of the label. */
    public static final int LABEL_BYTES = 32;

    private static final int TYPE = 0;
    private static final int STATE = TYPE + Short.BYTES;
    private static final int PRIORITY = STATE + Byte.BYTES;
    private static final int FLAGS = PRIORITY + Byte.BYTES;
    private static final int CREATED = FLAGS + Integer.BYTES;
    private static final int VK_EPOCH = CREATED + Long.BYTES;
    private static final int WRAP_ALGORITHM = VK_EPOCH + Integer.BYTES;
    private static final int BLOB_LENGTH = WRAP_ALGORITHM + Short.BYTES;
    private static final int LABEL = BLOB_LENGTH + Short.BYTES;
    private static final int REFERENCE_LENGTH = LABEL + LABEL_BYTES;
    private static final int PARAMETERS_LENGTH = REFERENCE_LENGTH + Short.BYTES;
    private static final int REFERENCE = PARAMETERS_LENGTH + Short.BYTES + Integer.BYTES;
    private static final int REFERENCE_BYTES = 256;
    private static final int VERSION = REFERENCE + REFERENCE_BYTES;
    private static final int VERSION_BYTES = 64;
    private static final int PARAMETERS = VERSION + VERSION_BYTES;
    private static final int PARAMETERS_BYTES = 128;
    private static final int BLOB = PARAMETERS + PARAMETERS_BYTES;
    private static final int BLOB_BYTES = 512;

    static {
        LayoutCheck.same("key slot: label", LABEL, 0x18);
        LayoutCheck.same("key slot: reference", REFERENCE, 0x40);
        LayoutCheck.same("key slot: version", VERSION, 0x140);
        LayoutCheck.same("key slot: parameters", PARAMETERS, 0x180);
        LayoutCheck.same("key slot: blob", BLOB, 0x200);
        LayoutCheck.same("key slot", BLOB + BLOB_BYTES, SLOT_BYTES);
    }

    /** What a slot is for; the codes are on disk. */
    public enum State {
        /** Free. */
        EMPTY,
        /** Opens the volume. */
        ACTIVE,
        /** Opens the volume still, and is about to be removed. */
        REVOKING
    }

    /** Checks what is about to be written. */
    public KeySlot {
        require(type >= 1 && type <= 0xffff, "type " + type);
        require(priority >= 0 && priority <= 2, "priority " + priority);
        require(wrapAlgorithm >= 1 && wrapAlgorithm <= WRAP_ALGORITHM_MAX, "wrap algorithm " + wrapAlgorithm);
        require(parameters.length <= PARAMETERS_BYTES, "parameters of " + parameters.length + " bytes");
        require(blob.length >= 1 && blob.length <= BLOB_BYTES, "wrapped key of " + blob.length + " bytes");
        require(FixedText.fits(label, LABEL_BYTES), "the label is longer than " + LABEL_BYTES + " bytes");
        require(
                FixedText.fits(reference, REFERENCE_BYTES),
                "the reference is longer than " + REFERENCE_BYTES + " bytes");
        require(FixedText.fits(version, VERSION_BYTES), "the version is longer than " + VERSION_BYTES + " bytes");
        require(state != State.EMPTY, "a slot with content cannot be empty");
    }

    /** The same with another priority. */
    public KeySlot withPriority(int newPriority) {
        return new KeySlot(
                type,
                state,
                newPriority,
                createdSeconds,
                vkEpoch,
                wrapAlgorithm,
                label,
                reference,
                version,
                parameters,
                blob);
    }

    /** Reads a slot whose state is not EMPTY. */
    static KeySlot decode(byte[] area, int offset, String block) throws MalformedVolumeException {
        ByteBuffer bytes = ByteBuffer.wrap(area, offset, SLOT_BYTES).slice().order(ByteOrder.LITTLE_ENDIAN);
        int state = Byte.toUnsignedInt(bytes.get(STATE));
        int type = unsignedShort(bytes, TYPE);
        int priority = Byte.toUnsignedInt(bytes.get(PRIORITY));
        int algorithm = unsignedShort(bytes, WRAP_ALGORITHM);
        bounds(block, "state", state, 1, State.values().length - 1);
        bounds(block, "type", type, 1, 0xffff);
        bounds(block, "priority", priority, 0, 2);
        bounds(block, "flags", bytes.getInt(FLAGS), 0, 0);
        bounds(block, "wrap algorithm", algorithm, 1, WRAP_ALGORITHM_MAX);
        bounds(block, "blob length", unsignedShort(bytes, BLOB_LENGTH), 1, BLOB_BYTES);
        bounds(block, "reference length", unsignedShort(bytes, REFERENCE_LENGTH), 0, REFERENCE_BYTES);
        bounds(block, "parameters length", unsignedShort(bytes, PARAMETERS_LENGTH), 0, PARAMETERS_BYTES);
        return new KeySlot(
                type,
                State.values()[state],
                priority,
                bytes.getLong(CREATED),
                bytes.getInt(VK_EPOCH),
                algorithm,
                FixedText.get(bytes, LABEL, LABEL_BYTES),
                FixedText.get(bytes, REFERENCE, unsignedShort(bytes, REFERENCE_LENGTH)),
                FixedText.get(bytes, VERSION, VERSION_BYTES),
                get(bytes, PARAMETERS, unsignedShort(bytes, PARAMETERS_LENGTH)),
                get(bytes, BLOB, unsignedShort(bytes, BLOB_LENGTH)));
    }

    /** Whether the slot at {@code offset} is free. */
    static boolean isEmpty(byte[] area, int offset) {
        return area[offset + STATE] == State.EMPTY.ordinal();
    }

    /** Writes the whole 1024 bytes. */
    void encode(byte[] area, int offset) {
        Arrays.fill(area, offset, offset + SLOT_BYTES, (byte) 0);
        ByteBuffer bytes = ByteBuffer.wrap(area, offset, SLOT_BYTES).slice().order(ByteOrder.LITTLE_ENDIAN);
        bytes.putShort(TYPE, (short) type);
        bytes.put(STATE, (byte) state.ordinal());
        bytes.put(PRIORITY, (byte) priority);
        bytes.putLong(CREATED, createdSeconds);
        bytes.putInt(VK_EPOCH, vkEpoch);
        bytes.putShort(WRAP_ALGORITHM, (short) wrapAlgorithm);
        bytes.putShort(BLOB_LENGTH, (short) blob.length);
        FixedText.put(bytes, LABEL, LABEL_BYTES, label);
        FixedText.put(bytes, REFERENCE, REFERENCE_BYTES, reference);
        bytes.putShort(REFERENCE_LENGTH, (short) FixedText.length(bytes, REFERENCE, REFERENCE_BYTES));
        FixedText.put(bytes, VERSION, VERSION_BYTES, version);
        bytes.putShort(PARAMETERS_LENGTH, (short) parameters.length);
        bytes.put(PARAMETERS, parameters);
        bytes.put(BLOB, blob);
    }

    private static int unsignedShort(ByteBuffer bytes, int offset) {
        return Short.toUnsignedInt(bytes.getShort(offset));
    }

    private static byte[] get(ByteBuffer bytes, int offset, int length) {
        byte[] value = new byte[length];
        bytes.get(offset, value);
        return value;
    }

    private static void bounds(String block, String field, int found, int least, int most)
            throws MalformedVolumeException {
        if (found < least || found > most) {
            throw new MalformedVolumeException(block, field, found + " is not within " + least + " to " + most);
        }
    }

    private static void require(boolean holds, String what) {
        if (!holds) {
            throw new IllegalArgumentException("key slot: " + what);
        }
    }
}
