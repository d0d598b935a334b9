package io.blockseal.volume.table;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class EncipheredBytesTest {
    private final AtomicInteger woken = new AtomicInteger();
    private final EncipheredBytes counts = new EncipheredBytes(100);

    @Test
    void losesNothingWhenSeveralThreadsAdd() throws Exception {
        List<Thread> threads = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
            Thread thread = new Thread(() -> {
                for (int n = 0; n < 100_000; n++) {
                    counts.add(n & 1, 512);
                }
            });
            thread.start();
            threads.add(thread);
        }
        for (Thread thread : threads) {
            thread.join();
        }
        assertEquals(4 * 50_000 * 512L, counts.of(0));
        assertEquals(4 * 50_000 * 512L, counts.of(1));
        assertEquals(0, counts.of(2));
    }

    @Test
    void wakesWheneverARangePassesAShare() {
        long mib = 1 << 20;
        counts.wakes(woken::incrementAndGet);
        counts.share(40 * mib);
        counts.add(7, 32 * mib - 1);
        assertEquals(0, woken.get());
        counts.add(7, 1);
        assertEquals(1, woken.get(), "40 MiB are taken for 32: never more than was said");
        counts.add(70, 256 * mib);
        assertEquals(1, woken.get(), "whoever is awake is not woken again");
        counts.beginWriting();
        assertEquals(7, counts.takeGrownFrom(0));
        assertEquals(70, counts.takeGrownFrom(8));
        assertEquals(-1, counts.takeGrownFrom(0));
        counts.add(7, 32 * mib - 1);
        assertEquals(1, woken.get());
        counts.add(7, 32 * mib);
        assertEquals(2, woken.get());
    }

    @Test
    void refusesSharesThatWouldWakeForEachWrite() {
        counts.wakes(woken::incrementAndGet);
        for (long bytes : new long[] {0, 1, -1, Long.MIN_VALUE, EncipheredBytes.SHARE_BYTES_MIN - 1}) {
            assertThrows(IllegalArgumentException.class, () -> counts.share(bytes), "" + bytes);
        }
        counts.share(EncipheredBytes.SHARE_BYTES_MIN);
        for (int i = 0; i < 15; i++) {
            counts.add(0, 1 << 20);
        }
        assertEquals(0, woken.get());
    }

    @Test
    void wakesAtAGibibyteUnlessToldOtherwise() {
        counts.wakes(woken::incrementAndGet);
        counts.share(Long.MAX_VALUE);
        counts.begin(0, (1L << 40) - 1);
        counts.add(0, 1);
        assertEquals(1, woken.get());
        counts.beginWriting();
        counts.add(0, (1L << 30) - 1);
        assertEquals(1, woken.get());
        counts.add(0, 1);
        assertEquals(2, woken.get());
    }
}
