package io.blockseal.transfer;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockDevice;
import io.blockseal.block.Errno;
import io.blockseal.block.Geometry;
import io.blockseal.block.IoLoop;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.Locale;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** Where bytes go out in their order and never come back: standard output. */
public final class StreamDevice implements BlockDevice, AutoCloseable {
    private final WritableByteChannel out;
    private final long sizeBytes;
    private final ExecutorService writer = Executors.newSingleThreadExecutor(task -> {
        Thread thread = new Thread(task, "transfer-out");
        thread.setDaemon(true);
        return thread;
    });
    private volatile String trouble = "";

    /** Takes {@code sizeBytes} bytes. */
    public StreamDevice(WritableByteChannel out, long sizeBytes) {
        this.out = out;
        this.sizeBytes = sizeBytes;
    }

    @Override
    public Geometry geometry() {
        return new Geometry(sizeBytes, 1, 4096, false, false, false, false);
    }

    @Override
    public BlockChannel openChannel(IoLoop loop) {
        return new StreamChannel(this, loop);
    }

    /** What the system said when it could not be written; empty if it could. */
    public String trouble() {
        return trouble;
    }

    ExecutorService writer() {
        return writer;
    }

    /** On the writer's thread. */
    Errno write(ByteBuffer bytes) {
        try {
            while (bytes.hasRemaining()) {
                out.write(bytes);
            }
            return Errno.OK;
        } catch (IOException broken) {
            trouble = String.valueOf(broken.getMessage());
            return trouble.toLowerCase(Locale.ROOT).contains("no space left") ? Errno.ENOSPC : Errno.EIO;
        }
    }

    @Override
    public void close() {
        writer.shutdown();
    }
}
