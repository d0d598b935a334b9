package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.VersionedTestKeySource.Manner;
import io.blockseal.volume.VolumeRefusedException.Reason;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.table.RangeWord;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

class VolumeCreatorTest {
    private static final long TIB = 1L << 40;

    private final VolumeFixture fixture = new VolumeFixture();

    private VolumeCreator.Created create(MemoryStore store, CreateOptions options) throws Exception {
        return fixture.creator().create(VolumeStores.inBand(store), List.of(fixture.key(1)), options);
    }

    @Nested
    class OnAStoreThatHoldsSomething {
        private void refused(MemoryStore store, String what) {
            String before = store.fingerprint();
            VolumeRefusedException e =
                    assertThrows(VolumeRefusedException.class, () -> create(store, VolumeFixture.ranges(4)));
            assertEquals(Reason.NOT_EMPTY, e.reason());
            assertTrue(String.valueOf(e.getMessage()).contains(what), e.getMessage());
            assertEquals(before, store.fingerprint());
        }

        private MemoryStore device() {
            return new MemoryStore("device", 128 << 20);
        }

        @Test
        void refusesAndNamesIt() {
            MemoryStore ext4 = device();
            ext4.poke(0x438, (byte) 0x53, (byte) 0xef);
            refused(ext4, "ext4");
            MemoryStore luks = device();
            luks.poke(0, "LUKS".getBytes(StandardCharsets.US_ASCII));
            luks.poke(4, (byte) 0xba, (byte) 0xbe);
            refused(luks, "LUKS");
            MemoryStore gpt = device();
            gpt.poke((128 << 20) - 512, "EFI PART".getBytes(StandardCharsets.US_ASCII));
            refused(gpt, "partition table");
        }

        @Test
        void refusesAnotherVolumeEvenIfItsFirstRootIsGone() throws Exception {
            MemoryStore store = fixture.create(4);
            refused(store, "Blockseal");
            store.poke(0, new byte[4096]);
            refused(store, "Blockseal");
        }

        @Test
        void zeroesEachSlotAtItsFirstUseWhereTheWholeWouldTakeHours() throws Exception {
            MemoryStore device = new MemoryStore("device", 128 << 20).fastZero(false);
            byte[] noise = new byte[1 << 20];
            Arrays.fill(noise, (byte) 0x77);
            for (long offset = 64 << 20; offset < 128 << 20; offset += noise.length) {
                device.poke(offset, noise);
            }
            create(device, VolumeFixture.ranges(40));
            try (Volume volume = fixture.open(device)) {
                VolumeFixture.allocate(volume, 33);
                assertEquals(0, fixture.read(volume, 33 * 16 + 15));
                assertEquals(RangeWord.NONE, RangeWord.state(volume.word(32)), "its slot still holds noise");
                VolumeResizer.grow(volume, 60 * VolumeFixture.RANGE);
            }
            try (Volume volume = fixture.open(device)) {
                VolumeFixture.allocate(volume, 59);
                assertEquals(0, fixture.read(volume, 59 * 16));
            }
        }

        @Test
        void obeysForceAndLeavesNothingOfIt() throws Exception {
            MemoryStore store = fixture.create(4);
            try (Volume volume = fixture.open(store)) {
                fixture.write(volume, 0, 7);
            }
            create(store, VolumeFixture.ranges(4).forced(true));
            try (Volume volume = fixture.open(store)) {
                VolumeFixture.allocate(volume, 0);
                assertEquals(0, fixture.read(volume, 0));
            }
        }
    }

    @Nested
    class Sizes {
        @Test
        void fillADeviceByDefault() throws Exception {
            MemoryStore device = new MemoryStore("device", (64 << 20) + 10 * VolumeFixture.RANGE + 5000);
            assertEquals(
                    8 * VolumeFixture.RANGE,
                    create(device, VolumeFixture.ranges(0)).sizeBytes());
            fixture.open(device).close();
        }

        @Test
        void needNotBeMultiplesOfARange() throws Exception {
            MemoryStore store = new MemoryStore("vol", 0);
            create(store, CreateOptions.ofSize(3 * VolumeFixture.RANGE + 4096).withSmallRanges(VolumeFixture.RANGE));
            try (Volume volume = fixture.open(store)) {
                assertEquals(4, volume.shape().rangeCount());
                fixture.write(volume, 48, 7);
                assertEquals(7, fixture.read(volume, 48));
            }
        }

        @Test
        void chooseTheRangeSize() {
            assertEquals(64 << 20, CreateOptions.defaultRangeBytes(16 * TIB));
            assertEquals(256 << 20, CreateOptions.defaultRangeBytes(16 * TIB + 1));
            assertEquals(256 << 20, CreateOptions.defaultRangeBytes(64 * TIB));
            assertEquals(1 << 30, CreateOptions.defaultRangeBytes(64 * TIB + 1));
        }

