package io.blockseal.app.served;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Whoever may not stay has to go, if not now, then later. */
@Timeout(30)
class UnentitledClientsTest {
    private final List<String> tried = new ArrayList<>();
    private final List<Long> pauses = new ArrayList<>();
    private final List<Runnable> later = new ArrayList<>();
    private boolean answers;

    private final UnentitledClients clients = new UnentitledClients(
            export -> {
                tried.add(export);
                return answers;
            },
            Runnable::run,
            (pauseMillis, task) -> {
                pauses.add(pauseMillis);
                later.add(task);
            },
            1000,
            5000);

    private void letTimePass() {
        List<Runnable> due = List.copyOf(later);
        later.clear();
        due.forEach(Runnable::run);
    }

    @Test
    void whoeverGoesIsOwedNothing() throws Exception {
        answers = true;
        assertTrue(clients.sendAway("a"));
        assertFalse(clients.areOwed("a"));
        assertEquals(List.of(), later);
    }

    @Test
    void whatCannotBeDoneIsTriedAgainLaterEachTimeUntilItIs() throws Exception {
        assertFalse(clients.sendAway("a"));
        for (int i = 0; i < 4; i++) {
            assertTrue(clients.areOwed("a"));
            letTimePass();
        }
        answers = true;
        letTimePass();
        assertFalse(clients.areOwed("a"));
        assertEquals(List.of(1000L, 2000L, 4000L, 5000L, 5000L), pauses);
        assertEquals(List.of("a", "a", "a", "a", "a", "a"), tried);
        assertEquals(List.of(), later);
    }

    @Test
    void anotherListTakesThePlaceOfTheOneBefore() throws Exception {
        assertFalse(clients.sendAway("a"));
        assertFalse(clients.sendAway("b"));
        answers = true;
        assertTrue(clients.sendAway("a"));
        tried.clear();
        letTimePass();
        assertEquals(List.of("b"), tried);
    }

    /** They would hear an error in place of nothing. */
    @Test
    void whatIsTakenOutOfServiceIsLeftToThat() throws Exception {
        assertFalse(clients.sendAway("a"));
        clients.leaveToOthers("a");
        assertFalse(clients.areOwed("a"));
        letTimePass();
        assertEquals(List.of("a"), tried);
    }

    @Test
    void whatIsTakenOutOfServiceWaitsForATryThatIsUnderWay() throws Exception {
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch mayEnd = new CountDownLatch(1);
        UnentitledClients slow = new UnentitledClients(
                export -> {
                    begun.countDown();
                    try {
                        return mayEnd.await(20, TimeUnit.SECONDS) && answers;
                    } catch (InterruptedException e) {
                        return false;
                    }
                },
                Runnable::run,
                (pauseMillis, task) -> later.add(task),
                1,
                1);
        CompletableFuture<Boolean> going = CompletableFuture.supplyAsync(() -> sendAway(slow));
        begun.await();
        CompletableFuture<Boolean> taken = CompletableFuture.supplyAsync(() -> {
            try {
                slow.leaveToOthers("a");
                return going.isDone() || mayEnd.getCount() == 0;
            } catch (InterruptedException e) {
                return false;
            }
        });
        mayEnd.countDown();
        assertTrue(taken.get(20, TimeUnit.SECONDS));
        assertFalse(going.get(20, TimeUnit.SECONDS));
        assertFalse(slow.areOwed("a"));
    }

    private static boolean sendAway(UnentitledClients of) {
        try {
            return of.sendAway("a");
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void aDefectIsNoReasonToLetThemStay() throws Exception {
        UnentitledClients broken = new UnentitledClients(
                export -> {
                    throw new IllegalStateException("broken for this test");
                },
                Runnable::run,
                (pauseMillis, task) -> later.add(task),
                1,
                1);
        assertFalse(broken.sendAway("a"));
        assertTrue(broken.areOwed("a"));
        assertEquals(1, later.size());
    }

    @Test
    void nothingIsTriedAfterTheEnd() throws Exception {
        assertFalse(clients.sendAway("a"));
        clients.close();
        letTimePass();
        assertEquals(List.of("a"), tried);
        assertEquals(List.of(), later);
    }
}
