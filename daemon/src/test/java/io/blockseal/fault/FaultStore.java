package io.blockseal.fault;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.block.Geometry;
import io.blockseal.block.IoLoop;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import java.nio.ByteBuffer;
import java.util.HashSet;
import java.util.Set;

/**
 * A store in memory whose every operation goes to a {@link FaultJournal}, and which a {@link Disturbance} can make fail
 * or lie. It shows what the system's memory shows; what the disk holds is the journal's to say. Safe from any thread;
 * channels complete inline.
 */
public final class FaultStore implements BlockStore {
    private final FaultJournal journal;
    private final int index;
    private final String name;
    private DiskImage image;
    private Disturbance disturbance = Disturbance.NONE;
    private final Set<Long> badPages = new HashSet<>();
    private boolean trimmedReadsZeros = true;
    private boolean fastZero = true;
    private volatile long losses;
    private boolean closed;

    FaultStore(FaultJournal journal, int index, String name, DiskImage image) {
        this.journal = journal;
        this.index = index;
        this.name = name;
        this.image = image;
    }

    /** Its number within the journal, which its operations carry. */
    public int index() {
        return index;
    }

    DiskImage image() {
        return image;
    }

    /** From now on, what {@link #trimmedReadsZeros()} and the geometry's fast zeroing say. */
    public synchronized FaultStore promiseZeros(boolean value) {
        trimmedReadsZeros = value;
        fastZero = value;
        return this;
    }

    synchronized void promiseAs(FaultStore other) {
        trimmedReadsZeros = other.trimmedReadsZeros;
        fastZero = other.fastZero;
    }

    /** From now on every operation meets this one first. */
    public synchronized void disturb(Disturbance newDisturbance) {
        disturbance = newDisturbance;
    }

    /** What operations meet now, for one that is to come on top of it. */
    synchronized Disturbance disturbance() {
        return disturbance;
    }

    /** The block at {@code offset} cannot be read until it is written again: a bad sector. */
    public synchronized void spoil(long offset) {
        badPages.add(offset / DiskImage.PAGE_BYTES);
    }

    /** Reads without failing, for assertions. */
    public synchronized byte[] peek(long offset, int length) {
        return image.read(offset, length);
    }

    /** Writes without the journal: what an attacker or a decaying disk does. */
    public synchronized void poke(long offset, byte... bytes) {
        image.write(offset, bytes, 0, bytes.length);
    }

    /** Whether {@link #close} was called. */
    public synchronized boolean isClosed() {
        return closed;
    }

    @Override
    public String name() {
        return name;
    }

    @Override
    public synchronized long sizeBytes() {
        return image.size();
    }

    @Override
    public int alignmentBytes() {
        return 1;
    }

    @Override
    public synchronized boolean trimmedReadsZeros() {
        return trimmedReadsZeros;
    }

    @Override
    public long lossCount() {
        return losses;
    }

    @Override
    public synchronized void read(long offset, ByteBuffer target) throws StoreException {
        byte[] bytes = new byte[target.remaining()];
        readInto(offset, bytes);
        target.put(bytes);
    }

    private void readInto(long offset, byte[] bytes) throws StoreException {
        if (offset < 0 || offset + bytes.length > image.size()) {
            throw new StoreException(Errno.EIO, name + ": the store ends before " + (offset + bytes.length));
        }
        long firstPage = offset / DiskImage.PAGE_BYTES;
        for (long page : badPages) {
            if (page >= firstPage && page * DiskImage.PAGE_BYTES < offset + bytes.length) {
                throw new StoreException(Errno.EIO, name + ": bad sector at " + page * DiskImage.PAGE_BYTES);
            }
        }
        image.read(offset, bytes, 0, bytes.length);
    }

    @Override
    public synchronized void write(long offset, ByteBuffer source) throws StoreException {
        byte[] data = new byte[source.remaining()];
        source.get(data);
        write(offset, data, false);
    }

