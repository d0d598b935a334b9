package io.blockseal.memory;

import java.util.ArrayDeque;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * One loop's buffers for guest data: slots of three sizes, cut from slabs that are mapped on demand and never given
 * back to the system, within a budget that all loops share.
 *
 * <p>{@link #lease} is called on the loop's thread; the last {@code release()} of a buffer may happen anywhere and
 * returns it on the loop's. When nothing can be leased the answer is null, never an exception: the caller stops reading
 * from its client and is told by {@link #whenReturned} when to try again. One thread owns all fields; the counters are
 * read by whoever scrapes and may be a moment old.
 *
 * <p>A few small slots are kept in reserve, outside the budget, for layers that need a buffer to finish a request whose
 * payload already holds one: otherwise payloads could spend the budget while all of them wait for a layer, and the layer
 * for them. Whoever holds a reserved buffer must be able to return it without leasing another.
 */
public final class BufferArena {
    /** Bytes before the data of each slot: room for a reply header that keeps the data aligned for O_DIRECT. */
    public static final int HEAD_ROOM_BYTES = 4096;
    /** The most data that one buffer holds. */
    public static final int MAX_DATA_BYTES = 1 << 20;

    private static final int[] DATA_BYTES = {4 << 10, 64 << 10, 256 << 10, MAX_DATA_BYTES};
    private static final int SLAB_BYTES = 2 << 20;

    /** Data bytes of a reserved buffer: the largest data unit. */
    public static final int RESERVED_DATA_BYTES = 4096;

    private static final int RESERVED_COUNT = 8;
    private static final int RESERVED_CLASS = DATA_BYTES.length;

    private final Executor loop;
    private final Thread owner;
    private final MemorySource source;
    private final BufferBudget budget;
    private final ArrayDeque<ArenaBuf>[] idle;
    private final ArrayDeque<Runnable> waiting = new ArrayDeque<>();
    private final ArrayDeque<Runnable> layersWaiting = new ArrayDeque<>();
    private volatile int leased;
    private volatile long leasedBytes;

    /**
     * Makes an empty arena.
     *
     * @param loop runs tasks on {@code owner}
     * @param owner the thread that leases
     */
    public BufferArena(Executor loop, Thread owner, MemorySource source, BufferBudget budget) {
        this.loop = loop;
        this.owner = owner;
        this.source = source;
        this.budget = budget;
        this.idle = queues(DATA_BYTES.length + 1);
        cut(RESERVED_CLASS, HEAD_ROOM_BYTES + RESERVED_DATA_BYTES, RESERVED_COUNT);
    }

    @SuppressWarnings({"unchecked", "rawtypes"}) // Java has no generic arrays; this one never leaves the class.
    private static ArrayDeque<ArenaBuf>[] queues(int count) {
        ArrayDeque<ArenaBuf>[] queues = new ArrayDeque[count];
        for (int i = 0; i < count; i++) {
            queues[i] = new ArrayDeque<>();
        }
        return queues;
    }

    /**
     * A buffer with room for {@code dataBytes} (1 to {@link #MAX_DATA_BYTES}) of data, or null when the budget is
     * spent. Its contents are whatever was there before: a reader must fill what it sends.
     */
    public @Nullable ArenaBuf lease(int dataBytes) {
        for (int sizeClass = 0; sizeClass < DATA_BYTES.length; sizeClass++) {
            if (dataBytes <= DATA_BYTES[sizeClass]) {
                ArenaBuf buf = idle[sizeClass].poll();
                if (buf == null && grow(sizeClass)) {
                    buf = idle[sizeClass].poll();
                }
                if (buf != null) {
                    buf.revive();
                    count(1, buf.dataCapacity());
                    return buf;
                }
                // A larger idle slot serves as well when the budget is spent.
            }
        }
        return null;
    }

    /**
     * A buffer of {@link #RESERVED_DATA_BYTES} from the reserve, or null while all of it is out. For a layer that was
     * refused by {@link #lease} and that returns this buffer without needing another.
     */
    public @Nullable ArenaBuf leaseReserved() {
        ArenaBuf buf = idle[RESERVED_CLASS].poll();
        if (buf != null) {
            buf.revive();
            count(1, buf.dataCapacity());
        }
        return buf;
    }

    /**
     * Runs the task once, on the loop, after a buffer of either kind has come back, before any task of
     * {@link #whenReturned}. For a layer that was refused the reserve.
     */
    public void whenReserveReturned(Runnable task) {
        layersWaiting.add(task);
    }

    /** Runs the task once, on the loop, after some buffer has come back. For a caller that was refused. */
    public void whenReturned(Runnable task) {
        waiting.add(task);
    }

    /** Forgets a task given to {@link #whenReturned}. */
    public void forget(Runnable task) {
        waiting.remove(task);
    }

    /** How many buffers are out; zero when nothing is in flight. From any thread. */
    public int leasedCount() {
        return leased;
    }

    /** How many bytes of data the buffers that are out can hold. From any thread. */
    public long leasedBytes() {
        return leasedBytes;
    }

    void giveBack(ArenaBuf buf) {
        if (Thread.currentThread() == owner) {
            takeBack(buf);
        } else {
            loop.execute(() -> takeBack(buf));
        }
    }

    private void takeBack(ArenaBuf buf) {
        idle[buf.sizeClass()].push(buf);
        count(-1, -buf.dataCapacity());
        Runnable task = layersWaiting.poll();
        if (task == null && buf.sizeClass() != RESERVED_CLASS) {
            // A reserved buffer is of no use to those who wait for an ordinary one.
            task = waiting.poll();
        }
        if (task != null) {
            loop.execute(task);
        }
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // One thread writes; the volatile is for those who only read.
    private void count(int buffers, int bytes) {
        leased += buffers;
        leasedBytes += bytes;
    }

    private boolean grow(int sizeClass) {
        int slotBytes = HEAD_ROOM_BYTES + DATA_BYTES[sizeClass];
        int slotCount = Math.max(1, SLAB_BYTES / slotBytes);
        if (!budget.take((long) slotCount * slotBytes)) {
            return false;
        }
        cut(sizeClass, slotBytes, slotCount);
        return true;
    }

    private void cut(int sizeClass, int slotBytes, int slotCount) {
        Memory slab = source.map(slotCount * slotBytes);
        for (int i = 0; i < slotCount; i++) {
            Memory slot = new Memory(
                    slab.bytes().slice(i * slotBytes, slotBytes),
                    slab.address() == 0 ? 0 : slab.address() + (long) i * slotBytes);
            idle[sizeClass].push(new ArenaBuf(this, sizeClass, slot));
        }
    }
}
