package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.channel.DefaultEventLoop;
import io.netty.channel.SelectStrategy;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class BusyPollTest {
    /** So long that no test comes near it by being slow. */
    private static final long HOUR = 3_600_000_000_000L;

    private final DefaultEventLoop tasks = new DefaultEventLoop();
    private final AtomicInteger polls = new AtomicInteger();
    private final AtomicBoolean processorLeft = new AtomicBoolean(true);

    @AfterEach
    void close() {
        tasks.shutdownGracefully();
    }

    private BusyPoll watching(long momentNanos) {
        BusyPoll poll = new BusyPoll(momentNanos, processorLeft::get);
        poll.watch(tasks);
        return poll;
    }

    @Test
    void looksOnUntilSomethingIsThere() throws Exception {
        // Being displaced ends a look, so on a busy machine it may take several.
        BusyPoll poll = watching(HOUR);
        int result = poll.calculateStrategy(() -> polls.incrementAndGet() < 3 ? 0 : 7, false);
        assertTrue(result == 7 || result == 0 || result == SelectStrategy.SELECT, "result " + result);
        assertTrue(polls.get() >= 1);
    }

    @Test
    void sleepsAfterALookInVain() throws Exception {
        BusyPoll poll = watching(1);
        assertEquals(SelectStrategy.SELECT, poll.calculateStrategy(() -> 0, false));
        assertEquals(SelectStrategy.SELECT, poll.calculateStrategy(() -> 0, false));
    }

    @Test
    void neverLooksWithoutASpareProcessorOrWhenSwitchedOff() throws Exception {
        processorLeft.set(false);
        assertEquals(SelectStrategy.SELECT, watching(HOUR).calculateStrategy(polls::incrementAndGet, false));
        processorLeft.set(true);
        assertEquals(SelectStrategy.SELECT, watching(0).calculateStrategy(polls::incrementAndGet, false));
        BusyPoll unwatched = new BusyPoll(HOUR, processorLeft::get);
        assertEquals(SelectStrategy.SELECT, unwatched.calculateStrategy(polls::incrementAndGet, false));
        assertEquals(0, polls.get());
    }

    @Test
    void asksOnceWhenTasksWait() throws Exception {
        assertEquals(1, watching(HOUR).calculateStrategy(polls::incrementAndGet, true));
        assertEquals(1, polls.get());
    }
}
