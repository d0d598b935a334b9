package io.blockseal.app.served;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** However one volume's storage behaves, the others become durable, and the exit code tells. */
@Timeout(60)
class VolumesClosingTest {
    private static final Duration LONG = Duration.ofSeconds(50);
    private static final Duration SHORT = Duration.ofMillis(100);

    private static final class Closing implements VolumesClosing.Closable {
        final CountDownLatch done = new CountDownLatch(1);
        private final BooleanSupplier work;

        Closing(BooleanSupplier work) {
            this.work = work;
        }

        @Override
        public String name() {
            return "disk";
        }

        @Override
        public boolean close() {
            boolean durable = work.getAsBoolean();
            done.countDown();
            return durable;
        }
    }

    @Test
    void allIsWell() {
        Closing one = new Closing(() -> true);
        Closing two = new Closing(() -> true);
        assertEquals(VolumesClosing.Outcome.DURABLE, VolumesClosing.closeAll(List.of(one, two), LONG));
        assertEquals(0, one.done.getCount() + two.done.getCount());
        assertEquals(VolumesClosing.Outcome.DURABLE, VolumesClosing.closeAll(List.of(), LONG));
    }

    @Test
    void oneThatFailsIsToldAndTheOthersAreClosed() {
        Closing failing = new Closing(() -> false);
        Closing defective = new Closing(() -> {
            throw new IllegalStateException("our own defect");
        });
        Closing well = new Closing(() -> true);
        assertEquals(VolumesClosing.Outcome.LOST, VolumesClosing.closeAll(List.of(failing, defective, well), LONG));
        assertEquals(0, well.done.getCount());
    }

    @Test
    void oneThatDoesNotAnswerIsLeftBehindAndTheOthersAreClosed() throws InterruptedException {
        CountDownLatch answer = new CountDownLatch(1);
        Closing well = new Closing(() -> true);
        Closing stuck = new Closing(() -> {
            try {
                well.done.await();
                answer.await();
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
            return true;
        });
        assertEquals(VolumesClosing.Outcome.STUCK, VolumesClosing.closeAll(List.of(stuck, well), SHORT));
        well.done.await();
        assertTrue(stuck.done.getCount() > 0, "it is still at it");
        answer.countDown();
        stuck.done.await();
    }
}
