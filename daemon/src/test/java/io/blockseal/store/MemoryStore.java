package io.blockseal.store;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.block.Geometry;
import io.blockseal.block.IoLoop;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A sparse store in memory that remembers every operation in order, so that a test can pull the plug after any of them
 * and look at what a disk could have kept: see {@link #afterPowerCut}. Safe from any thread; channels complete inline.
 */
public final class MemoryStore implements BlockStore {
    private static final int PAGE_BYTES = 4096;

    /** What was done to the store. */
    public enum Kind {
        WRITE,
        ZERO,
        FLUSH,
        GROW
    }

    /** One operation; {@code data} is what a WRITE wrote, {@code length} the new size of a GROW. */
    public record Operation(Kind kind, long offset, long length, byte[] data) {}

    private final String name;
    private final Map<Long, byte[]> pages = new HashMap<>();
    private final List<Operation> operations = new ArrayList<>();
    private final Set<Long> badPages = new HashSet<>();
    private Map<Long, byte[]> basePages = Map.of();
    private long baseSize;
    private long size;
    private boolean trimmedReadsZeros = true;
    private boolean fastZero = true;
    private @Nullable Predicate<Operation> failing;
    private Errno failure = Errno.EIO;
    private boolean closed;
    private boolean dropsCache;

    /** An empty store of {@code sizeBytes} that reads as zeros. */
    public MemoryStore(String name, long sizeBytes) {
        this.name = name;
        this.size = sizeBytes;
        this.baseSize = sizeBytes;
    }

    /** From now on, what {@link #trimmedReadsZeros()} says. */
    public synchronized MemoryStore trimmedReadsZeros(boolean value) {
        trimmedReadsZeros = value;
        return this;
    }

    /** From now on, whether the geometry promises fast zeros. */
    public synchronized MemoryStore fastZero(boolean value) {
        fastZero = value;
        return this;
    }

    /** Every operation that matches fails with {@code errno} and does nothing; null stops that. */
    public synchronized void failWhen(@Nullable Predicate<Operation> matching, Errno errno) {
        failing = matching;
        failure = errno;
    }

    /** Forgets the operations so far: what the store holds now counts as durable. */
    public synchronized void startRecording() {
        operations.clear();
        basePages = deepCopy(pages);
        baseSize = size;
    }

    /**
     * Likewise, but durable is what {@code disk} holds, and this store's own content is what the system's memory shows:
     * as after a failed flush, whose pages count as written and are not. {@code drops} says whether {@link #dropCache}
     * works.
     */
    public synchronized void startRecordingOver(MemoryStore disk, boolean drops) {
        operations.clear();
        basePages = deepCopy(disk.pages);
        baseSize = disk.size;
        dropsCache = drops;
    }

    @Override
    public synchronized void dropCache(long offset, long lengthBytes) {
        if (dropsCache) {
            MemoryStore disk = afterPowerCut(operations.size(), Unflushed.KEPT, 0, new Random(0));
            for (long page = offset / PAGE_BYTES; page * PAGE_BYTES < offset + lengthBytes; page++) {
                byte[] bytes = disk.pages.get(page);
                if (bytes == null) {
                    pages.remove(page);
                } else {
                    pages.put(page, bytes);
                }
            }
        }
    }

    private long losses;

    /** From here on somebody's flush has failed: what was written and not flushed may be gone. */
    public synchronized void countLoss() {
        losses++;
    }

    @Override
    public synchronized long lossCount() {
        return losses;
    }

    /** What was done since {@link #startRecording}, in order. */
    public synchronized List<Operation> operations() {
        return List.copyOf(operations);
    }

    /** What a disk may keep of operations that no flush followed. */
    public enum Unflushed {
        /** All: the process died, the machine did not. */
        KEPT,
        /** None. */
        LOST,
        /** A random choice of them. */
        SOME
    }

    /**
     * The store as it is found after the power failed when {@code count} recorded operations had returned.
     *
     * @param tornBytes of the operation after those, a WRITE, so many bytes reached the disk; 0 for none
     */
    public synchronized MemoryStore afterPowerCut(int count, Unflushed unflushed, int tornBytes, Random random) {
        MemoryStore found = new MemoryStore(name, baseSize);
        found.pages.putAll(deepCopy(basePages));
        found.trimmedReadsZeros = trimmedReadsZeros;
        found.fastZero = fastZero;
        int durable = 0;
        for (int i = 0; i < count; i++) {
            if (operations.get(i).kind() == Kind.FLUSH) {
                durable = i;
            }
        }
        for (int i = 0; i < count; i++) {
            boolean kept =
                    i < durable || unflushed == Unflushed.KEPT || (unflushed == Unflushed.SOME && random.nextBoolean());
            Operation operation = operations.get(i);
            if (kept || operation.kind() == Kind.GROW) {
                found.replay(operation, Integer.MAX_VALUE);
            }
        }
        if (tornBytes > 0 && count < operations.size()) {
            found.replay(operations.get(count), tornBytes);
        }
        found.startRecording();
        return found;
    }

    /** A store with the same content and no history. */
    public synchronized MemoryStore copy() {
        MemoryStore copy = new MemoryStore(name, size);
        copy.pages.putAll(deepCopy(pages));
        copy.trimmedReadsZeros = trimmedReadsZeros;
        copy.fastZero = fastZero;
        copy.startRecording();
        return copy;
    }

    /** Says whether two stores hold the same bytes, by comparing the result for both. */
    public synchronized String fingerprint() {
        TreeMap<Long, byte[]> sorted = new TreeMap<>(pages);
        sorted.values().removeIf(page -> Arrays.equals(page, new byte[PAGE_BYTES]));
        int hash = Long.hashCode(size);
        for (Map.Entry<Long, byte[]> page : sorted.entrySet()) {
            hash = 31 * (31 * hash + Long.hashCode(page.getKey())) + Arrays.hashCode(page.getValue());
        }
        return HexFormat.of().toHexDigits(hash) + "/" + sorted.size();
    }

    /** Reads without failing, for assertions. */
    public synchronized byte[] peek(long offset, int length) {
        byte[] bytes = new byte[length];
        int done = 0;
        while (done < length) {
            long at = offset + done;
            int inPage = (int) (at % PAGE_BYTES);
            int part = Math.min(PAGE_BYTES - inPage, length - done);
            byte[] page = pages.get(at / PAGE_BYTES);
            if (page != null) {
                System.arraycopy(page, inPage, bytes, done, part);
            }
            done += part;
        }
        return bytes;
    }

    /** Writes without recording or failing: what an attacker or a bad sector does. */
    public synchronized void poke(long offset, byte... bytes) {
        put(offset, bytes, bytes.length);
    }

    /** Turns one bit over in the byte at {@code offset}, which is thus another one, whatever stood there. */
    public synchronized void flip(long offset) {
        poke(offset, (byte) (peek(offset, 1)[0] ^ 1));
    }

    /** The block at {@code offset} cannot be read until it is written again: a bad sector. */
    public synchronized void spoil(long offset) {
        badPages.add(offset / PAGE_BYTES);
    }

    /** Cuts the store short. */
    public synchronized void truncate(long newSize) {
        size = newSize;
        pages.keySet().removeIf(page -> page * PAGE_BYTES >= newSize);
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
        return size;
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
    public synchronized void read(long offset, ByteBuffer target) throws StoreException {
        if (offset < 0 || offset + target.remaining() > size) {
            throw new StoreException(Errno.EIO, name + ": the store ends before " + (offset + target.remaining()));
        }
        for (long page = offset / PAGE_BYTES; page * PAGE_BYTES < offset + target.remaining(); page++) {
            if (badPages.contains(page)) {
                throw new StoreException(Errno.EIO, name + ": bad sector at " + page * PAGE_BYTES);
            }
        }
        target.put(peek(offset, target.remaining()));
    }

    @Override
    public synchronized void write(long offset, ByteBuffer source) throws StoreException {
        byte[] data = new byte[source.remaining()];
        source.get(data);
        if (offset < 0 || offset + data.length > size) {
            throw new StoreException(Errno.ENOSPC, name + ": the store ends before " + (offset + data.length));
        }
        perform(new Operation(Kind.WRITE, offset, data.length, data));
        badPages.removeIf(page -> page * PAGE_BYTES >= offset && (page + 1) * PAGE_BYTES <= offset + data.length);
    }

    @Override
    public synchronized void flush() throws StoreException {
        perform(new Operation(Kind.FLUSH, 0, 0, new byte[0]));
    }

    @Override
    public synchronized void zero(long offset, long lengthBytes) throws StoreException {
        perform(new Operation(Kind.ZERO, offset, lengthBytes, new byte[0]));
    }

    @Override
    public synchronized void grow(long newSizeBytes) throws StoreException {
        if (newSizeBytes < size) {
            throw new StoreException(Errno.EINVAL, name + ": cannot shrink");
        }
        perform(new Operation(Kind.GROW, 0, newSizeBytes, new byte[0]));
    }

    @Override
    public synchronized long allocatedBytes() {
        return (long) pages.size() * PAGE_BYTES;
    }

    @Override
    public synchronized void close() {
        closed = true;
    }

    @Override
    public synchronized Geometry geometry() {
        return new Geometry(size, 1, PAGE_BYTES, false, true, fastZero, true);
    }

    @Override
    public BlockChannel openChannel(IoLoop loop) {
        return new Channel();
    }

    private void perform(Operation operation) throws StoreException {
        if (failing != null && failing.test(operation)) {
            throw new StoreException(failure, name + ": injected " + failure + " in " + operation.kind());
        }
        operations.add(operation);
        replay(operation, Integer.MAX_VALUE);
    }

    private void replay(Operation operation, int bytesMax) {
        switch (operation.kind()) {
            case WRITE -> put(operation.offset(), operation.data(), Math.min(bytesMax, operation.data().length));
            case ZERO -> clear(operation.offset(), operation.length());
            case GROW -> size = operation.length();
            case FLUSH -> {}
        }
    }

    private void put(long offset, byte[] data, int length) {
        int done = 0;
        while (done < length) {
            long at = offset + done;
            int inPage = (int) (at % PAGE_BYTES);
            int part = Math.min(PAGE_BYTES - inPage, length - done);
            System.arraycopy(
                    data, done, pages.computeIfAbsent(at / PAGE_BYTES, p -> new byte[PAGE_BYTES]), inPage, part);
            done += part;
        }
    }

    private void clear(long offset, long length) {
        long first = (offset + PAGE_BYTES - 1) / PAGE_BYTES;
        long end = (offset + length) / PAGE_BYTES;
        if (first >= end) {
            put(offset, new byte[(int) length], (int) length);
            return;
        }
        int head = (int) (first * PAGE_BYTES - offset);
        put(offset, new byte[head], head);
        if (end - first < pages.size()) {
            for (long page = first; page < end; page++) {
                pages.remove(page);
            }
        } else {
            pages.keySet().removeIf(page -> page >= first && page < end);
        }
        int tail = (int) (offset + length - end * PAGE_BYTES);
        put(end * PAGE_BYTES, new byte[tail], tail);
    }

    private static Map<Long, byte[]> deepCopy(Map<Long, byte[]> source) {
        Map<Long, byte[]> copy = new HashMap<>();
        source.forEach((page, bytes) -> copy.put(page, bytes.clone()));
        return copy;
    }

    /** Completes every request before submit returns. */
    private final class Channel implements BlockChannel {
        @Override
        public void submit(BlockRequest request) {
            Errno errno = Errno.OK;
            try {
                run(request);
            } catch (StoreException e) {
                errno = e.errno();
            }
            request.complete(errno);
        }

        private void run(BlockRequest request) throws StoreException {
            long offset = request.offset();
            int length = (int) Math.min(Integer.MAX_VALUE, request.length());
            if (request.command() == Command.READ) {
                request.memory().bytes().put(request.memoryOffset(), peekInSize(offset, length));
            } else if (request.command() == Command.WRITE) {
                byte[] data = new byte[length];
                request.memory().bytes().get(request.memoryOffset(), data);
                MemoryStore.this.write(offset, ByteBuffer.wrap(data));
            } else if (request.command() == Command.TRIM || request.command() == Command.WRITE_ZEROES) {
                zero(offset, request.length());
            } else if (request.command() == Command.FLUSH) {
                flush();
            } else if (request.command() == Command.BLOCK_STATUS) {
                describe(request);
            }
            if (request.has(BlockRequest.FUA) && request.command() != Command.FLUSH) {
                flush();
            }
        }

        private byte[] peekInSize(long offset, int length) throws StoreException {
            ByteBuffer target = ByteBuffer.allocate(length);
            MemoryStore.this.read(offset, target);
            return target.array();
        }

        private void describe(BlockRequest request) {
            synchronized (MemoryStore.this) {
                long at = request.offset();
                long end = at + request.length();
                boolean taken = true;
                while (at < end && taken) {
                    long next = Math.min(end, (at / PAGE_BYTES + 1) * PAGE_BYTES);
                    boolean hole = !pages.containsKey(at / PAGE_BYTES);
                    taken = request.extents().add(next - at, hole ? ExtentList.HOLE | ExtentList.ZERO : 0);
                    at = next;
                }
            }
        }

        @Override
        public void kick() {}

        @Override
        public void close() {}
    }
}
