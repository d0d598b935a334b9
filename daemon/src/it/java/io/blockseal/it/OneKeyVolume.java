package io.blockseal.it;

import io.blockseal.block.ChannelDriver;
import io.blockseal.block.Errno;
import io.blockseal.block.ThreadLoop;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.XtsEngine;
import io.blockseal.device.DeviceStack;
import io.blockseal.memory.BufferBudget;
import io.blockseal.memory.MemorySource;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreOptions;
import io.blockseal.store.file.FileStores;
import io.blockseal.volume.DataPlane;
import io.blockseal.volume.DekCache;
import io.blockseal.volume.VolumeShape;
import io.blockseal.volume.table.RangeWord;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/**
 * The product's own device over a file, without metadata: ranges lie in order from byte 0, and every one has the same
 * given key. So what it stores can be compared with what another program stores under that key.
 */
final class OneKeyVolume implements DataPlane, AutoCloseable {
    private final VolumeShape shape;
    private final BlockStore store;
    private final CryptoEngine engine;
    private final int key;
    private final ThreadLoop loop;
    private final ChannelDriver channel;

    OneKeyVolume(CryptoEngine engine, MemorySource memory, Path file, VolumeShape shape, byte[] keyBytes)
            throws Exception {
        this.shape = shape;
        this.engine = engine;
        key = engine.keys().allocate();
        engine.keys().put(key, ByteBuffer.wrap(keyBytes.clone()));
        store = FileStores.withJdk(memory).create(file, StoreOptions.BUFFERED);
        store.grow(shape.sizeBytes());
        loop = new ThreadLoop(0, memory, new BufferBudget(32L << 20));
        channel = new ChannelDriver(loop, DeviceStack.build(this).top());
    }

    void write(long offset, byte[] data) throws Exception {
        expectOk(channel.write(offset, data, 0));
    }

    byte[] read(long offset, int length) throws Exception {
        byte[] bytes = new byte[length];
        expectOk(channel.read(offset, bytes));
        return bytes;
    }

    private static void expectOk(Errno errno) {
        if (errno != Errno.OK) {
            throw new AssertionError(errno);
        }
    }

    /** Ciphertext as it lies on the store. */
    byte[] stored(long offset, int length) throws Exception {
        byte[] bytes = new byte[length];
        store.read(offset, ByteBuffer.wrap(bytes));
        return bytes;
    }

    /** Puts ciphertext on the store. */
    void store(long offset, byte[] ciphertext) throws Exception {
        store.write(offset, ByteBuffer.wrap(ciphertext));
    }

    @Override
    public VolumeShape shape() {
        return shape;
    }

    @Override
    public BlockStore dataStore() {
        return store;
    }

    @Override
    public XtsEngine xts() {
        return engine.xts();
    }

    @Override
    public long word(long rangeIndex) {
        return RangeWord.of(RangeWord.ACTIVE, rangeIndex, 1);
    }

    @Override
    public DekCache openCache() {
        return new DekCache() {
            @Override
            public int keyFor(long rangeIndex, long word) {
                return key;
            }

            @Override
            public int pin(long rangeIndex, long word) {
                return key;
            }

            @Override
            public int pinnedKey(int pin) {
                return pin;
            }

            @Override
            public void unpin(int pin) {
                // It stays anyhow.
            }

            @Override
            public void forget(long first, long count) {
                // Its ranges stay as they are.
            }

            @Override
            public void close() {
                // The one key is the volume's.
            }
        };
    }

    @Override
    public void allocate(long rangeIndex, Executor on, Consumer<Errno> whenDone) {
        throw new AssertionError("every range is active from the start");
    }

    @Override
    public void close() throws Exception {
        channel.close();
        loop.close();
        store.close();
        engine.keys().free(key);
    }
}
