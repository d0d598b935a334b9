package io.blockseal.keysource.azure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.rest.Backoff;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** One token for all, new in time. */
class TokenCacheTest {
    private static final String VAULT = "https://vault.azure.net";

    private final AtomicLong now = new AtomicLong(1000);
    private final AtomicInteger fetched = new AtomicInteger();
    private volatile boolean down;
    private volatile CountDownLatch gate = new CountDownLatch(0);
    private volatile CountDownLatch looksAtTheClock = new CountDownLatch(0);
    private final TokenCache cache = new TokenCache(
            new Identity() {
                @Override
                public AccessToken fetch(String resource) throws KeySourceException {
                    int number = fetched.incrementAndGet();
                    try {
                        assertTrue(gate.await(30, TimeUnit.SECONDS));
                    } catch (InterruptedException e) {
                        throw new AssertionError(e);
                    }
                    if (down) {
                        throw new KeySourceException(Kind.UNREACHABLE, "no answer to question " + number);
                    }
                    return new AccessToken(resource + "#" + number, 3_600_000);
                }

                @Override
                public String words() {
                    return "us";
                }
            },
            new Backoff.Clock() {
                @Override
                public long nowMillis() {
                    long at = now.get();
                    looksAtTheClock.countDown();
                    return at;
                }

                @Override
                public void pause(long millis) {
                    throw new AssertionError("it does not wait");
                }
            });

    @Test
    void isFetchedAnewWhenTwoThirdsOfItsTimeAreOver() throws Exception {
        assertEquals(VAULT + "#1", cache.token(VAULT));
        now.addAndGet(2_399_999);
        assertEquals(VAULT + "#1", cache.token(VAULT));
        now.addAndGet(1);
        assertEquals(VAULT + "#2", cache.token(VAULT));
    }

    @Test
    void isUsedForAsLongAsItIsGoodIfThereIsNoNewOne() throws Exception {
        assertEquals(VAULT + "#1", cache.token(VAULT));
        down = true;
        now.addAndGet(2_400_000);
        assertEquals(VAULT + "#1", cache.token(VAULT));
        assertEquals(VAULT + "#1", cache.token(VAULT));
        assertEquals(2, fetched.get(), "it does not ask each time");
        now.addAndGet(30_000);
        assertEquals(VAULT + "#1", cache.token(VAULT));
        assertEquals(3, fetched.get());
        now.addAndGet(1_170_000);
        assertEquals(
                "no answer to question 4",
                assertThrows(KeySourceException.class, () -> cache.token(VAULT)).getMessage());
        down = false;
        assertEquals(VAULT + "#5", cache.token(VAULT));
    }

    @Test
    void isNotUsedAgainOnceItWasRefused() throws Exception {
        String first = cache.token(VAULT);
        cache.forget(first);
        String second = cache.token(VAULT);
        assertEquals(VAULT + "#2", second);
        // Another thread was refused with the first one, and comes late.
        cache.forget(first);
        assertEquals(second, cache.token(VAULT));
    }

    @Test
    void isNotShownToAnotherKindOfService() throws Exception {
        assertEquals(VAULT + "#1", cache.token(VAULT));
        assertEquals("https://managedhsm.azure.net#2", cache.token("https://managedhsm.azure.net"));
    }

    @Test
    void isFetchedOnceForAllWhoWaitEvenIfThereIsNone() throws Exception {
        down = true;
        assertEquals(1, askedByTen());
        down = false;
        now.addAndGet(1);
        assertEquals(2, askedByTen());
    }

    /** How often the identity was asked when ten threads wanted a token at the same time. */
    private int askedByTen() throws Exception {
        gate = new CountDownLatch(1);
        looksAtTheClock = new CountDownLatch(10);
        ExecutorService threads = Executors.newFixedThreadPool(10);
        try {
            List<Future<Boolean>> all = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                Callable<Boolean> asking = () -> {
                    try {
                        return !cache.token(VAULT).isEmpty();
                    } catch (KeySourceException none) {
                        return false;
                    }
                };
                all.add(threads.submit(asking));
            }
            // Each looks at the clock when it asks; the answer comes later.
            assertTrue(looksAtTheClock.await(30, TimeUnit.SECONDS));
            now.addAndGet(1);
            gate.countDown();
            for (Future<Boolean> each : all) {
                assertEquals(!down, each.get(30, TimeUnit.SECONDS));
            }
        } finally {
            threads.shutdownNow();
        }
        return fetched.get();
    }
}
