package io.blockseal.server;

import io.blockseal.block.IoLoop;
import io.blockseal.block.RequestPool;
import io.blockseal.memory.BufferArena;
import io.blockseal.memory.BufferBudget;
import io.blockseal.memory.MemorySource;
import io.netty.channel.EventLoop;
import io.netty.channel.IoEventLoop;
import io.netty.channel.SingleThreadEventLoop;
import io.netty.channel.epoll.EpollIoHandle;
import org.jspecify.annotations.Nullable;

/**
 * One Netty event loop with what belongs to it: buffers, requests, operations and the queue of connections that wait
 * for buffers. Everything but {@link #execute} is for the loop's own thread.
 */
public final class NettyIoLoop implements IoLoop {
    private static final int REQUESTS_IN_ADVANCE = 256;

    private final EventLoop eventLoop;
    private final int index;
    private final BufferArena buffers;
    private final BufferArena receiveBuffers;
    private final RequestPool requests = new RequestPool(REQUESTS_IN_ADVANCE);
    private final OperationPool operations = new OperationPool(REQUESTS_IN_ADVANCE);
    private final BufferTurnstile turnstile;
    private final BufferShare share;
    private final ExtentLists extentLists = new ExtentLists();
    private final StallWatch stallWatch;
    private final SpareProcessors.Loop processors;
    private final GatheringTime gathering;
    private final DiskPauses diskPauses;
    private long receipts;

    NettyIoLoop(EventLoop eventLoop, Thread thread, int index, long bufferBytes, MemorySource source, BusyPoll poll) {
        this.processors = poll.processors();
        this.gathering = poll.gathering();
        this.diskPauses = poll.diskPauses();
        this.eventLoop = eventLoop;
        this.index = index;
        this.buffers = new BufferArena(eventLoop, thread, source, new BufferBudget(bufferBytes));
        // One buffer for each connection at most, so the limit on connections is the bound. Apart from the data: a
        // connection that holds bytes it cannot work on yet must not keep others from finishing theirs.
        this.receiveBuffers = new BufferArena(eventLoop, thread, source, new BufferBudget(Long.MAX_VALUE));
        this.turnstile = new BufferTurnstile(buffers, eventLoop);
        this.share = new BufferShare(buffers);
        this.stallWatch = new StallWatch(eventLoop, turnstile);
    }

    @Override
    public int index() {
        return index;
    }

    @Override
    public boolean inLoop() {
        return eventLoop.inEventLoop();
    }

    @Override
    public void execute(Runnable task) {
        eventLoop.execute(task);
    }

    @Override
    public @Nullable Watch watch(int descriptor, Runnable whenReadable) {
        return eventLoop instanceof IoEventLoop loop && loop.isCompatible(EpollIoHandle.class)
                ? EpollWatch.on(loop, descriptor, whenReadable)
                : null;
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
    public boolean hasSpareProcessor() {
        return processors.oneIsLeft();
    }

    @Override
    public void usesProcessor(int change) {
        processors.take(change);
    }

    @Override
    public void awaitsDisk(int change) {
        diskPauses.awaitsDisk(change);
    }

    @Override
    public long receipts() {
        return receipts;
    }

    /** Something has come from a client. */
    void countReceipt() {
        receipts++;
    }

    /** A request of that connection has been taken from what came. */
    void countRequest(Connection from) {
        gathering.countRequest(from);
    }

    /** How long requests gather. */
    GatheringTime gathering() {
        return gathering;
    }

    /** What sockets are read into; at most one for each connection. */
    BufferArena receiveBuffers() {
        return receiveBuffers;
    }

    OperationPool operations() {
        return operations;
    }

    /** What BLOCK_STATUS is answered from. */
    ExtentLists extentLists() {
        return extentLists;
    }

    /** Where connections wait for {@link #buffers()}. */
    BufferTurnstile turnstile() {
        return turnstile;
    }

    /** How much of {@link #buffers()} a connection may hold. */
    BufferShare share() {
        return share;
    }

    /** Who looks at connections that hold buffers while others wait. */
    StallWatch stallWatch() {
        return stallWatch;
    }

    EventLoop eventLoop() {
        return eventLoop;
    }

    /** Runs the task at the end of this turn of the loop, before it asks the sockets again. */
    void executeAfterTurn(Runnable task) {
        if (eventLoop instanceof SingleThreadEventLoop loop) {
            loop.executeAfterEventLoopIteration(task);
        } else {
            eventLoop.execute(task);
        }
    }
}
