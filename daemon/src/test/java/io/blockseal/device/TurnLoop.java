package io.blockseal.device;

import io.blockseal.block.IoLoop;
import io.blockseal.block.RequestPool;
import io.blockseal.memory.BufferArena;
import io.blockseal.memory.BufferBudget;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.MemorySource;
import java.util.ArrayDeque;

/** A loop that takes a turn when the test says so, on the test's thread: several interleave as a seed decides. */
public final class TurnLoop implements IoLoop {
    private final int index;
    private final ArrayDeque<Runnable> tasks = new ArrayDeque<>();
    private final BufferArena buffers;
    private final RequestPool requests = new RequestPool(4);

    public TurnLoop(int index, BufferBudget budget) {
        this(index, budget, new JvmMemorySource());
    }

    /** Its buffers are of that memory, which an engine may insist on. */
    public TurnLoop(int index, BufferBudget budget, MemorySource memory) {
        this.index = index;
        this.buffers = new BufferArena(this, Thread.currentThread(), memory, budget);
    }

    /** Runs one task; false if there is none. */
    public boolean takeTurn() {
        Runnable task = tasks.poll();
        if (task == null) {
            return false;
        }
        task.run();
        return true;
    }

    boolean isIdle() {
        return tasks.isEmpty();
    }

    @Override
    public int index() {
        return index;
    }

    @Override
    public boolean inLoop() {
        return true;
    }

    @Override
    public void execute(Runnable task) {
        tasks.add(task);
    }

    @Override
    public BufferArena buffers() {
        return buffers;
    }

    @Override
    public RequestPool requests() {
        return requests;
    }
}
