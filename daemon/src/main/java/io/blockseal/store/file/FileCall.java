package io.blockseal.store.file;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.block.HotPath;

/** What each command means to a file: one call or a few, made on whatever thread has been chosen for it. */
@HotPath("the last step of every request")
final class FileCall {
    private static final int EIO = -5;

    private final SystemFile file;
    private final Zeroing zeroing;
    private final Durability durability;
    private final boolean direct;

    /** {@code direct} if writes go past the page cache. */
    FileCall(SystemFile file, Zeroing zeroing, Durability durability, boolean direct) {
        this.file = file;
        this.zeroing = zeroing;
        this.durability = durability;
        this.direct = direct;
    }

    /** Does all of the request and says how it went. */
    Errno perform(BlockRequest request) {
        return switch (request.command()) {
            case READ -> read(request);
            case WRITE -> write(request);
            case FLUSH -> errnoOf(durability.sync());
            case TRIM, WRITE_ZEROES -> zero(request);
            case CACHE -> Errno.OK;
            case BLOCK_STATUS -> extents(request);
        };
    }

    private Errno read(BlockRequest request) {
        int length = (int) request.length();
        int got = file.read(request.memory(), request.memoryOffset(), length, request.offset());
        if (got < 0) {
            return errnoOf(got);
        }
        // The file ends early: it was truncated under us. Zeros would be a lie, and so would what the buffer held.
        return got == length ? Errno.OK : Errno.EIO;
    }

    /** Tries to read what the page cache has; {@code false} means that a pool thread must do it. */
    boolean readCached(BlockRequest request) {
        int length = (int) request.length();
        return file.readCached(request.memory(), request.memoryOffset(), length, request.offset()) == length;
    }

    private Errno write(BlockRequest request) {
        int length = (int) request.length();
        int written = request.has(BlockRequest.FUA)
                ? writeDurably(request, length)
                : file.write(request.memory(), request.memoryOffset(), length, request.offset());
        return written == length ? Errno.OK : errnoOf(written);
    }

    private int writeDurably(BlockRequest request, int length) {
        if (durability.isLost()) {
            return EIO;
        }
        int written = file.writeDurably(request.memory(), request.memoryOffset(), length, request.offset());
        if (written == EIO && !direct) {
            // Writing to the page cache does not fail so; making it durable does, and that error is told only once.
            durability.lose(written);
        }
        return written;
    }

    private Errno zero(BlockRequest request) {
        int result = zeroing.zero(request.offset(), request.length(), request.has(BlockRequest.FAST_ZERO));
        if (result == 0 && request.has(BlockRequest.FUA)) {
            result = durability.sync();
        }
        return errnoOf(result);
    }

    private Errno extents(BlockRequest request) {
        ExtentList list = request.extents();
        long position = request.offset();
        long end = position + request.length();
        while (position < end) {
            long data = file.nextData(position);
            if (data == SystemFile.NO_DATA) {
                data = end;
            } else if (data == SystemFile.UNKNOWN) {
                data = position;
            } else if (data < 0) {
                return errnoOf((int) data);
            }
            if (data > position) {
                long stop = Math.min(data, end);
                if (!list.add(stop - position, ExtentList.HOLE | ExtentList.ZERO)
                        || request.has(BlockRequest.REQ_ONE)) {
                    return Errno.OK;
                }
                position = stop;
                continue;
            }
            long hole = file.nextHole(position);
            long stop = hole <= position ? end : Math.min(hole, end);
            if (!list.add(stop - position, 0) || request.has(BlockRequest.REQ_ONE)) {
                return Errno.OK;
            }
            position = stop;
        }
        return Errno.OK;
    }

    private static Errno errnoOf(int result) {
        return result >= 0 ? Errno.OK : Errno.fromSystem(-result);
    }
}