    private void write(long offset, byte[] data, boolean fua) throws StoreException {
        if (offset < 0 || offset + data.length > image.size()) {
            throw new StoreException(Errno.ENOSPC, name + ": the store ends before " + (offset + data.length));
        }
        meet(Operation.write(index, offset, data, fua));
    }

    @Override
    public synchronized void flush() throws StoreException {
        meet(Operation.flush(index));
    }

    @Override
    public synchronized void zero(long offset, long lengthBytes) throws StoreException {
        meet(Operation.zero(index, offset, lengthBytes, false));
    }

    @Override
    public synchronized void grow(long newSizeBytes) throws StoreException {
        if (newSizeBytes < image.size()) {
            throw new StoreException(Errno.EINVAL, name + ": cannot shrink");
        }
        meet(Operation.grow(index, newSizeBytes));
    }

    /** After a loss the system's memory shows what the disk has not got; now it shows the truth. */
    @Override
    public synchronized void dropCache(long offset, long lengthBytes) {
        if (losses > 0) {
            image.adopt(journal.truth(index), offset, lengthBytes);
        }
    }

    private void meet(Operation operation) throws StoreException {
        disturbance.meet(operation, this::perform);
    }

    private void perform(Operation operation) {
        journal.add(operation);
        operation.applyTo(image);
        if (operation.kind() == Operation.Kind.LOSS) {
            losses++;
        }
        long firstPage = (operation.offset() + DiskImage.PAGE_BYTES - 1) / DiskImage.PAGE_BYTES;
        if (operation.kind() == Operation.Kind.WRITE) {
            badPages.removeIf(page ->
                    page >= firstPage && (page + 1) * DiskImage.PAGE_BYTES <= operation.offset() + operation.length());
        }
    }

    @Override
    public synchronized long allocatedBytes() {
        return image.size();
    }

    @Override
    public synchronized void close() {
        closed = true;
    }

    @Override
    public synchronized Geometry geometry() {
        return new Geometry(image.size(), 1, DiskImage.PAGE_BYTES, false, true, fastZero, true);
    }

    @Override
    public BlockChannel openChannel(IoLoop loop) {
        return new Channel();
    }

    /** Completes every request before submit returns. */
    private final class Channel implements BlockChannel {
        @Override
        public void submit(BlockRequest request) {
            Errno errno = Errno.OK;
            try {
                synchronized (FaultStore.this) {
                    run(request);
                }
            } catch (StoreException e) {
                errno = e.errno();
            }
            request.complete(errno);
        }

        private void run(BlockRequest request) throws StoreException {
            boolean fua = request.has(BlockRequest.FUA);
            switch (request.command()) {
                case READ -> {
                    byte[] bytes = new byte[(int) request.length()];
                    readInto(request.offset(), bytes);
                    request.memory().bytes().put(request.memoryOffset(), bytes);
                }
                case WRITE -> {
                    byte[] data = new byte[(int) request.length()];
                    request.memory().bytes().get(request.memoryOffset(), data);
                    FaultStore.this.write(request.offset(), data, fua);
                }
                case TRIM, WRITE_ZEROES -> meet(Operation.zero(index, request.offset(), request.length(), fua));
                case FLUSH -> flush();
                case BLOCK_STATUS -> describe(request);
                case CACHE -> {}
            }
        }

        private void describe(BlockRequest request) {
            long at = request.offset();
            long end = at + request.length();
            boolean taken = true;
            while (at < end && taken) {
                long page = at / DiskImage.PAGE_BYTES;
                long next = Math.min(end, (page + 1) * DiskImage.PAGE_BYTES);
                taken = request.extents().add(next - at, image.isHole(page) ? ExtentList.HOLE | ExtentList.ZERO : 0);
                at = next;
            }
        }

        @Override
        public void kick() {}

        @Override
        public void close() {}
    }
}
