package io.blockseal.device;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Completion;
import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;
import io.blockseal.block.IoLoop;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.BufferArena;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One request that takes several smaller ones: a state that is asked for its next step until there is none, on the
 * loop's thread, without recursion however many children complete at once.
 *
 * <p>{@link #outstanding} counts what will call back: children in flight, turns yielded, waits for a buffer or a lock.
 * The request is completed when the walk is over and nothing is outstanding; the first error ends the walk and is what
 * the request carries. Pooled by its channel.
 */
@HotPath("requests that cross a border or are not aligned")
abstract class Walk implements Completion, Runnable {
    /** What a step found. */
    enum Progress {
        /** There is more to do: ask again. */
        GO_ON,
        /** Nothing to do until something outstanding calls back. */
        WAIT,
        /** Everything was started. */
        OVER
    }

    private static final int SMALLEST_BUFFER_BYTES = BufferArena.RESERVED_DATA_BYTES;

    private final IoLoop loop;
    private final BlockChannel below;
    private @Nullable BlockRequest request;
    private Errno errno = Errno.OK;
    private int outstanding;
    private boolean advancing;

    /** Walks on {@code loop}; {@code below} is kicked after steps that no submit from above will follow. */
    Walk(IoLoop loop, BlockChannel below) {
        this.loop = loop;
        this.below = below;
    }

    /** Does the next bit of work. */
    abstract Progress step();

    /** A child came back with its token; it is released afterwards. Its error, if any, is recorded already. */
    void childDone(BlockRequest child, long token) {}

    /** Everything is over: give back what the walk holds, and the walk itself to its pool. */
    abstract void end();

    final void begin(BlockRequest newRequest) {
        request = newRequest;
        errno = Errno.OK;
        advance();
    }

    /** The request that is being carried out. */
    final BlockRequest request() {
        return Objects.requireNonNull(request);
    }

    final int outstanding() {
        return outstanding;
    }

    /** A request of the walk's own that will come back to it; the step submits it somewhere below. */
    final BlockRequest child(Command command, int flags, long offset, long length) {
        return child(command, flags, offset, length, 0);
    }

    /** The same, with something that {@link #childDone} is told. */
    final BlockRequest child(Command command, int flags, long offset, long length, long token) {
        BlockRequest child = loop.requests().lease().set(command, flags, offset, length);
        child.push(this, token);
        outstanding++;
        return child;
    }

    /** Lets the loop do something else before the next step. */
    final Progress yieldTurn() {
        outstanding++;
        loop.execute(this);
        return Progress.WAIT;
    }

    /** Whoever holds the lock or buffer that the walk needs will have {@link #run} called on the loop. */
    final Progress waitForCall() {
        outstanding++;
        return Progress.WAIT;
    }

    /** The walk has come to a range that is held: it waits until that is let go, or fails. */
    final Progress heldBy(EncryptedChannel channel) {
        Errno failure = channel.whileHeld();
        if (failure != Errno.OK) {
            return fail(failure);
        }
        if (outstanding == 0) {
            // With something outstanding its return is reason enough to look again.
            channel.waitForThaw(this);
            return waitForCall();
        }
        return Progress.WAIT;
    }

    /** Has {@link #run} called on the loop; from any thread. */
    final void callOnLoop() {
        loop.execute(this);
    }

    /**
     * A buffer of {@code dataBytes} or less, at least {@link #SMALLEST_BUFFER_BYTES} in capacity, out of the reserve at
     * last; or null, and then the walk is called when it may try again. The walk must be able to give it back without
     * another buffer and without a lock that it does not hold.
     */
    final @Nullable ArenaBuf leaseBuffer(int dataBytes) {
        BufferArena arena = loop.buffers();
        ArenaBuf buf = arena.lease(dataBytes);
        for (int less = dataBytes >> 1; buf == null && less >= SMALLEST_BUFFER_BYTES; less >>= 1) {
            buf = arena.lease(less);
        }
        if (buf == null) {
            buf = arena.leaseReserved();
        }
        if (buf == null && outstanding == 0) {
            // With something outstanding its return is reason enough to try again. So a walk waits for a buffer only
            // while nothing can end it meanwhile, and never takes the call that another waiter needs.
            outstanding++;
            arena.whenReserveReturned(this);
        }
        return buf;
    }

    /** Ends the walk with an error, unless it has one already. */
    final Progress fail(Errno newErrno) {
        if (errno == Errno.OK) {
            errno = newErrno;
        }
        return Progress.OVER;
    }

    @Override
    public final void onComplete(BlockRequest child, long token) {
        if (child.errno() != Errno.OK) {
            fail(child.errno());
        }
        childDone(child, token);
        loop.requests().release(child);
        resume();
    }

    /** A yielded turn, a granted lock or a returned buffer. */
    @Override
    public final void run() {
        resume();
    }

    private void resume() {
        outstanding--;
        if (!advancing) {
            advance();
            below.kick();
        }
    }

    private void advance() {
        advancing = true;
        Progress progress;
        do {
            progress = errno == Errno.OK ? step() : Progress.OVER;
        } while (progress == Progress.GO_ON || (errno != Errno.OK && progress == Progress.WAIT));
        advancing = false;
        if (progress == Progress.OVER && outstanding == 0) {
            BlockRequest done = request();
            Errno result = errno;
            request = null;
            end();
            done.complete(result);
        }
    }
}
