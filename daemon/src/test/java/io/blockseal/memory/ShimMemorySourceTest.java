package io.blockseal.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.shim.InterposedShim;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimLibrary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ShimMemorySourceTest {
    private static final int HUGE_PAGE_BYTES = 2 << 20;
    private static final int REGION_BYTES = 64 << 20;
    private static final int SLAB_BYTES = 4 * (4096 + (256 << 10));

    private final ShimMemorySource source = new ShimMemorySource(shim());

    private static Shim shim() {
        ShimLibrary library = ShimLibrary.open();
        Shim shim = library.shim();
        assumeTrue(shim != null, () -> "no native library: " + library.reason());
        return Objects.requireNonNull(shim);
    }

    @Test
    void slabsFollowOneAnotherFromTheBeginningOfAHugePage() {
        Memory first = source.map(SLAB_BYTES);
        assertEquals(0, first.address() % HUGE_PAGE_BYTES);
        Memory second = source.map(100);
        assertEquals(first.address() + SLAB_BYTES, second.address());
        assertEquals(100, second.capacity());
        assertEquals(second.address() + 4096, source.map(SLAB_BYTES).address(), "whole pages");
    }

    @Test
    void eachIsZeroedAndNobodyElses() {
        int count = REGION_BYTES / SLAB_BYTES + 2;
        Memory[] slabs = new Memory[count];
        for (int i = 0; i < count; i++) {
            slabs[i] = source.map(SLAB_BYTES);
            assertTrue(slabs[i].isZero(0, SLAB_BYTES), "slab " + i);
            for (int at = 0; at < SLAB_BYTES; at += Long.BYTES) {
                slabs[i].bytes().putLong(at, i + 1);
            }
        }
        for (int i = 0; i < count; i++) {
            for (int at = 0; at < SLAB_BYTES; at += Long.BYTES) {
                assertEquals(i + 1, slabs[i].bytes().getLong(at), "slab " + i);
            }
        }
    }

    @Test
    void whatFitsIntoNoRegionIsMappedByItself() {
        Memory large = source.map(REGION_BYTES + 1);
        large.bytes().put(REGION_BYTES, (byte) 1);
        assertEquals(0, large.address() % 4096);
    }

    private static ShimMemorySource where(String function, Object answer) {
        InterposedShim shim = new InterposedShim(shim());
        shim.answer(function, (arguments, real) -> answer);
        return new ShimMemorySource(shim.shim());
    }

    @Test
    void withoutRoomForARegionEachIsMappedByItself() {
        ShimMemorySource narrow = where("reserve", -12L);
        Memory first = narrow.map(SLAB_BYTES);
        Memory second = narrow.map(SLAB_BYTES);
        assertTrue(first.isZero(0, SLAB_BYTES) && second.isZero(0, SLAB_BYTES));
        assertTrue(Math.abs(first.address() - second.address()) >= SLAB_BYTES);
    }

    @Test
    void whereThereIsNoMemoryItSaysSo() {
        ShimMemorySource poor = where("populate", -12);
        OutOfMemoryError error = assertThrows(OutOfMemoryError.class, () -> poor.map(SLAB_BYTES));
        assertTrue(error.getMessage().contains(String.valueOf(SLAB_BYTES)), error::getMessage);
    }

    /** Each try would take another one, and none of them can be given back. */
    @Test
    void aPieceForWhichThereWasNoMemoryIsTheNextOfItsSize() {
        InterposedShim shim = new InterposedShim(shim());
        ShimMemorySource again = new ShimMemorySource(shim.shim());
        Memory before = again.map(SLAB_BYTES);
        shim.answer("populate", (arguments, real) -> -12);
        for (int i = 0; i < 3; i++) {
            assertThrows(OutOfMemoryError.class, () -> again.map(SLAB_BYTES));
        }
        shim.restore("populate");
        Memory other = again.map(4096);
        Memory after = again.map(SLAB_BYTES);
        assertEquals(before.address() + SLAB_BYTES, after.address());
        assertTrue(after.isZero(0, SLAB_BYTES));
        assertEquals(after.address() + SLAB_BYTES, other.address());
        assertEquals(other.address() + 4096, again.map(SLAB_BYTES).address());
    }

    /** The kernel's flags: hg is that huge pages are wanted, dd that it is left out of core dumps. */
    @Test
    void hugePagesAreAskedForAndNoCoreDumpContainsThem() throws IOException {
        Memory slab = source.map(SLAB_BYTES);
        List<String> flags = Arrays.asList(flagsOf(slab.address()).split(" +"));
        assertTrue(flags.contains("dd"), () -> flags.toString());
        assumeTrue(Files.exists(Path.of("/sys/kernel/mm/transparent_hugepage")), "a kernel without huge pages");
        assertTrue(flags.contains("hg"), () -> flags.toString());
    }

    private static String flagsOf(long address) throws IOException {
        boolean within = false;
        for (String line : Files.readAllLines(Path.of("/proc/self/smaps"))) {
            String[] words = line.split("[- ]", 3);
            if (line.matches("[0-9a-f]+-[0-9a-f]+ .*")) {
                within = Long.parseUnsignedLong(words[0], 16) <= address
                        && address < Long.parseUnsignedLong(words[1], 16);
            } else if (within && line.startsWith("VmFlags:")) {
                return line.substring("VmFlags:".length());
            }
        }
        throw new AssertionError("no mapping has this address");
    }
}
