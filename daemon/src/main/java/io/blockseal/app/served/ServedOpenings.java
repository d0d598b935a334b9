package io.blockseal.app.served;

import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.tending.Keeper;
import io.blockseal.export.ExportRegistry;
import io.blockseal.keysource.KeySource;
import io.blockseal.volume.DekRoom;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.VolumeOpener;
import java.time.InstantSource;

/**
 * Opens served volumes with the keys that their configuration names. What was read for it is let go with its
 * {@link Batch}, but for the sources that a volume asks again while it is served.
 * From any thread but a loop's.
 */
public final class ServedOpenings {
    private final Foundation foundation;
    private final Keeper keeper;
    private final ExportRegistry exports;
    private final VolumeOpener opener;
    private final int loopCount;
    private final int cachedKeys;

    /** {@code cachedKeys} is how many DEKs all volumes may keep unwrapped together. */
    public ServedOpenings(
            Foundation foundation,
            HostMemory memory,
            Keeper keeper,
            ExportRegistry exports,
            int loopCount,
            int cachedKeys) {
        this.foundation = foundation;
        this.keeper = keeper;
        this.exports = exports;
        this.opener = new VolumeOpener(
                foundation.engine(), memory, keeper, InstantSource.system(), keeper, new DekRoom(cachedKeys));
        this.loopCount = loopCount;
        this.cachedKeys = cachedKeys;
    }

    /** Volumes that are opened together: a key that several of them name is read, or asked for, once. */
    public final class Batch implements AutoCloseable {
        private final KeyPlaces keys = new KeyPlaces(foundation.engine());
        private final int cachedPerLoop;

        private Batch(int cachedPerLoop) {
            this.cachedPerLoop = cachedPerLoop;
        }

        /** Opens one, and has it offered. */
        public void open(ServedVolume volume) throws Exception {
            volume.open(foundation, opener, keys, null, keeper, cachedPerLoop, exports);
        }

        /** Likewise, by a key that an operator has sent instead of those that its configuration names. */
        public void open(ServedVolume volume, KeySource sent) throws Exception {
            volume.open(foundation, opener, keys, sent, keeper, cachedPerLoop, exports);
        }

        /** Lets the keys go that nobody needs any more. */
        @Override
        public void close() {
            keys.close();
        }
    }

    /**
     * Where so many volumes are served, who share the room for unwrapped DEKs evenly. Those that are open have the share
     * that they got; if they use it, those that come have what is left, and a few for each loop in any case.
     */
    public Batch begin(int volumeCount) {
        return new Batch(Math.max(1, cachedKeys / (loopCount * Math.max(1, volumeCount))));
    }
}
