package io.blockseal.store.file;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.block.HotPath;

/** What each command means to a file: one call or a few, made on whatever thread has been chosen for it. */
@HotPath("the last step of every request")
final class FileCall {
    private final SystemFile file;
    private final Zeroing zeroing;
    private final Durability durability;
    private final CallTrouble reads;
    private final CallTrouble writes;
    private final boolean cached;

    /** {@code cached} if writes reach a disk by way of the page cache. */
    FileCall(SystemFile file, Zeroing zeroing, Durability durability, StoreTroubles troubles, boolean cached) {
        this.file = file;
        this.zeroing = zeroing;
        this.durability = durability;
        this.reads = troubles.reads();
        this.writes = troubles.writes();
        this.cached = cached;
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
        reads.ended(got, length);
        if (got < 0) {
            return errnoOf(got);
        }
        // The file ends early: it was truncated under us. Zeros would be a lie, and so would what the buffer held.
        return got == length ? Errno.OK : Errno.EIO;
    }

    /** Tries to read what the page cache has; {@code false} means that a pool thread must do it. */
    boolean readCached(BlockRequest request) {
        int length = (int) request.length();
        boolean had = file.readCached(request.memory(), request.memoryOffset(), length, request.offset()) == length;
        if (had) {
            reads.wentWell();
        }
        return had;
    }

    private Errno write(BlockRequest request) {
        Errno prepared = request.work();
        if (prepared != Errno.OK) {
            return prepared;
        }
        int length = (int) request.length();
        int written = request.has(BlockRequest.FUA) ? writeDurably(request, length) : writeAll(request, length);
        if (written < 0) {
            return errnoOf(written);
        }
        return written == length ? Errno.OK : Errno.EIO;
    }

    private int writeAll(BlockRequest request, int length) {
        int written = file.write(request.memory(), request.memoryOffset(), length, request.offset());
        writes.ended(written, length);
        return written;
    }

    private int writeDurably(BlockRequest request, int length) {
        if (!cached) {
            int written = file.writeDurably(request.memory(), request.memoryOffset(), length, request.offset());
            if (written < 0 && errnoOf(written) == Errno.EIO) {
                // Perhaps the write; but perhaps the disk's own cache could not be emptied, with others' writes in it.
                durability.lost(written);
            } else {
                writes.ended(written, length);
            }
            return written;
        }
        // Not one call with RWF_DSYNC: that may be told of other writes' loss while a sync, which then hears nothing of
        // it, is confirmed; and of its errors nobody could say whether they came of writing or of the loss.
        long lossesBefore = durability.losses();
        int written = writeAll(request, length);
        int synced = written < 0 ? written : durability.sync(lossesBefore);
        return synced < 0 ? synced : written;
    }

    /** A ring has done a READ or WRITE, or has failed to, with that (negative) error; not one that is {@link #lost}. */
    void ended(BlockRequest request, int result) {
        boolean read = request.command() == Command.READ;
        (read ? reads : writes).ended(result, (int) request.length());
    }

    /** A durable write past the page cache failed in a ring: counts it at once, without waiting. */
    void countLoss(int error) {
        durability.countLoss(error);
    }

    /** What else {@link #writeDurably} does then. May wait for a sync. */
    Errno lost(int error) {
        durability.told();
        return errnoOf(error);
    }

    private Errno zero(BlockRequest request) {
        long lossesBefore = durability.losses();
        int result = zeroing.zero(request.offset(), request.length(), request.has(BlockRequest.FAST_ZERO));
        if (result != SystemFile.NOT_SUPPORTED) {
            writes.ended(result, 0);
        }
        if (result == 0 && request.has(BlockRequest.FUA)) {
            result = durability.sync(lossesBefore);
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
                reads.failed((int) -data);
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
