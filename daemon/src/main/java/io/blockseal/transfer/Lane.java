package io.blockseal.transfer;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.block.IoLoop;
import io.blockseal.memory.ArenaBuf;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * One end of a transfer with an open channel: for the copying, which lives on the loop, and for single requests of the
 * thread that runs the transfer, which waits for them. That thread opens and closes it.
 */
final class Lane implements AutoCloseable {
    private final IoLoop loop;
    private final Side side;
    private final BlockChannel channel;

    private Lane(IoLoop loop, Side side, BlockChannel channel) {
        this.loop = loop;
        this.side = side;
        this.channel = channel;
    }

    /** Opens the channel. */
    static Lane open(IoLoop loop, Side side) {
        return new Lane(loop, side, call(loop, () -> side.device().openChannel(loop)));
    }

    Side side() {
        return side;
    }

    /** The loop that owns the channel. */
    IoLoop loop() {
        return loop;
    }

    /** For the loop alone. */
    BlockChannel channel() {
        return channel;
    }

    /** A command without memory. */
    Errno run(Command command, long offset, long length) {
        return submit(command, offset, length, null, null);
    }

    /** Fills {@code into}, up to one piece. */
    Errno read(long offset, byte[] into) {
        ArenaBuf buf = lease(into.length);
        try {
            Errno errno = submit(Command.READ, offset, into.length, buf, null);
            if (errno == Errno.OK) {
                buf.memory().bytes().get(buf.dataOffset(), into);
            }
            return errno;
        } finally {
            call(loop, buf::release);
        }
    }

    /** Writes zeros as data, up to one piece. */
    Errno writeZeros(long offset, int length) {
        ArenaBuf buf = lease(length);
        try {
            buf.memory().zero(buf.dataOffset(), length);
            return submit(Command.WRITE, offset, length, buf, null);
        } finally {
            call(loop, buf::release);
        }
    }

    /** Asks where data and holes are; the answer may end early. */
    Errno status(long offset, long length, ExtentList into) {
        into.clear();
        return submit(Command.BLOCK_STATUS, offset, length, null, into);
    }

    private ArenaBuf lease(int length) {
        ArenaBuf buf = call(loop, () -> loop.buffers().lease(length));
        if (buf == null) {
            throw new IllegalStateException("the loop of a transfer has no buffer left for " + length + " bytes");
        }
        return buf;
    }

    /** Begins to make durable what was written; for a caller that has something else to do meanwhile. */
    CompletableFuture<Errno> beginFlush() {
        return begin(Command.FLUSH, 0, 0, null, null);
    }

    private Errno submit(
            Command command, long offset, long length, @Nullable ArenaBuf buf, @Nullable ExtentList extents) {
        return await(begin(command, offset, length, buf, extents));
    }

    private CompletableFuture<Errno> begin(
            Command command, long offset, long length, @Nullable ArenaBuf buf, @Nullable ExtentList extents) {
        Answer answer = new Answer(loop);
        loop.execute(() -> {
            BlockRequest request = loop.requests().lease().set(command, 0, offset, length);
            if (buf != null) {
                request.withMemory(buf.memory(), buf.dataOffset());
            }
            if (extents != null) {
                request.withExtents(extents);
            }
            request.push(answer, 0);
            channel.submit(request);
            channel.kick();
        });
        return answer.future;
    }

    /** Runs it on the loop and waits for it. */
    static <T> T call(IoLoop loop, Callable<T> task) {
        CompletableFuture<T> done = new CompletableFuture<>();
        loop.execute(() -> {
            try {
                done.complete(task.call());
            } catch (Exception | Error failed) { // It belongs to whoever waits, and not to the loop.
                done.completeExceptionally(failed);
            }
        });
        return await(done);
    }

    /** Waits, whatever happens meanwhile: what is under way uses buffers that nobody may take away. */
    static <T> T await(CompletableFuture<T> future) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return future.get();
                } catch (InterruptedException again) {
                    interrupted = true;
                } catch (ExecutionException failed) {
                    throw new IllegalStateException("a request of a transfer failed: " + failed.getCause(), failed);
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    @Override
    public void close() {
        call(loop, () -> {
            channel.close();
            return true;
        });
    }
}
