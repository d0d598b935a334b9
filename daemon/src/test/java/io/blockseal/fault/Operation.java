package io.blockseal.fault;

/**
 * One thing that was done to one of the stores of a {@link FaultJournal}.
 *
 * @param store number of the store within its journal
 * @param kind what
 * @param offset first byte of the stretch
 * @param length bytes in the stretch; of a GROW the new size
 * @param data what a WRITE wrote, else empty; not to be changed
 * @param fua durable by itself once it is done, whatever becomes of those before it
 */
public record Operation(int store, Kind kind, long offset, long length, byte[] data, boolean fua) {
    /** What can be done to a store. */
    public enum Kind {
        WRITE,
        /** Trimmed, or written with zeros: from then on the stretch reads as zeros. */
        ZERO,
        /** Made longer. */
        GROW,
        /** What was done to the store before is durable. */
        FLUSH,
        /** A flush that failed: what was not durable before may be gone for ever, while the system still shows it. */
        LOSS
    }

    private static final byte[] NOTHING = new byte[0];

    static Operation write(int store, long offset, byte[] data, boolean fua) {
        return new Operation(store, Kind.WRITE, offset, data.length, data, fua);
    }

    static Operation zero(int store, long offset, long length, boolean fua) {
        return new Operation(store, Kind.ZERO, offset, length, NOTHING, fua);
    }

    static Operation grow(int store, long newSize) {
        return new Operation(store, Kind.GROW, 0, newSize, NOTHING, false);
    }

    static Operation flush(int store) {
        return new Operation(store, Kind.FLUSH, 0, 0, NOTHING, false);
    }

    static Operation loss(int store) {
        return new Operation(store, Kind.LOSS, 0, 0, NOTHING, false);
    }

    /** Whether it changes bytes. */
    public boolean changes() {
        return kind == Kind.WRITE || kind == Kind.ZERO || kind == Kind.GROW;
    }

    /** Whether the two touch a common byte. */
    boolean meets(Operation other) {
        return offset < other.offset + other.length && other.offset < offset + length;
    }

    /** The same with other bytes: for tests that alter what is written. */
    public Operation withData(byte[] other) {
        return new Operation(store, kind, offset, other.length, other, fua);
    }

    /** The same somewhere else. */
    public Operation at(long otherOffset) {
        return new Operation(store, kind, otherOffset, length, data, fua);
    }

    void applyTo(DiskImage image) {
        applyTo(image, length);
    }

    /** Carries out the first {@code bytes} of it. */
    void applyTo(DiskImage image, long bytes) {
        switch (kind) {
            case WRITE -> image.write(offset, data, 0, (int) Math.min(bytes, length));
            case ZERO -> image.zero(offset, Math.min(bytes, length));
            case GROW -> image.grow(length);
            case FLUSH, LOSS -> {}
        }
    }

    /** For messages. */
    public String describe() {
        return switch (kind) {
            case WRITE, ZERO -> "store " + store + " " + kind + (fua ? "+FUA " : " ") + offset + "+" + length;
            case GROW -> "store " + store + " GROW to " + length;
            case FLUSH, LOSS -> "store " + store + " " + kind;
        };
    }
}
