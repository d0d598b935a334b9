package io.blockseal.block;

import io.blockseal.memory.BufferArena;
import io.blockseal.memory.BufferBudget;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.MemorySource;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.server.EpollWatch;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimLibrary;
import io.netty.channel.IoEventLoop;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;

/** An event loop for tests: one thread that runs tasks in order, with real buffers and requests. */
public final class ThreadLoop implements IoLoop, AutoCloseable {
    private final int index;
    private final LinkedBlockingQueue<Runnable> tasks = new LinkedBlockingQueue<>();
    private final Thread thread;
    private final BufferArena buffers;
    private final RequestPool requests = new RequestPool(16);
    private final AtomicReference<MultiThreadIoEventLoopGroup> poller = new AtomicReference<>();
    private volatile boolean open = true;

    public ThreadLoop(int index) {
        this(index, memory(), new BufferBudget(64L << 20));
    }

    public ThreadLoop(int index, MemorySource source, BufferBudget budget) {
        this.index = index;
        thread = new Thread(this::run, "test-loop-" + index);
        thread.setDaemon(true);
        buffers = new BufferArena(this, thread, source, budget);
        thread.start();
    }

    /** Memory that native code can use, if there is native code. */
    public static MemorySource memory() {
        Shim shim = ShimLibrary.open().shim();
        return shim == null ? new JvmMemorySource() : new ShimMemorySource(shim);
    }

    private void run() {
        while (open) {
            try {
                tasks.take().run();
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    /** Runs the call on the loop and waits for its result, at most 30 seconds. */
    public <T> T call(Callable<T> task) throws Exception {
        CompletableFuture<T> result = new CompletableFuture<>();
        execute(() -> {
            try {
                result.complete(task.call());
            } catch (Throwable e) {
                result.completeExceptionally(e);
            }
        });
        return result.get(30, TimeUnit.SECONDS);
    }

    @Override
    public int index() {
        return index;
    }

    @Override
    public boolean inLoop() {
        return Thread.currentThread() == thread;
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
    }

    /** Another thread waits for the descriptor, with what the server's loops use, and says so by a task. */
    @Override
    public Watch watch(int descriptor, Runnable whenReadable) {
        if (poller.get() == null) {
            poller.set(new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory()));
        }
        IoEventLoop waiting = poller.get().next();
        EpollWatch watch = waiting.submit(() -> EpollWatch.on(waiting, descriptor, () -> execute(whenReadable)))
                .syncUninterruptibly()
                .getNow();
        return () -> waiting.submit(watch::close).syncUninterruptibly();
    }

    @Override
    public BufferArena buffers() {
        return buffers;
    }

    @Override
    public RequestPool requests() {
        return requests;
    }

    @Override
    public void close() {
        execute(() -> open = false);
        if (poller.get() != null) {
            poller.get().shutdownGracefully(0, 5, TimeUnit.SECONDS);
        }
    }
}
