package io.blockseal.block;

import io.blockseal.memory.BufferArena;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * A data path's view of the event loop that owns it: a thread that runs tasks, with the loop's own buffers and
 * requests. The server implements it over Netty, tests over a plain thread.
 */
public interface IoLoop extends Executor {
    /** Number of the loop, from 0; stripes counters. */
    int index();

    /** Whether the calling thread is the loop's. */
    boolean inLoop();

    /** Runs the task on the loop's thread, after what it is doing now. From any thread. */
    @Override
    void execute(Runnable task);

    /**
     * Has the task run on the loop's thread each time that the descriptor has become readable (edge triggered: it need
     * not be read), until the watch is closed; on its thread only. Null if this loop looks at no descriptors.
     */
    default @Nullable Watch watch(int descriptor, Runnable whenReadable) {
        return null;
    }

    /** The loop's buffers; on its thread only. */
    BufferArena buffers();

    /** The loop's requests; on its thread only. */
    RequestPool requests();

    /**
     * Whether the machine has a processor that no loop with clients needs, so that a large call may be made by another
     * thread while the loop goes on. From the loop's thread.
     */
    default boolean hasSpareProcessor() {
        return false;
    }

    /**
     * Says that another thread begins (1) or ends (-1) to work for this loop at full speed, and so needs a processor. From
     * any thread.
     */
    default void usesProcessor(int change) {}

    /**
     * Says that a file whose requests the loop itself watches has some on their way (1), or none any more (-1). On its
     * thread.
     */
    default void awaitsDisk(int change) {}

    /** Counts what the loop has received from clients; whoever compares two values learns whether it had work. */
    default long receipts() {
        return 0;
    }

    /** A descriptor that the loop looks at. */
    interface Watch extends AutoCloseable {
        /** Looks no more; on the loop's thread, and before the descriptor is closed. */
        @Override
        void close();
    }
}
