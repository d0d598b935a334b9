package io.blockseal.app.transfer;

import io.blockseal.memory.MemorySource;
import io.blockseal.server.IoLoops;
import io.blockseal.store.file.FileStores;
import io.blockseal.transfer.CheckpointFile;
import java.nio.file.Path;
import java.util.ArrayDeque;

/**
 * Where a daemon's imports and exports are done: on loops of their own, so that guests on theirs are not held up. A loop's
 * buffers live as long as the process; so loops are kept for the next copy. From any thread.
 */
public final class TransferRoom implements AutoCloseable {
    private final FileStores files;
    private final MemorySource memory;
    private final Path stateDirectory;
    private final ArrayDeque<IoLoops> idle = new ArrayDeque<>();
    private boolean closed;

    /** With checkpoints in {@code stateDirectory}; loops are started when they are wanted. */
    public TransferRoom(FileStores files, MemorySource memory, Path stateDirectory) {
        this.files = files;
        this.memory = memory;
        this.stateDirectory = stateDirectory;
    }

    /** Room for one copy; closing it closes its ends and gives the loop back. */
    public TransferEnds take() {
        IoLoops loops;
        synchronized (idle) {
            loops = idle.poll();
        }
        if (loops == null) {
            loops = IoLoops.start(1, IoLoops.BUFFER_BYTES_DEFAULT, memory);
        }
        IoLoops taken = loops;
        return new TransferEnds(files, taken.all().get(0), () -> giveBack(taken));
    }

    private void giveBack(IoLoops loops) {
        synchronized (idle) {
            if (!closed) {
                idle.push(loops);
                return;
            }
        }
        loops.close();
    }

    /** Where copies into {@code target} note how far they are; where a command without a daemon does, if it is told so. */
    public CheckpointFile checkpoint(String target) {
        return CheckpointFile.of(stateDirectory, TransferEnds.identity(target));
    }

    /** Ends the loops, of copies that still run when those end. */
    @Override
    public void close() {
        synchronized (idle) {
            closed = true;
            idle.forEach(IoLoops::close);
            idle.clear();
        }
    }
}