        @Test
        void takeMoreMetadataExtentsWhenTheTableIsLarge() throws Exception {
            MemoryStore store = new MemoryStore("vol", 0);
            create(store, CreateOptions.ofSize(16 * TIB).withRangeBytes(64 << 20));
            assertEquals(2, VolumeInfo.read(store).metadataExtents());
            assertEquals(128 << 20, VolumeInfo.read(store).dataOffsetBytes());
            try (Volume volume = fixture.open(store)) {
                long last = volume.shape().rangeCount() - 1;
                assertEquals(262_143, last);
                VolumeFixture.allocate(volume, last);
            }
            try (Volume volume = fixture.open(store)) {
                assertEquals(RangeWord.ACTIVE, RangeWord.state(volume.word(262_143)));
            }
        }

        @Test
        void thatMakeNoSenseAreRefused() {
            unsuitable(CreateOptions.ofSize(1000));
            unsuitable(CreateOptions.ofSize(-4096));
            unsuitable(CreateOptions.ofSize(1 << 30).withUnitBytes(1024));
            unsuitable(CreateOptions.ofSize(1 << 30).withRangeBytes(3 << 20));
            unsuitable(CreateOptions.ofSize(1 << 30).withRangeBytes(8 << 20));
            unsuitable(CreateOptions.ofSize(1 << 30).withRangeBytes(1L << 35));
            unsuitable(CreateOptions.ofSize(2000 * TIB).withRangeBytes(64 << 20));
            unsuitable(CreateOptions.ofSize(1 << 30).withLabel("x".repeat(49)));
            unsuitable(CreateOptions.ofSize(0));
        }

        private void unsuitable(CreateOptions options) {
            MemoryStore store = new MemoryStore("vol", 0);
            VolumeRefusedException e = assertThrows(VolumeRefusedException.class, () -> create(store, options));
            assertEquals(Reason.UNSUITABLE, e.reason());
            assertEquals(0, store.sizeBytes());
        }
    }

    @Test
    void keepsTheLabel() throws Exception {
        MemoryStore store = new MemoryStore("vol", 0);
        create(store, VolumeFixture.ranges(4).withLabel("Straße 7"));
        try (Volume volume = fixture.open(store)) {
            assertEquals("Straße 7", volume.label());
            assertEquals(volume.identity(), volume.info().identity());
        }
    }

    @Test
    void givesEveryVolumeItsOwnIdentity() throws Exception {
        VolumeInfo one = VolumeInfo.read(fixture.create(1));
        VolumeInfo two = VolumeInfo.read(fixture.create(1));
        assertTrue(!one.uuid().equals(two.uuid()) && !one.identity().equals(two.identity()));
        assertEquals(4, one.uuid().version());
        assertEquals(2, one.uuid().variant());
    }

    /** All volumes would have one key. */
    @Test
    void makesNoVolumeByAGeneratorThatRepeatsItself() throws Exception {
        MemoryStore store = new MemoryStore("vol", 0);
        try (CryptoEngine broken = new JavaCryptoEngine(16, target -> {
            for (int i = 0; i < target.length; i++) {
                target[i] = (byte) i;
            }
        })) {
            VolumeCreator creator = new VolumeCreator(broken, () -> Instant.ofEpochSecond(1));
            IllegalStateException refused = assertThrows(
                    IllegalStateException.class,
                    () -> creator.create(
                            VolumeStores.inBand(store),
                            List.of(new TestKeySource(broken, 1)),
                            VolumeFixture.ranges(4)));
            assertTrue(String.valueOf(refused.getMessage()).contains("the same key twice"), refused::getMessage);
        }
        assertEquals(0, store.sizeBytes());
    }

    /** Whoever overwrites a store on a source's word alone finds out too late that nobody opens what is there now. */
    @Test
    void writesNothingForASourceThatDoesNotOpenWhatItWrapped() throws Exception {
        VolumeFixture fixture = new VolumeFixture();
        MemoryStore store = fixture.create(4);
        String before = store.fingerprint();
        VersionedTestKeySource vault = new VersionedTestKeySource(fixture.engine(), 100);
        for (Manner manner : List.of(Manner.WRONG_BYTES, Manner.REFUSES)) {
            vault.unwrapping(manner);
            KeySourceException refused = assertThrows(KeySourceException.class, () -> fixture.creator()
                    .create(
                            VolumeStores.inBand(store),
                            List.of(fixture.key(1), vault),
                            VolumeFixture.ranges(4).forced(true)));
            assertEquals(KeySourceException.Kind.MISCONFIGURED, refused.kind());
        }
        assertEquals(before, store.fingerprint());
        fixture.open(store).close();
    }
}
