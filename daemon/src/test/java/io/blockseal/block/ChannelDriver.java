package io.blockseal.block;

import io.blockseal.memory.ArenaBuf;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Sends single requests down a channel from a test's thread and waits for them. */
public final class ChannelDriver implements AutoCloseable {
    private final ThreadLoop loop;
    private final BlockChannel channel;

    public ChannelDriver(ThreadLoop loop, BlockDevice device) throws Exception {
        this.loop = loop;
        this.channel = loop.call(() -> device.openChannel(loop));
    }

    public Errno write(long offset, byte[] data, int flags) throws Exception {
        CompletableFuture<Errno> done = new CompletableFuture<>();
        loop.execute(() -> {
            ArenaBuf buf = loop.buffers().lease(data.length);
            buf.memory().bytes().put(buf.dataOffset(), data);
            send(Command.WRITE, flags, offset, data.length, buf, null, done);
        });
        return done.get(30, TimeUnit.SECONDS);
    }

    public Errno read(long offset, byte[] into) throws Exception {
        CompletableFuture<Errno> done = new CompletableFuture<>();
        loop.execute(() -> {
            ArenaBuf buf = loop.buffers().lease(into.length);
            buf.retain();
            send(Command.READ, 0, offset, into.length, buf, null, new CompletableFuture<>() {
                @Override
                public boolean complete(Errno errno) {
                    buf.memory().bytes().get(buf.dataOffset(), into);
                    buf.release();
                    return done.complete(errno);
                }
            });
        });
        return done.get(30, TimeUnit.SECONDS);
    }

    public Errno run(Command command, int flags, long offset, long length) throws Exception {
        CompletableFuture<Errno> done = new CompletableFuture<>();
        loop.execute(() -> send(command, flags, offset, length, null, null, done));
        return done.get(30, TimeUnit.SECONDS);
    }

    public Errno status(int flags, long offset, long length, ExtentList into) throws Exception {
        CompletableFuture<Errno> done = new CompletableFuture<>();
        loop.execute(() -> send(Command.BLOCK_STATUS, flags, offset, length, null, into, done));
        return done.get(30, TimeUnit.SECONDS);
    }

    private void send(
            Command command,
            int flags,
            long offset,
            long length,
            ArenaBuf buf,
            ExtentList extents,
            CompletableFuture<Errno> done) {
        BlockRequest request = loop.requests().lease();
        request.set(command, flags, offset, length);
        if (buf != null) {
            request.withMemory(buf.memory(), buf.dataOffset());
        }
        if (extents != null) {
            request.withExtents(extents);
        }
        request.push(
                (r, token) -> {
                    Errno errno = r.errno();
                    loop.requests().release(r);
                    if (buf != null) {
                        buf.release();
                    }
                    done.complete(errno);
                },
                0);
        channel.submit(request);
        channel.kick();
    }

    @Override
    public void close() throws Exception {
        loop.call(() -> {
            channel.close();
            return null;
        });
    }
}
