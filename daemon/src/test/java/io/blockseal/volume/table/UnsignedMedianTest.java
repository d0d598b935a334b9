package io.blockseal.volume.table;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A wrong age of the key in the middle would hide that half of the keys are overdue. */
class UnsignedMedianTest {
    private static long median(int... values) {
        UnsignedMedian median = new UnsignedMedian(values.length);
        Arrays.stream(values).forEach(median::add);
        return median.value();
    }

    @Test
    void isTheOneInTheMiddle() {
        assertEquals(0, median());
        assertEquals(7, median(7));
        assertEquals(7, median(9, 7));
        assertEquals(8, median(9, 7, 8));
    }

    @Test
    void takesNumbersAsUnsigned() {
        assertEquals(0x8000_0000L, median(-1, 1, 0x8000_0000));
        assertEquals(0xffff_ffffL, median(-1, -1));
    }

    @Test
    void isWhatSortingFinds() {
        long seed = Long.getLong("seed", System.nanoTime());
        Random random = new Random(seed);
        for (int round = 0; round < 500; round++) {
            // Few different upper halves, lower halves, or neither.
            int mask = new int[] {-1, 0xffff, 0xffff_0000, 0x0003_0003}[round % 4];
            int[] values = IntStream.range(0, 1 + random.nextInt(200))
                    .map(i -> random.nextInt() & mask)
                    .toArray();
            long[] sorted = Arrays.stream(values)
                    .mapToLong(Integer::toUnsignedLong)
                    .sorted()
                    .toArray();
            assertEquals(sorted[(sorted.length - 1) / 2], median(values), "seed=" + seed);
        }
    }
}
