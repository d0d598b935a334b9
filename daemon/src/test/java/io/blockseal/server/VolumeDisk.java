package io.blockseal.server;

import io.blockseal.block.BlockDevice;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.device.DeviceStack;
import io.blockseal.memory.MemorySource;
import io.blockseal.shim.Shim;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreOptions;
import io.blockseal.store.file.FileStores;
import io.blockseal.volume.CreateOptions;
import io.blockseal.volume.EngineHere;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeCreator;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeOpener;
import io.blockseal.volume.metadata.VolumeStores;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A volume in a file, with all that lies between it and a client; by the native library if that is there. */
final class VolumeDisk implements AutoCloseable {
    private final Path file;
    private final MemorySource memory;
    private final CryptoEngine engine;
    private final ExecutorService keeper = Executors.newSingleThreadExecutor();
    private final Volume volume;

    VolumeDisk(long sizeBytes) throws Exception {
        file = Files.createTempFile("disk", ".bsl");
        EngineHere here = EngineHere.open();
        Shim shim = here.shim();
        memory = here.memory();
        engine = here.engine();
        FileStores files = shim == null ? FileStores.withJdk(memory) : FileStores.withShim(shim, memory);
        BlockStore store = files.open(file, StoreOptions.BUFFERED);
        VolumeFixture fixture = new VolumeFixture(engine, memory);
        VolumeStores stores = VolumeStores.inBand(store);
        new VolumeCreator(engine, InstantSource.system())
                .create(stores, List.of(fixture.key(1)), CreateOptions.ofSize(sizeBytes));
        volume = new VolumeOpener(engine, HostMemory.none(), keeper, InstantSource.system())
                .open(stores, List.of(fixture.key(1)), OpenOptions.DEFAULT);
    }

    /** What its clients' buffers have to be of. */
    MemorySource memory() {
        return memory;
    }

    BlockDevice device() {
        return DeviceStack.build(volume).top();
    }

    @Override
    public void close() throws IOException {
        volume.close();
        keeper.shutdown();
        engine.close();
        Files.delete(file);
    }
}
