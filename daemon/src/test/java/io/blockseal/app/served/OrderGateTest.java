package io.blockseal.app.served;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.served.OrderGate.State;
import io.blockseal.job.JobOutcome;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** An order and the end of a volume exclude each other. */
@Timeout(60)
class OrderGateTest {
    private static final JobOutcome WELL = JobOutcome.done("well\n", "{}\n");
    private static final Duration LONG = Duration.ofSeconds(30);

    private final OrderGate gate = new OrderGate("demo");

    private String refusal() {
        return assertThrows(CommandException.class, () -> gate.pass(() -> WELL)).getMessage();
    }

    @Test
    void letsNobodyThroughOnceItIsClosedAndWaitsForWhoWasLetThrough() throws Exception {
        CountDownLatch inside = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        CompletableFuture<JobOutcome> order = CompletableFuture.supplyAsync(() -> {
            try {
                return gate.pass(() -> {
                    inside.countDown();
                    go.await();
                    return WELL;
                });
            } catch (Exception e) {
                throw new AssertionError(e);
            }
        });
        inside.await();
        assertEquals(WELL, gate.pass(() -> WELL), "orders go side by side");
        assertEquals(State.OPEN, gate.close("is being erased"));
        assertEquals("demo: is being erased.", refusal());
        assertThrows(CommandException.class, () -> gate.close("is being erased"));
        assertFalse(gate.becomesEmpty(Duration.ZERO));
        go.countDown();
        assertTrue(gate.becomesEmpty(LONG));
        assertEquals(WELL, order.get());
        gate.become(State.OPEN);
        assertEquals(WELL, gate.pass(() -> WELL));
    }

    @Test
    void letsWhatFailedHalfWayBeRepeatedAndNothingElse() throws Exception {
        gate.close("is being erased");
        assertTrue(gate.becomesEmpty(LONG));
        gate.become(State.HALF_ERASED);
        assertTrue(refusal().contains("Erase it again: blockseal erase."), refusal());
        assertEquals(State.HALF_ERASED, gate.close("is being erased"));
        assertTrue(gate.becomesEmpty(LONG));
        gate.become(State.ERASED);
        gate.awaitDecision();
        assertEquals("demo: is erased.", refusal());
        assertThrows(CommandException.class, gate::requireErasable);
    }

    @Test
    void whoTakesTheDaemonDownWaitsForTheDecision() throws Exception {
        gate.close("is being erased");
        CompletableFuture<State> seen = CompletableFuture.supplyAsync(() -> {
            gate.awaitDecision();
            return gate.state();
        });
        gate.become(State.ERASED);
        assertEquals(State.ERASED, seen.get());
    }
}
