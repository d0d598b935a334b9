package io.blockseal.app.served;

import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.tending.Keeper;
import io.blockseal.config.VolumeConfig;
import io.blockseal.export.ExportRegistry;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.VolumeOpener;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;

/**
 * Opens served volumes with the keys that their configuration names. A source outside this machine is asked again for as
 * long as the daemon serves; what was read from here is let go with its {@link Batch}, unless somebody needs it longer.
 * From any thread but a loop's.
 */
public final class ServedOpenings implements AutoCloseable {
    private final Foundation foundation;
    private final Keeper keeper;
    private final ExportRegistry exports;
    private final VolumeOpener opener;
    private final KeyPlaces outside;
    private final List<KeyPlaces> kept = new ArrayList<>();
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
        this.opener = new VolumeOpener(foundation.engine(), memory, keeper, InstantSource.system(), keeper);
        this.outside = new KeyPlaces(foundation.engine());
        this.loopCount = loopCount;
        this.cachedKeys = cachedKeys;
    }

    /** Volumes that are opened together: a key that several of them name is read, or asked for, once. */
    public final class Batch implements AutoCloseable {
        private final KeyPlaces here = new KeyPlaces(foundation.engine());
        private final int cachedPerLoop;
        private boolean lasting;

        private Batch(int cachedPerLoop) {
            this.cachedPerLoop = cachedPerLoop;
        }

        /** Opens one, and has it offered. */
        public void open(ServedVolume volume) throws Exception {
            VolumeConfig config = volume.config();
            // Whoever is to wrap anew by itself needs its key source for as long as it serves.
            if (config.autoRewrap() && !config.isKeyOutside()) {
                lasting = true;
            }
            volume.open(foundation, opener, config.isKeyOutside() ? outside : here, keeper, cachedPerLoop, exports);
        }

        /** Lets the keys go that nobody needs any more. */
        @Override
        public void close() {
            if (lasting) {
                keep(here);
            } else {
                here.close();
            }
        }
    }

    /** Where so many volumes are served, who share the room for unwrapped DEKs evenly. */
    public Batch begin(int volumeCount) {
        return new Batch(Math.max(1, cachedKeys / (loopCount * Math.max(1, volumeCount))));
    }

    private synchronized void keep(KeyPlaces keys) {
        kept.add(keys);
    }

    /** After the last volume. */
    @Override
    public synchronized void close() {
        outside.close();
        kept.forEach(KeyPlaces::close);
    }
}
