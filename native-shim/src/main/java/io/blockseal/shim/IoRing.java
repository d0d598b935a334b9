package io.blockseal.shim;

import java.io.IOException;

/**
 * An io_uring on one open file: reads and writes are noted, sent in one system call, and fetched when they are done. It
 * belongs to the thread that opened it; nothing waits and, once open, nothing allocates.
 *
 * <p>Each request has a tag of the caller's. Its memory must stay where it is until the tag has come back, whatever
 * happens to the request. Results are bytes, perhaps fewer than asked for, or negative error numbers; {@link #AGAIN},
 * {@link #INTERRUPTED} and {@link #CANCELLED} are the ring's and say nothing of the file.
 */
public final class IoRing implements AutoCloseable {
    /** To be done again, or in another way. */
    public static final int AGAIN = -11;

    public static final int INTERRUPTED = -4;
    public static final int CANCELLED = -125;

    private static final int PAIR_BYTES = 2 * Long.BYTES;

    private final Shim shim;
    private final long handle;
    private final int entries;
    private final OffHeap done;
    /** Once closed its memory is gone, and an event that was on its way to the owner must do no harm. */
    private boolean open = true;

    private IoRing(Shim shim, long handle) {
        this.shim = shim;
        this.handle = handle;
        this.entries = shim.ringEntries(handle);
        this.done = OffHeap.allocate(entries * PAIR_BYTES);
    }

    /**
     * A ring for at least {@code entries} (1 to 4096) requests at a time.
     *
     * @throws IOException if the system has none or refuses it: an old kernel, {@code kernel.io_uring_disabled}, a
     *     container's rules, no locked memory
     */
    public static IoRing open(Shim shim, int descriptor, int entries) throws IOException {
        long handle = shim.ringOpen(descriptor, entries, 0);
        if (handle < 0) {
            throw new IOException("io_uring is refused: " + describe(handle));
        }
        return new IoRing(shim, handle);
    }

    private static String describe(long error) {
        return switch ((int) error) {
            case -1, -13 -> "not permitted (kernel.io_uring_disabled, or a container's rules)";
            case -38 -> "this kernel has none, or one too old (5.6 is needed)";
            case -12 -> "no memory, or RLIMIT_MEMLOCK is too low";
            default -> ShimError.describe(error);
        };
    }

    /** The eventfd that becomes readable, again and again, after requests were done. It need not be read. */
    public int eventDescriptor() {
        return shim.ringEvent(handle);
    }

    /** How many requests may be on their way. */
    public int entries() {
        return entries;
    }

    /** Notes a read; false if the ring is full, or closed. */
    public boolean read(long address, long length, long offset, long tag) {
        return open && shim.ringRead(handle, address, length, offset, tag) == 0;
    }

    /** Notes a write; likewise. */
    public boolean write(long address, long length, long offset, long tag) {
        return open && shim.ringWrite(handle, address, length, offset, tag) == 0;
    }

    /** Notes a write that is durable when it is done; likewise. */
    public boolean writeDurably(long address, long length, long offset, long tag) {
        return open && shim.ringWriteDsync(handle, address, length, offset, tag) == 0;
    }

    /** Sends what was noted. Returns how many of the last ones the system did not take: no result will come of those. */
    public int submit() {
        return open ? shim.ringSubmit(handle) : 0;
    }

    /** Fetches what is done and returns how many that are; {@link #tag} and {@link #result} then tell of each. */
    public int reap() {
        return open ? shim.ringReap(handle, done.address(), entries) : 0;
    }

    /** The tag of fetched request {@code index}. */
    public long tag(int index) {
        return done.getLong(index * PAIR_BYTES);
    }

    /** Its result: bytes, or a negative error number. */
    public int result(int index) {
        return (int) done.getLong(index * PAIR_BYTES + Long.BYTES);
    }

    /** Frees it. Every request has come back. */
    @Override
    public void close() {
        if (open) {
            int result = shim.ringClose(handle);
            if (result != 0) {
                throw new IllegalStateException(
                        "a ring was closed with requests on their way: " + ShimError.describe(result));
            }
            open = false;
        }
    }
}
