package io.blockseal.transfer;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Completion;
import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;
import io.blockseal.memory.ArenaBuf;
import java.nio.ByteBuffer;

/**
 * A place for one piece of a transfer, used again and again: it is read, added to the sum, and written without its zeros.
 * On the copier's loop, but for the sum.
 */
@HotPath("every piece of a transfer is one of these")
final class Piece implements Completion {
    /** Zeros are looked for in blocks of this size. */
    private static final int BLOCK_BYTES = 64 << 10;

    private static final long READING = 0;
    private static final long WRITING = 1;

    private enum State {
        /** The source is asked, or nobody has used it yet. */
        READING,
        /** It waits for its turn. */
        READ,
        /** The sum takes it, or the target. */
        PASSED,
        /** It is on the target. */
        STORED,
        /** It, or one before it, failed. */
        ABANDONED
    }

    final ArenaBuf buf;
    private final Copier copier;
    private final ByteBuffer bytes;
    private final Runnable digesting = this::digest;
    private final Runnable storing = this::store;
    private State state = State.READING;
    private long offset;
    private long length;
    private boolean zero;
    private long cursor;

    Piece(Copier copier, ArenaBuf buf) {
        this.copier = copier;
        this.buf = buf;
        this.bytes = buf.memory().bytes().duplicate().order(buf.memory().bytes().order());
    }

    long offset() {
        return offset;
    }

    long length() {
        return length;
    }

    boolean isRead() {
        return state == State.READ;
    }

    boolean isSettled() {
        return state == State.STORED || state == State.ABANDONED;
    }

    boolean isStored() {
        return state == State.STORED;
    }

    /** The task that adds it to the sum. */
    Runnable digesting() {
        return digesting;
    }

    /** Asks the source for it, unless it is known to be zeros. */
    void begin(long newOffset, long newLength, boolean isZero) {
        offset = newOffset;
        length = newLength;
        zero = isZero;
        cursor = 0;
        state = isZero ? State.READ : State.READING;
        if (!isZero) {
            submit(copier.source(), Command.READ, 0, length, READING);
        }
    }

    /** Another one failed before this one had its turn. */
    void abandon() {
        state = State.ABANDONED;
    }

    private void digest() {
        PrefixDigest digest = copier.digest();
        if (digest != null && zero) {
            digest.addZeros(length);
        } else if (digest != null) {
            int from = buf.dataOffset();
            bytes.limit(from + (int) length).position(from);
            digest.add(bytes);
            bytes.clear();
        }
        copier.loop().execute(storing);
    }

    /** Writes it, or what of it is not zeros. */
    void store() {
        state = State.PASSED;
        BlockChannel target = copier.target();
        if (target == null) {
            cursor = length;
            copier.countData(zero ? 0 : length);
            finish(Errno.OK);
        } else if (zero) {
            storeZeros(target, length);
        } else {
            storeNext(target);
        }
    }

    private void storeNext(BlockChannel target) {
        while (cursor < length) {
            boolean zeros = !copier.ordered() && isZero(cursor);
            long run = copier.ordered() ? length : run(zeros);
            if (!zeros) {
                copier.countData(run);
                submit(target, Command.WRITE, cursor, run, WRITING);
                return;
            }
            if (!copier.skipsZeros()) {
                storeZeros(target, run);
                return;
            }
            cursor += run;
        }
        finish(Errno.OK);
    }

    private void storeZeros(BlockChannel target, long run) {
        if (copier.skipsZeros()) {
            cursor += run;
            finish(Errno.OK);
        } else if (copier.zeroes()) {
            submit(target, Command.WRITE_ZEROES, cursor, run, WRITING);
        } else {
            buf.memory().zero(buf.dataOffset() + (int) cursor, (int) run);
            submit(target, Command.WRITE, cursor, run, WRITING);
        }
    }

    /** How far it goes on with zeros, or without. */
    private long run(boolean zeros) {
        long stop = cursor;
        do {
            stop = Math.min(length, stop + BLOCK_BYTES);
        } while (stop < length && isZero(stop) == zeros);
        return stop - cursor;
    }

    private boolean isZero(long from) {
        return buf.memory().isZero(buf.dataOffset() + (int) from, (int) Math.min(length - from, BLOCK_BYTES));
    }

    private void submit(BlockChannel channel, Command command, long from, long bytesCount, long what) {
        BlockRequest request = copier.loop().requests().lease().set(command, 0, offset + from, bytesCount);
        if (command == Command.READ || command == Command.WRITE) {
            request.withMemory(buf.memory(), buf.dataOffset() + (int) from);
        }
        request.push(this, what);
        channel.submit(request);
        channel.kick();
    }

    @Override
    public void onComplete(BlockRequest request, long token) {
        Errno errno = request.errno();
        long at = request.offset();
        long done = request.length();
        copier.loop().requests().release(request);
        if (errno != Errno.OK) {
            copier.failed(token == READING, at, errno);
        }
        if (token == READING) {
            state = State.READ;
            copier.pump();
            return;
        }
        cursor += done;
        BlockChannel target = copier.target();
        if (errno != Errno.OK || target == null || cursor == length) {
            finish(errno);
        } else {
            storeNext(target);
        }
    }

    private void finish(Errno errno) {
        state = errno == Errno.OK ? State.STORED : State.ABANDONED;
        copier.pump();
    }
}
