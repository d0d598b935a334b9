package io.blockseal.volume.table;

/**
 * What the data path knows of a range, in one 64-bit word: whether it is held (1 bit), state (3), physical slot (28),
 * generation (32). One acquire load tells all of it, consistently.
 */
public final class RangeWord {
    /** Never written: reads as zeros, has no DEK. The word is 0. */
    public static final int NONE = 0;
    /** Has a DEK and a slot. */
    public static final int ACTIVE = 1;
    /** Its DEK was destroyed: reads as zeros. */
    public static final int SHREDDED = 2;
    /** Its page is damaged or its DEK cannot be unwrapped: EIO. */
    public static final int LOST = 3;

    /** Set while the range's key and place are being changed: requests that have not begun must wait. */
    static final long HELD = Long.MIN_VALUE;

    private RangeWord() {}

    /** Packs. {@code slot} is below 2^28; {@code generation} is unsigned. */
    public static long of(int state, long slot, int generation) {
        return ((long) state << 60) | (slot << 32) | (generation & 0xffff_ffffL);
    }

    /** One of the constants above. */
    public static int state(long word) {
        return (int) (word >>> 60) & 7;
    }

    /** Whether requests to the range have to wait, whatever its state is. */
    public static boolean isHeld(long word) {
        return word < 0;
    }

    /** Which stretch of the data area the range lies in. */
    public static long slot(long word) {
        return (word >>> 32) & 0x0fff_ffffL;
    }

    /** How many DEKs the range has had, unsigned. */
    public static int generation(long word) {
        return (int) word;
    }
}
