package io.blockseal.memory;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.concurrent.Executor;
import org.jspecify.annotations.Nullable;

/**
 * One loop's buffers for guest data: slots of four sizes, cut from slabs that are mapped on demand and never given back
 * to the system, within a budget. A slab whose slots are all idle is cut anew for another size when the budget is
 * spent, so that a burst of small requests does not lock out large ones for ever.
 *
 * <p>{@link #lease} is called on the loop's thread; the last {@code release()} of a buffer may happen anywhere and
 * returns it on the loop's. When nothing can be leased, as the budget is spent or the system has no memory, the answer is
 * null, never an exception: the caller stops reading from its client and is told by {@link #whenReturned} when to try
 * again, if something {@link #mayReturn}. One thread owns all fields; the counters are read by whoever scrapes and may be
 * a moment old.
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

    /** Data bytes of a reserved buffer: the largest data unit. */
    public static final int RESERVED_DATA_BYTES = 4096;

    private static final int[] DATA_BYTES = {4 << 10, 64 << 10, 256 << 10, MAX_DATA_BYTES};
    /** Four slots of 256 KiB with their head room; one of 1 MiB fits as well. */
    private static final int SLAB_BYTES = 4 * (HEAD_ROOM_BYTES + (256 << 10));

    private static final int[] OCCUPIED_BYTES = occupiedBytes();

    private static final int RESERVED_COUNT = 8;
    private static final int RESERVED_CLASS = DATA_BYTES.length;

    private final Executor loop;
    private final Thread owner;
    private final MemorySource source;
    private final BufferBudget budget;
    private final ArrayDeque<ArenaBuf>[] idle;
    private final ArrayList<Slab> slabs = new ArrayList<>();
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
        int reservedBytes = RESERVED_COUNT * (HEAD_ROOM_BYTES + RESERVED_DATA_BYTES);
        cut(new Slab(source.map(reservedBytes)), RESERVED_CLASS, RESERVED_DATA_BYTES);
    }

    private static int[] occupiedBytes() {
        int[] occupied = new int[DATA_BYTES.length];
        for (int i = 0; i < occupied.length; i++) {
            occupied[i] = SLAB_BYTES / (SLAB_BYTES / (HEAD_ROOM_BYTES + DATA_BYTES[i]));
        }
        return occupied;
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
     * spent or the system has no memory. Its contents are whatever was there before: a reader must fill what it sends.
     */
    public @Nullable ArenaBuf lease(int dataBytes) {
        int own = sizeClassOf(dataBytes);
        ArenaBuf buf = idle[own].poll();
        if (buf == null && (grow(own) || recut(own))) {
            buf = idle[own].poll();
        }
        // A larger idle slot serves as well when the budget is spent.
        for (int larger = own + 1; buf == null && larger < DATA_BYTES.length; larger++) {
            buf = idle[larger].poll();
        }
        return buf == null ? null : lend(buf);
    }

    /**
     * Leases {@code count} buffers of {@code dataBytes} into the first places of {@code into}, or none at all: who needs
     * several at once must not sit on some of them while another does the same.
     *
     * @return whether they were leased
     */
    public boolean leaseAll(int dataBytes, int count, @Nullable ArenaBuf[] into) {
        for (int i = 0; i < count; i++) {
            ArenaBuf buf = lease(dataBytes);
            if (buf == null) {
                // Put back without waking whoever waits: nothing has become free.
                for (int j = 0; j < i; j++) {
                    ArenaBuf unused = into[j];
                    into[j] = null;
                    if (unused != null) {
                        putBack(unused);
                    }
                }
                return false;
            }
            into[i] = buf;
        }
        return true;
    }

    /**
     * A buffer of {@link #RESERVED_DATA_BYTES} from the reserve, or null while all of it is out. For a layer that was
     * refused by {@link #lease} and that returns this buffer without needing another.
     */
    public @Nullable ArenaBuf leaseReserved() {
        ArenaBuf buf = idle[RESERVED_CLASS].poll();
        return buf == null ? null : lend(buf);
    }

    private ArenaBuf lend(ArenaBuf buf) {
        buf.revive();
        buf.slab().idleCount--;
        count(1, buf.occupiedBytes());
        return buf;
    }

    /**
     * Runs the task once, on the loop, after a buffer of either kind has come back, before any task of
     * {@link #whenReturned}. For a layer that was refused the reserve.
     */
    public void whenReserveReturned(Runnable task) {
        layersWaiting.add(task);
    }

    /** Whether a buffer is out that ends the wait of {@link #whenReturned}; if none is, nothing will. */
    public boolean mayReturn() {
        int reservedOut = RESERVED_COUNT - idle[RESERVED_CLASS].size();
        return leased > reservedOut;
    }

    /** Runs the task once, on the loop, after some buffer has come back. For a caller that was refused. */
    public void whenReturned(Runnable task) {
        waiting.add(task);
    }

    /** Forgets a task given to {@link #whenReturned}. */
    public void forget(Runnable task) {
        waiting.remove(task);
    }

    /** What a buffer for so many bytes of data takes of its slab at least, with its head room and its part of the rest. */
    public static int occupiedBytes(int dataBytes) {
        return OCCUPIED_BYTES[sizeClassOf(dataBytes)];
    }

    /** How many buffers are out; zero when nothing is in flight. From any thread. */
    public int leasedCount() {
        return leased;
    }

    /** The bound that this arena maps within. From any thread. */
    public BufferBudget budget() {
        return budget;
    }

    /**
     * What the buffers that are out take of the slabs, so that it compares with {@link #budget()}: when all of them are
     * out, it is what is mapped. From any thread.
     */
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
        putBack(buf);
        Runnable task = layersWaiting.poll();
        if (task == null && buf.slab().sizeClass != RESERVED_CLASS) {
            // A reserved buffer is of no use to those who wait for an ordinary one.
            task = waiting.poll();
        }
        if (task != null) {
            loop.execute(task);
        }
    }

    private void putBack(ArenaBuf buf) {
        Slab slab = buf.slab();
        idle[slab.sizeClass].push(buf);
        slab.idleCount++;
        count(-1, -buf.occupiedBytes());
    }

    @SuppressWarnings("NonAtomicVolatileUpdate") // One thread writes; the volatile is for those who only read.
    private void count(int buffers, int bytes) {
        leased += buffers;
        leasedBytes += bytes;
    }

    private static int sizeClassOf(int dataBytes) {
        int sizeClass = 0;
        while (dataBytes > DATA_BYTES[sizeClass]) {
            sizeClass++;
        }
        return sizeClass;
    }

    private boolean grow(int sizeClass) {
        if (!budget.take(SLAB_BYTES)) {
            return false;
        }
        Slab slab;
        try {
            slab = new Slab(source.map(SLAB_BYTES));
        } catch (OutOfMemoryError none) {
            // There may be some next time. Whoever has made the source knows whom to tell.
            budget.giveBack(SLAB_BYTES);
            return false;
        }
        slabs.add(slab);
        cut(slab, sizeClass, DATA_BYTES[sizeClass]);
        return true;
    }

    private boolean recut(int sizeClass) {
        for (Slab slab : slabs) {
            if (slab.sizeClass != sizeClass && slab.idleCount == slab.slotCount) {
                idle[slab.sizeClass].removeIf(buf -> buf.slab() == slab);
                cut(slab, sizeClass, DATA_BYTES[sizeClass]);
                return true;
            }
        }
        return false;
    }

    private void cut(Slab slab, int sizeClass, int dataBytes) {
        int slotBytes = HEAD_ROOM_BYTES + dataBytes;
        slab.sizeClass = sizeClass;
        slab.slotCount = slab.memory.capacity() / slotBytes;
        slab.idleCount = slab.slotCount;
        slab.occupiedBytes = slab.memory.capacity() / slab.slotCount;
        for (int i = 0; i < slab.slotCount; i++) {
            idle[sizeClass].push(new ArenaBuf(this, slab, slab.slice(i * slotBytes, slotBytes)));
        }
    }

    /** A stretch of mapped memory and how it is cut now. */
    static final class Slab {
        private final Memory memory;
        private int sizeClass;
        private int slotCount;
        private int idleCount;
        private int occupiedBytes;

        Slab(Memory memory) {
            this.memory = memory;
        }

        /** What each of its slots takes of it. */
        int occupiedBytes() {
            return occupiedBytes;
        }

        Memory slice(int offset, int length) {
            long address = memory.address() == 0 ? 0 : memory.address() + offset;
            return new Memory(memory.bytes().slice(offset, length), address);
        }
    }
}
