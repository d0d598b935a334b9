package io.blockseal.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.block.ChannelDriver;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ThreadLoop;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.crypto.nativ.NativeCryptoEngine;
import io.blockseal.device.DeviceStack;
import io.blockseal.keysource.KeySource;
import io.blockseal.memory.BufferBudget;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.MemorySource;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimLibrary;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreOptions;
import io.blockseal.store.file.FileStores;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeOpener;
import io.blockseal.volume.metadata.VolumeStores;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Objects;

/** An engine with all that it needs to open a volume from files and to serve it as an export would. */
final class GoldenRig implements AutoCloseable {
    final CryptoEngine engine;
    final FileStores files;
    private final ThreadLoop loop;

    private GoldenRig(CryptoEngine engine, FileStores files, MemorySource memory) {
        this.engine = engine;
        this.files = files;
        this.loop = new ThreadLoop(0, memory, new BufferBudget(64L << 20));
    }

    /** With the engine that is called {@code java} or {@code native}; skips the test where that is missing. */
    static GoldenRig withEngine(String name) {
        if (name.equals("java")) {
            MemorySource memory = new JvmMemorySource();
            return new GoldenRig(new JavaCryptoEngine(), FileStores.withJdk(memory), memory);
        }
        ShimLibrary library = ShimLibrary.open();
        assumeTrue(library.shim() != null, () -> "no native library: " + library.reason());
        Shim shim = Objects.requireNonNull(library.shim());
        MemorySource memory = new ShimMemorySource(shim);
        return new GoldenRig(new NativeCryptoEngine(shim), FileStores.withShim(shim, memory), memory);
    }

    /** {@code meta} is null if the metadata is in-band. */
    VolumeStores stores(Path data, Path meta) throws Exception {
        BlockStore store = files.open(data, StoreOptions.BUFFERED);
        return meta == null
                ? VolumeStores.inBand(store)
                : new VolumeStores(store, files.open(meta, StoreOptions.BUFFERED));
    }

    Opened open(VolumeStores stores, KeySource key, OpenOptions options) throws Exception {
        VolumeOpener opener = new VolumeOpener(engine, HostMemory.none(), Runnable::run, InstantSource.system());
        return new Opened(opener.open(stores, List.of(key), options));
    }

    /** An open volume, seen from where its clients are. */
    final class Opened implements AutoCloseable {
        final Volume volume;
        private final ChannelDriver channel;

        private Opened(Volume volume) throws Exception {
            this.volume = volume;
            this.channel = new ChannelDriver(loop, DeviceStack.build(volume).top());
        }

        void write(long offset, byte[] data) throws Exception {
            assertEquals(Errno.OK, channel.write(offset, data, 0));
        }

        void run(Command command, int flags, long offset, long length) throws Exception {
            assertEquals(Errno.OK, channel.run(command, flags, offset, length));
        }

        byte[] read(long offset, int length) throws Exception {
            byte[] into = new byte[length];
            assertEquals(Errno.OK, channel.read(offset, into));
            return into;
        }

        @Override
        public void close() throws Exception {
            channel.run(Command.FLUSH, 0, 0, 0);
            channel.close();
            volume.close();
        }
    }

    @Override
    public void close() {
        loop.close();
        engine.close();
    }
}
