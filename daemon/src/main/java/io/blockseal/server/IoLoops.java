package io.blockseal.server;

import io.blockseal.block.IoLoop;
import io.blockseal.memory.MemorySource;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.util.concurrent.EventExecutor;
import io.netty.util.concurrent.FastThreadLocalThread;
import io.netty.util.concurrent.SingleThreadEventExecutor;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.LongSupplier;

/** The daemon's event loops: started once, shared by the server and by whoever needs a loop for its own I/O. */
public final class IoLoops implements AutoCloseable {
    /** More loops than this do not help: the cipher is fast and the clients are few. */
    public static final int COUNT_MAX = 8;
    /**
     * Buffers for guest data of one loop. The least that works is {@link #BUFFER_BYTES_MIN}; only what was ever in use
     * is resident.
     */
    public static final long BUFFER_BYTES_DEFAULT = 64 << 20;
    /** A READ of 32 MiB with a simple reply has to be held whole; this leaves room beside it. */
    public static final long BUFFER_BYTES_MIN = 40 << 20;

    /**
     * How long a loop looks for more before it sleeps, see {@link BusyPoll}; a client with one request at a time comes back
     * within this.
     */
    private static final long BUSY_POLL_NANOS = 50_000;

    private final EventLoopGroup group;
    private final List<NettyIoLoop> loops;

    private IoLoops(EventLoopGroup group, List<NettyIoLoop> loops) {
        this.group = group;
        this.loops = List.copyOf(loops);
    }

    /** As many loops as there are cores, at most {@link #COUNT_MAX}. */
    public static int defaultCount() {
        return Math.min(Runtime.getRuntime().availableProcessors(), COUNT_MAX);
    }

    /**
     * Starts {@code count} threads named {@code loop-N}.
     *
     * @param bufferBytesPerLoop budget for guest data of each loop, at least {@link #BUFFER_BYTES_MIN}
     * @param source where buffers come from
     */
    public static IoLoops start(int count, long bufferBytesPerLoop, MemorySource source) {
        if (count < 1 || bufferBytesPerLoop < BUFFER_BYTES_MIN) {
            throw new IllegalArgumentException("loops need a count of at least 1 and " + BUFFER_BYTES_MIN
                    + " bytes of buffers each; asked for " + count + " and " + bufferBytesPerLoop);
        }
        MemorySource memory = new ShortageNews(source);
        SpareProcessors spare = SpareProcessors.ofThisMachine();
        List<BusyPoll> polls = new ArrayList<>(count);
        AtomicInteger number = new AtomicInteger();
        ThreadFactory threads = task -> thread(task, number.getAndIncrement());
        EventLoopGroup group = new MultiThreadIoEventLoopGroup(count, threads, EpollIoHandler.newFactory(0, () -> {
            BusyPoll poll = busyPoll(spare.addLoop(), System::nanoTime);
            polls.add(poll);
            return poll;
        }));
        List<NettyIoLoop> loops = new ArrayList<>(count);
        for (EventExecutor executor : group) {
            BusyPoll poll = polls.get(loops.size());
            Thread thread = executor.submit(() -> {
                        if (executor instanceof SingleThreadEventExecutor tasks) {
                            poll.watch(() -> tasks.pendingTasks() > 0);
                        }
                        return Thread.currentThread();
                    })
                    .awaitUninterruptibly()
                    .getNow();
            loops.add(new NettyIoLoop((EventLoop) executor, thread, loops.size(), bufferBytesPerLoop, memory, poll));
        }
        return new IoLoops(group, loops);
    }

    /** How a loop goes to sleep that has this part of the processors. */
    static BusyPoll busyPoll(SpareProcessors.Loop processors, LongSupplier nanoTime) {
        return new BusyPoll(BUSY_POLL_NANOS, processors, nanoTime);
    }

    private static Thread thread(Runnable task, int number) {
        Thread thread = new FastThreadLocalThread(task, "loop-" + number);
        thread.setDaemon(true);
        return thread;
    }

    /** The loops, by index. */
    public List<IoLoop> all() {
        return List.copyOf(loops);
    }

    List<NettyIoLoop> netty() {
        return loops;
    }

    EventLoopGroup group() {
        return group;
    }

    NettyIoLoop of(EventLoop eventLoop) {
        for (NettyIoLoop loop : loops) {
            if (loop.eventLoop() == eventLoop) {
                return loop;
            }
        }
        throw new IllegalArgumentException("a loop of another group");
    }

    /** Stops the threads; every channel on them is closed by now. */
    @Override
    public void close() {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
