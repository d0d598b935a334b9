package io.blockseal.block;

import io.blockseal.memory.Memory;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * One command on its way down a stack of layers and back up: pooled, mutable, owned by whoever holds it.
 *
 * <p>It is used on one loop's thread. A layer that wants to see the result pushes a frame before it passes the request
 * down; {@link #complete} pops the topmost frame and calls it, the way kernel drivers stack completion routines, with
 * no object made. READ and WRITE carry at most {@link io.blockseal.memory.BufferArena#MAX_DATA_BYTES} in memory that
 * belongs to whoever made the request; the other commands carry no memory and any length.
 */
@HotPath("every command of every client is one of these")
public final class BlockRequest {
    /** Durable before completion. */
    public static final int FUA = 1;
    /** WRITE_ZEROES must leave the stretch provisioned. */
    public static final int NO_HOLE = 1 << 1;
    /** WRITE_ZEROES must be faster than writing, or fail with {@link Errno#ENOTSUP} and change nothing. */
    public static final int FAST_ZERO = 1 << 2;
    /** BLOCK_STATUS wants one extent, not past the end of the stretch. */
    public static final int REQ_ONE = 1 << 3;

    /** How many layers a stack may have. */
    static final int FRAMES_MAX = 8;

    private final @Nullable Completion[] layers = new Completion[FRAMES_MAX];
    private final long[] tokens = new long[FRAMES_MAX];
    private int frameCount;

    private Command command = Command.FLUSH;
    private int flags;
    private long offset;
    private long length;
    private @Nullable Memory memory;
    private int memoryOffset;
    private @Nullable ExtentList extents;
    private Errno errno = Errno.OK;
    private @Nullable PayloadWork work;

    /** Makes it a command without memory: FLUSH, TRIM, WRITE_ZEROES or CACHE. Frames are kept. */
    public BlockRequest set(Command newCommand, int newFlags, long newOffset, long newLength) {
        command = newCommand;
        flags = newFlags;
        offset = newOffset;
        length = newLength;
        memory = null;
        memoryOffset = 0;
        extents = null;
        errno = Errno.OK;
        work = null;
        return this;
    }

    /** Changes where it goes and with which flags, and nothing else; a layer that does so undoes it on the way up. */
    public void readdress(int newFlags, long newOffset) {
        flags = newFlags;
        offset = newOffset;
    }

    /** Gives READ or WRITE its memory: {@code length()} bytes from {@code offsetInMemory}. */
    public BlockRequest withMemory(Memory newMemory, int offsetInMemory) {
        memory = newMemory;
        memoryOffset = offsetInMemory;
        return this;
    }

    /**
     * Has this done to the bytes of a WRITE before they are stored. Only for a channel that
     * {@link BlockChannel#worksBeforeWriting}.
     */
    public void withWork(PayloadWork newWork) {
        work = newWork;
    }

    /** Does what {@link #withWork} asked for; OK if nothing was, or if it was done before. */
    public Errno work() {
        PayloadWork todo = work;
        if (todo == null) {
            return Errno.OK;
        }
        work = null;
        return todo.work(this);
    }

    /** Gives BLOCK_STATUS the list to fill. */
    public BlockRequest withExtents(ExtentList list) {
        extents = list;
        return this;
    }

    /** What to do. */
    public Command command() {
        return command;
    }

    /** The flags, an OR of the constants above. */
    public int flags() {
        return flags;
    }

    /** Whether all bits of {@code flag} are set. */
    public boolean has(int flag) {
        return (flags & flag) == flag;
    }

    /** First byte of the stretch. */
    public long offset() {
        return offset;
    }

    /** Bytes in the stretch. */
    public long length() {
        return length;
    }

    /** The memory of a READ or WRITE. */
    public Memory memory() {
        Memory m = memory;
        if (m == null) {
            throw new IllegalStateException("a request without memory was asked for it: " + command);
        }
        return m;
    }

    /** Where in {@link #memory()} the payload begins. */
    public int memoryOffset() {
        return memoryOffset;
    }

    /** The list that BLOCK_STATUS fills. */
    public ExtentList extents() {
        ExtentList list = extents;
        if (list == null) {
            throw new IllegalStateException("a request without an extent list was asked for it: " + command);
        }
        return list;
    }

    /** How it went; meaningful in {@link Completion#onComplete}. */
    public Errno errno() {
        return errno;
    }

    /** Asks for {@code layer.onComplete(this, token)} when the request comes back up. */
    public void push(Completion layer, long token) {
        layers[frameCount] = layer;
        tokens[frameCount] = token;
        frameCount++;
    }

    /** Sends the request up: pops the topmost frame and calls its layer. On the loop's thread only. */
    public void complete(Errno result) {
        errno = result;
        if (work != null) {
            dropWork();
        }
        frameCount--;
        Completion layer = layers[frameCount];
        layers[frameCount] = null;
        if (layer == null) {
            throw new IllegalStateException("completed twice: " + describe());
        }
        layer.onComplete(this, tokens[frameCount]);
    }

    private void dropWork() {
        work = null;
        if (errno == Errno.OK) {
            throw new IllegalStateException("written without the work that was to be done first: " + describe());
        }
    }

    /** Forgets everything; what a pool does before it lends the request again. */
    void clear() {
        Arrays.fill(layers, null);
        frameCount = 0;
        set(Command.FLUSH, 0, 0, 0);
    }

    /** For a stuck request in a debugger or a dump: the command and who waits for it, topmost last. */
    public String describe() {
        StringBuilder text = new StringBuilder(64);
        text.append(command)
                .append(" offset=")
                .append(offset)
                .append(" length=")
                .append(length);
        for (int i = 0; i < frameCount; i++) {
            Completion layer = layers[i];
            text.append(" < ").append(layer == null ? "?" : layer.getClass().getSimpleName());
        }
        return text.toString();
    }
}
