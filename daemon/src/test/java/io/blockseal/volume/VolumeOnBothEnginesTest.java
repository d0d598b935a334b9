package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.block.Errno;
import io.blockseal.crypto.nativ.NativeCryptoEngine;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimLibrary;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.check.VolumeChecker;
import io.blockseal.volume.metadata.VolumeStores;
import java.util.List;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** A volume is the same volume whichever engine made it: a host may lose its native library between two starts. */
class VolumeOnBothEnginesTest {
    private static VolumeFixture withNativeEngine() {
        ShimLibrary library = ShimLibrary.open();
        assumeTrue(library.shim() != null, () -> "no native library: " + library.reason());
        Shim shim = Objects.requireNonNull(library.shim());
        return new VolumeFixture(new NativeCryptoEngine(shim), new ShimMemorySource(shim));
    }

    private static void madeByOneReadByTheOther(VolumeFixture maker, VolumeFixture reader) throws Exception {
        MemoryStore store = maker.create(40);
        try (Volume volume = maker.open(store)) {
            assertEquals(Errno.OK, maker.write(volume, 3, 0x5a));
            assertEquals(1, volume.keySlots().add(List.of(maker.key(1)), maker.key(2), "second"));
        }
        try (Volume volume =
                reader.opener().open(VolumeStores.inBand(store), List.of(reader.key(2)), OpenOptions.DEFAULT)) {
            assertEquals(0x5a, reader.read(volume, 3));
            assertEquals(0, reader.read(volume, 4));
            assertEquals(Errno.OK, reader.write(volume, 39 * 16, 0xa5));
        }
        try (Volume volume = maker.open(store)) {
            assertEquals(0xa5, maker.read(volume, 39 * 16));
        }
        assertEquals(
                List.of(),
                VolumeChecker.check(reader.engine(), VolumeStores.inBand(store), List.of(reader.key(1)))
                        .findings());
    }

    @Test
    void isMadeInJavaAndReadNatively() throws Exception {
        VolumeFixture nativ = withNativeEngine();
        madeByOneReadByTheOther(new VolumeFixture(), nativ);
        nativ.engine().close();
    }

    @Test
    void isMadeNativelyAndReadInJava() throws Exception {
        VolumeFixture nativ = withNativeEngine();
        madeByOneReadByTheOther(nativ, new VolumeFixture());
        nativ.engine().close();
    }
}
