package io.blockseal.shim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/** Functions of the C library, called by their addresses. */
class ForeignLibraryTest {
    private static final Path LIBC = Path.of("libc.so.6");

    @Test
    void callsWithNoneToFourArguments() throws Exception {
        ForeignLibrary libc = ForeignLibrary.open(LIBC);
        assertEquals(ProcessHandle.current().pid(), ForeignLibrary.call(libc.function("getpid")));
        assertEquals(1L << 40, ForeignLibrary.call(libc.function("labs"), -(1L << 40)));
        OffHeap text = ShimLibrary.cString("ff");
        assertEquals(255, ForeignLibrary.call(libc.function("strtol"), text.address(), 0, 16));
        OffHeap out = OffHeap.allocate(8);
        ForeignLibrary.call(libc.function("memccpy"), out.address(), text.address(), 'g', 3);
        assertEquals('f', out.getByte(1));
    }

    @Test
    void passesTheFifthArgumentOn() throws Exception {
        ForeignLibrary libc = ForeignLibrary.open(LIBC);
        OffHeap numbers = OffHeap.allocate(24).putLong(0, 5).putLong(8, 7).putLong(16, 9);
        OffHeap wanted = OffHeap.allocate(8).putLong(0, 9);
        // bsearch(key, base, count, size, compare): strcmp finds the eight bytes, which end with zeros.
        long found = ForeignLibrary.call(
                libc.function("bsearch"), wanted.address(), numbers.address(), 3, 8, libc.function("strcmp"));
        assertEquals(numbers.address(16), found);
    }

    @Test
    void saysWhatIsMissing() throws Exception {
        assertTrue(assertThrows(IOException.class, () -> ForeignLibrary.open(Path.of("/nowhere.so")))
                .getMessage()
                .contains("/nowhere.so"));
        ForeignLibrary libc = ForeignLibrary.open(LIBC);
        assertTrue(assertThrows(IOException.class, () -> libc.function("no_such"))
                .getMessage()
                .contains("no_such"));
        assertThrows(IllegalArgumentException.class, () -> ForeignLibrary.call(0));
    }
}
