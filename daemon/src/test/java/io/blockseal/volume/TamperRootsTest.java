package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.blockseal.block.Errno;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.volume.VolumeRefusedException.Reason;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.slf4j.LoggerFactory;

/** Somebody changes the root, every bit of it, and makes the checksum right: only the MAC can tell. */
@ExtendWith(TamperTable.class)
class TamperRootsTest {
    private static final int BITS = MetadataLayout.BLOCK_BYTES * 8;
    private static final int CRC_FIRST_BIT = BITS - 32;
    private static final int PARTS = 4;

    /** What a sweep does with one bit. */
    private interface Sweep {
        void bit(TamperRig rig, byte[] good, int bit) throws Exception;
    }

    private static void sweep(String id, String what, int endBit, Sweep sweep) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(PARTS);
        // Each state has its warning; thousands of them would be most of the work, and bury what a person looks for.
        Logger opener = (Logger) LoggerFactory.getLogger(TamperRootsTest.class.getPackageName());
        opener.setLevel(Level.OFF);
        try (TamperTally tally = new TamperTally(id, what)) {
            List<Future<Integer>> parts = threads.invokeAll(List.of(
                    part(0, endBit, tally, sweep),
                    part(1, endBit, tally, sweep),
                    part(2, endBit, tally, sweep),
                    part(3, endBit, tally, sweep)));
            int states = 0;
            for (Future<Integer> part : parts) {
                states += part.get();
            }
            assertEquals(endBit, states);
        } finally {
            threads.shutdownNow();
            opener.setLevel(null);
        }
    }

    private static Callable<Integer> part(int part, int endBit, TamperTally tally, Sweep sweep) {
        return () -> {
            TamperRig rig = new TamperRig();
            byte[] good = rig.store.peek(0, MetadataLayout.BLOCK_BYTES);
            String before = rig.store.fingerprint();
            int tried = 0;
            for (int bit = part; bit < endBit; bit += PARTS) {
                int flipped = bit;
                tally.state("bit " + bit, () -> sweep.bit(rig, good, flipped));
                rig.pokeRoots(good);
                tried++;
            }
            assertEquals(before, rig.store.fingerprint(), "nothing was changed");
            return tried;
        };
    }

    private static byte[] flippedWithoutCrc(byte[] good, int bit) {
        byte[] image = good.clone();
        image[bit / 8] ^= (byte) (1 << (bit % 8));
        return image;
    }

    @Test
    void isRefusedWhicheverBitIsFlippedInBothCopies() throws Exception {
        sweep(
                "T1",
                "each bit of both roots flipped, CRC right: refused, unchanged",
                CRC_FIRST_BIT,
                (rig, good, bit) -> {
                    rig.pokeRoots(Forger.flipped(good, bit));
                    Exception e = rig.refusedQuickly();
                    assertTrue(
                            e instanceof MalformedVolumeException
                                    || e instanceof WrongKeyException
                                    || e instanceof VolumeRefusedException,
                            e.toString());
                });
    }

    @Test
    void isRefusedByItsChecksumWhicheverBitIsFlippedInBothCopies() throws Exception {
        sweep("T1c", "each bit of both roots flipped, CRC wrong: refused, unchanged", BITS, (rig, good, bit) -> {
            rig.pokeRoots(flippedWithoutCrc(good, bit));
            assertEquals(
                    "roots",
                    assertInstanceOf(MalformedVolumeException.class, rig.refusedQuickly())
                            .field());
        });
    }

    @Test
    void isTakenFromTheOtherCopyWhicheverBitIsFlippedInTheFirst() throws Exception {
        oneCopy(0);
    }

    @Test
    void isTakenFromTheOtherCopyWhicheverBitIsFlippedInTheSecond() throws Exception {
        oneCopy(1);
    }

    private void oneCopy(int copy) throws Exception {
        String letter = MetadataLayout.letter(copy);
        sweep(
                "T1" + letter,
                "each bit of root " + letter + " flipped, CRC right: the other root used",
                CRC_FIRST_BIT,
                (rig, good, bit) -> {
                    rig.store.poke(MetadataLayout.rootOffset(copy), Forger.flipped(good, bit));
                    // Going on with an older root would be to ignore what a newer release says; a tie goes to the
                    // first.
                    boolean unknownFeature = copy == 0 && bit / 8 >= 0x28 && bit / 8 < 0x30;
                    if (unknownFeature) {
                        assertEquals(
                                Reason.UNKNOWN_FEATURE,
                                assertInstanceOf(VolumeRefusedException.class, rig.refusedQuickly())
                                        .reason());
                        return;
                    }
                    try (Volume volume = rig.fixture.open(rig.store, OpenOptions.DEFAULT.forReading())) {
                        assertArrayEquals(good, volume.root().image());
                    }
                    if (bit % 61 == 0) {
                        rig.fixture.open(rig.store).close();
                        assertArrayEquals(good, rig.store.peek(MetadataLayout.rootOffset(copy), good.length), "healed");
                    }
                });
    }

    @Test
    void thatNamesAnotherSuiteOrShapeIsRefusedByItsMac() throws Exception {
        TamperRig rig = new TamperRig();
        byte[] good = rig.store.peek(0, MetadataLayout.BLOCK_BYTES);
        try (TamperTally tally = new TamperTally(
                "T2", "every suite, unit and range shift, many data offsets: refused before data I/O")) {
            for (int suite = 0; suite <= 0xffff; suite += suite < 256 ? 1 : 257) {
                if (suite != 1) {
                    changed(tally, rig, good, 0x4a, Short.BYTES, suite);
                }
            }
            for (int shift = 0; shift < 256; shift++) {
                if (shift != good[0x48]) {
                    changed(tally, rig, good, 0x48, 1, shift);
                }
                if (shift != good[0x49]) {
                    changed(tally, rig, good, 0x49, 1, shift);
                }
            }
            for (long offset = 0; offset <= 128 << 20; offset += 1 << 20) {
                if (offset != 64 << 20) {
                    changed(tally, rig, good, 0x60, Long.BYTES, offset);
                }
            }
            for (long offset : new long[] {-1, Long.MIN_VALUE, Long.MAX_VALUE, (64 << 20) + 1, (64 << 20) + 512}) {
                changed(tally, rig, good, 0x60, Long.BYTES, offset);
            }
        }
    }

    private static void changed(TamperTally tally, TamperRig rig, byte[] good, int at, int bytes, long value) {
        tally.state("0x" + Integer.toHexString(at) + " = " + value, () -> {
            byte[] image = good.clone();
            byte[] number = ByteBuffer.allocate(Long.BYTES)
                    .order(ByteOrder.LITTLE_ENDIAN)
                    .putLong(value)
                    .array();
            System.arraycopy(number, 0, image, at, bytes);
            rig.pokeRoots(Forger.withCrc(image));
            assertEquals(
                    "mac",
                    assertInstanceOf(MalformedVolumeException.class, rig.refusedQuickly())
                            .field());
        });
        rig.pokeRoots(good);
    }

    @Test
    void withAnUnknownFeatureIsRefusedOrOpensForReadingAlone() throws Exception {
        TamperRig rig = new TamperRig();
        byte[] good = rig.store.peek(0, MetadataLayout.BLOCK_BYTES);
        try (Forger forger = rig.forger();
                TamperTally tally =
                        new TamperTally("T17", "each unknown feature bit, MAC right: refused, read-only, or ignored")) {
            for (int bit = 0; bit < Long.SIZE; bit++) {
                long feature = 1L << bit;
                tally.state("incompat " + bit, () -> {
                    forger.forgeRoots(root -> root.features(feature, 0, 0));
                    VolumeRefusedException e = assertInstanceOf(VolumeRefusedException.class, rig.refusedQuickly());
                    assertEquals(Reason.UNKNOWN_FEATURE, e.reason());
                });
                rig.pokeRoots(good);
                tally.state("ro-compat " + bit, () -> {
                    forger.forgeRoots(root -> root.features(0, feature, 0));
                    String before = rig.store.fingerprint();
                    try (Volume volume = rig.fixture.open(rig.store)) {
                        assertTrue(volume.shape().readOnly());
                        assertEquals(1, rig.fixture.read(volume, 0));
                        assertEquals(Errno.EPERM, VolumeFixture.allocate(volume, 69));
                    }
                    assertEquals(before, rig.store.fingerprint());
                });
                rig.pokeRoots(good);
                tally.state("compat " + bit, () -> {
                    forger.forgeRoots(root -> root.features(0, 0, feature));
                    try (Volume volume = rig.fixture.open(rig.store)) {
                        assertEquals(1, rig.fixture.read(volume, 0));
                    }
                });
                rig.pokeRoots(good);
            }
        }
    }
}
