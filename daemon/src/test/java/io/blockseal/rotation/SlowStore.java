package io.blockseal.rotation;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.Geometry;
import io.blockseal.block.IoLoop;
import io.blockseal.store.BlockStore;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.StoreException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/**
 * A store in memory on which everything takes its time: what channels submit lands piece by piece, whenever {@link #land}
 * is called, in any order; and the calls of keepers and of a rotation come in two halves, with {@code meanwhile} run
 * before, between and after them. Requests may fail half-way. On one thread.
 */
final class SlowStore implements BlockStore {
    private static final int SECTOR = 512;

    private final MemoryStore store;
    private final Random random;
    private final List<Pending> pending = new ArrayList<>();
    private Runnable meanwhile = () -> {};
    private int failOneIn = Integer.MAX_VALUE;

    SlowStore(MemoryStore store, Random random) {
        this.store = store;
        this.random = random;
    }

    /** What happens in the pauses of calls. */
    void meanwhile(Runnable newMeanwhile) {
        meanwhile = newMeanwhile;
    }

    /** From now on one change in so many fails when some of it has landed, on average. */
    void failOneIn(int requests) {
        failOneIn = requests;
    }

    private final class Pending {
        private final IoLoop loop;
        private final BlockRequest request;
        private final long failsAt;
        private long landed;

        Pending(IoLoop loop, BlockRequest request) {
            this.loop = loop;
            this.request = request;
            boolean changes = request.command() != Command.READ;
            long sectors = request.length() / SECTOR;
            failsAt =
                    changes && random.nextInt(failOneIn) == 0 ? random.nextLong(sectors + 1) * SECTOR : Long.MAX_VALUE;
        }

        /** Whether it is over. */
        boolean step() throws StoreException {
            long left = Math.min(request.length(), failsAt) - landed;
            long some = random.nextInt(3) == 0 ? left : Math.min(left, (1L + random.nextInt(16)) * SECTOR);
            long offset = request.offset() + landed;
            int at = request.memoryOffset() + (int) landed;
            switch (request.command()) {
                case READ -> store.read(offset, request.memory().bytes().slice(at, (int) some));
                case WRITE -> store.write(offset, request.memory().bytes().slice(at, (int) some));
                default -> store.zero(offset, some);
            }
            landed += some;
            if (landed == request.length() || landed == failsAt) {
                Errno errno = landed == failsAt ? Errno.EIO : Errno.OK;
                loop.execute(() -> request.complete(errno));
                return true;
            }
            return false;
        }
    }

    /** Some of some request lands; false if none is on its way. */
    boolean land() {
        if (pending.isEmpty()) {
            return false;
        }
        Pending some = pending.get(random.nextInt(pending.size()));
        try {
            if (some.step()) {
                pending.remove(some);
            }
        } catch (StoreException e) {
            throw new AssertionError(e);
        }
        return true;
    }

    @Override
    public BlockChannel openChannel(IoLoop loop) {
        BlockChannel inner = store.openChannel(loop);
        return new BlockChannel() {
            @Override
            public void submit(BlockRequest request) {
                switch (request.command()) {
                    case READ, WRITE, TRIM, WRITE_ZEROES -> {
                        if (random.nextInt(8) == 0) {
                            inner.submit(request);
                        } else {
                            pending.add(new Pending(loop, request));
                        }
                    }
                    default -> loop.execute(() -> inner.submit(request));
                }
            }

            @Override
            public void kick() {}

            @Override
            public void close() {
                inner.close();
            }
        };
    }

    /** A call in two halves. */
    private interface Half {
        void run(long from, long to) throws StoreException;
    }

    private void slowly(long length, Half half) throws StoreException {
        long middle = length == 0 ? 0 : random.nextLong(length / SECTOR + 1) * SECTOR;
        meanwhile.run();
        half.run(0, middle);
        meanwhile.run();
        half.run(middle, length);
        meanwhile.run();
    }

    @Override
    public void read(long offset, ByteBuffer target) throws StoreException {
        int begin = target.position();
        int end = target.limit();
        slowly(target.remaining(), (from, to) -> {
            target.limit(begin + (int) to).position(begin + (int) from);
            store.read(offset + from, target);
            target.limit(end);
        });
    }

    @Override
    public void write(long offset, ByteBuffer source) throws StoreException {
        int begin = source.position();
        int end = source.limit();
        slowly(source.remaining(), (from, to) -> {
            source.limit(begin + (int) to).position(begin + (int) from);
            store.write(offset + from, source);
            source.limit(end);
        });
    }

    @Override
    public void zero(long offset, long lengthBytes) throws StoreException {
        slowly(lengthBytes, (from, to) -> store.zero(offset + from, to - from));
    }

    @Override
    public void flush() throws StoreException {
        meanwhile.run();
        store.flush();
        meanwhile.run();
    }

    @Override
    public long lossCount() {
        return store.lossCount();
    }

    @Override
    public String name() {
        return store.name();
    }

    @Override
    public long sizeBytes() {
        return store.sizeBytes();
    }

    @Override
    public int alignmentBytes() {
        return store.alignmentBytes();
    }

    @Override
    public boolean trimmedReadsZeros() {
        return store.trimmedReadsZeros();
    }

    @Override
    public void grow(long newSizeBytes) throws StoreException {
        store.grow(newSizeBytes);
    }

    @Override
    public long allocatedBytes() {
        return store.allocatedBytes();
    }

    @Override
    public Geometry geometry() {
        return store.geometry();
    }

    @Override
    public void close() {
        store.close();
    }
}
