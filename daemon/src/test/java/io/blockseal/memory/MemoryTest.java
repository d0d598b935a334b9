package io.blockseal.memory;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class MemoryTest {
    /** Every place, within and just outside of stretches of every length up to three words. */
    @Test
    void knowsZerosByTheByte() {
        Memory memory = new JvmMemorySource().map(64);
        for (int marked = 0; marked < 48; marked++) {
            memory.bytes().put(marked, (byte) 0x80);
            for (int offset = 0; offset < 24; offset++) {
                for (int length = 0; length <= 24; length++) {
                    boolean within = marked >= offset && marked < offset + length;
                    if (within) {
                        assertFalse(memory.isZero(offset, length), marked + " in " + offset + "+" + length);
                    } else {
                        assertTrue(memory.isZero(offset, length), marked + " not in " + offset + "+" + length);
                    }
                }
            }
            memory.zero(marked, 1);
        }
    }
}
