package io.blockseal.volume.metadata;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.volume.metadata.KeeperQueue.Wanted;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.FutureTask;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/** Who waits for the keeper must not wait for ever, whatever breaks there. */
class KeeperQueueTest {
    private final Queue<Runnable> keeper = new ArrayDeque<>();
    private final List<String> defects = new ArrayList<>();
    private final List<String> answers = new ArrayList<>();
    private Consumer<List<Wanted>> serving = batch -> batch.forEach(each -> each.answer(Errno.OK));
    private Runnable before = () -> {};
    private final KeeperQueue queue = new KeeperQueue(keeper::add, new KeeperQueue.Work() {
        @Override
        public void beforeNext() {
            before.run();
        }

        @Override
        public void serve(List<Wanted> batch) {
            serving.accept(batch);
        }

        @Override
        public void defect(Throwable reason) {
            defects.add(reason.getMessage());
        }
    });

    private void want(long range) {
        assertTrue(queue.add(new Wanted(range, Runnable::run, errno -> answers.add(range + " " + errno))));
    }

    private void runKeeper() {
        assertEquals(1, keeper.size(), "one keeper is asked for");
        keeper.remove().run();
    }

    private void assertEnds() {
        assertEquals(List.of(), queue.close());
        assertFalse(queue.add(() -> {}));
    }

    @Test
    void aTaskThatBreaksIsADefectAndTheNextOneIsDone() {
        List<String> done = new ArrayList<>();
        assertTrue(queue.add(() -> {
            throw new IllegalStateException("first");
        }));
        assertTrue(queue.add(() -> {
            throw new AssertionError("second");
        }));
        assertTrue(queue.add(() -> done.add("third")));
        runKeeper();
        assertEquals(List.of("first", "second"), defects);
        assertEquals(List.of("third"), done);
        assertEnds();
    }

    @Test
    void everyWishIsAnsweredOnceThoughServingBreaks() {
        serving = batch -> {
            batch.get(0).answer(Errno.OK);
            throw new IllegalStateException("broken");
        };
        want(1);
        want(2);
        runKeeper();
        assertEquals(List.of("1 OK", "2 EIO"), answers);
        assertEquals(List.of("broken"), defects);
        serving = batch -> batch.forEach(each -> each.answer(Errno.OK));
        want(3);
        runKeeper();
        assertEquals("3 OK", answers.get(2));
        assertEnds();
    }

    @Test
    void aWishThatNobodyHasAnsweredIsAnswered() {
        serving = batch -> {};
        want(1);
        runKeeper();
        assertEquals(List.of("1 EIO"), answers);
        assertEnds();
    }

    @Test
    void whatBreaksBetweenTwoTasksIsADefectToo() {
        before = () -> {
            throw new IllegalStateException("no timer");
        };
        want(1);
        runKeeper();
        assertEquals(List.of("1 OK"), answers);
        assertEquals(List.of("no timer", "no timer"), defects);
        assertEnds();
    }

    @Test
    void whoClosesItWaitsForTheKeeperAndGetsTheWishesThatNobodyServes() throws Exception {
        want(1);
        FutureTask<List<Wanted>> closing = new FutureTask<>(queue::close);
        Thread closer = new Thread(closing, "closer");
        before = () -> {
            before = () -> {};
            closer.start();
            awaitWaiting(closer);
        };
        runKeeper();
        assertEquals(List.of(1L), closing.get().stream().map(Wanted::range).toList());
        assertEquals(List.of(), answers);
        assertFalse(queue.add(() -> {}));
    }

    private static void awaitWaiting(Thread thread) {
        while (thread.getState() != Thread.State.WAITING) {
            Thread.onSpinWait();
        }
    }
}
