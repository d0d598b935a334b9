package io.blockseal.keysource.pkcs11;

import io.blockseal.shim.OffHeap;
import java.nio.charset.StandardCharsets;

/**
 * What a token says of itself ({@code CK_TOKEN_INFO}).
 *
 * @param slot where it is plugged in now
 */
record TokenInfo(long slot, String label, String manufacturer, String model, String serial, long flags) {
    /** With room to spare: some modules know of a longer one. */
    static final int BYTES = 512;

    private static final int LOGIN_REQUIRED = 0x4;
    private static final int USER_PIN_INITIALIZED = 0x8;
    private static final int TOKEN_INITIALIZED = 0x400;
    private static final int USER_PIN_COUNT_LOW = 0x10000;
    private static final int USER_PIN_FINAL_TRY = 0x20000;
    private static final int USER_PIN_LOCKED = 0x40000;

    static TokenInfo of(long slot, OffHeap memory) {
        return new TokenInfo(
                slot,
                text(memory, 0, 32),
                text(memory, 32, 32),
                text(memory, 64, 16),
                text(memory, 80, 16),
                memory.getLong(96));
    }

    /** Fixed width, filled up with blanks. */
    private static String text(OffHeap memory, int offset, int length) {
        return new String(memory.get(offset, length), StandardCharsets.UTF_8).stripTrailing();
    }

    /** An empty slot for a token to be made in, as SoftHSM has one, is none yet. */
    boolean isInitialized() {
        return (flags & TOKEN_INITIALIZED) != 0;
    }

    boolean wantsLogin() {
        return (flags & LOGIN_REQUIRED) != 0;
    }

    boolean hasPin() {
        return (flags & USER_PIN_INITIALIZED) != 0;
    }

    /** A wrong PIN was shown to it since the last one that was right. */
    boolean triesAreFewer() {
        return (flags & USER_PIN_COUNT_LOW) != 0;
    }

    /** The next wrong PIN locks it. */
    boolean lastTry() {
        return (flags & USER_PIN_FINAL_TRY) != 0;
    }

    boolean locked() {
        return (flags & USER_PIN_LOCKED) != 0;
    }
}
