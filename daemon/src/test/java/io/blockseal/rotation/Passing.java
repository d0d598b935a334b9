package io.blockseal.rotation;

import io.blockseal.block.Errno;
import io.blockseal.crypto.XtsEngine;
import io.blockseal.store.BlockStore;
import io.blockseal.volume.DataPlane;
import io.blockseal.volume.DekCache;
import io.blockseal.volume.LoopGate;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeShape;
import io.blockseal.volume.WrittenChunks;
import java.util.concurrent.Executor;
import java.util.function.Consumer;

/** A volume as a device sees it, with room for a bug. */
class Passing implements DataPlane {
    private final Volume volume;

    Passing(Volume volume) {
        this.volume = volume;
    }

    @Override
    public VolumeShape shape() {
        return volume.shape();
    }

    @Override
    public BlockStore dataStore() {
        return volume.dataStore();
    }

    @Override
    public XtsEngine xts() {
        return volume.xts();
    }

    @Override
    public long word(long rangeIndex) {
        return volume.word(rangeIndex);
    }

    @Override
    public void attach(LoopGate gate) {
        volume.attach(gate);
    }

    @Override
    public void detach(LoopGate gate) {
        volume.detach(gate);
    }

    @Override
    public Errno whileHeld() {
        return volume.whileHeld();
    }

    @Override
    public WrittenChunks writtenChunks() {
        return volume.writtenChunks();
    }

    @Override
    public void discarded(long rangeIndex) {
        volume.discarded(rangeIndex);
    }

    @Override
    public DekCache openCache() {
        return volume.openCache();
    }

    @Override
    public void allocate(long rangeIndex, Executor loop, Consumer<Errno> whenDone) {
        volume.allocate(rangeIndex, loop, whenDone);
    }
}
