package io.blockseal.store.file;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.Memory;
import io.blockseal.store.StoreOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A disk of 4096-byte sectors by way of the page cache: a volume of 512-byte units has to zero parts of a sector. */
class ZeroingTest {
    private static final int SECTOR = 4096;
    private static final int SIZE = 8 * SECTOR;

    @TempDir
    Path folder;

    /** Zeroes whole sectors and refuses all else, as Linux has it of a device. */
    private static final class Disk extends ForwardingFile {
        private final Memory zeros = new JvmMemorySource().map(SIZE);
        private final Memory old = new JvmMemorySource().map(SIZE);
        private int zeroedAtOnce;
        private boolean punches = true;

        Disk(SystemFile file) {
            super(file);
            for (int i = 0; i < SIZE; i++) {
                old.bytes().put(i, (byte) 7);
            }
        }

        @Override
        public boolean fast() {
            return true;
        }

        @Override
        public FileFacts facts() {
            return new FileFacts(FileFacts.Kind.BLOCK_DEVICE, SIZE, SIZE, SECTOR, FileFacts.Place.DISK);
        }

        @Override
        public int punch(long offset, long lengthBytes) {
            if (offset % SECTOR != 0 || lengthBytes % SECTOR != 0) {
                return -22;
            }
            if (!punches) {
                // What memory had of it is gone, and the disk shows what was there before.
                return write(old, 0, (int) lengthBytes, offset) < 0 ? -5 : SystemFile.NOT_SUPPORTED;
            }
            zeroedAtOnce += (int) lengthBytes;
            return Math.min(0, write(zeros, 0, (int) lengthBytes, offset));
        }
    }

    private interface Look {
        void at(Disk disk, Zeroing zeroing) throws Exception;
    }

    /** With a disk full of ones. */
    private byte[] after(Look look) throws Exception {
        byte[] ones = new byte[SIZE];
        Arrays.fill(ones, (byte) 1);
        Path path = Files.write(folder.resolve("disk"), ones);
        try (Disk disk = new Disk(JdkFile.open(path, StoreOptions.BUFFERED))) {
            look.at(disk, Zeroing.probe(disk, disk.facts(), false, new JvmMemorySource().map(SECTOR)));
        }
        return Files.readAllBytes(path);
    }

    private static void requireZeros(byte[] found, int from, int to) {
        for (int i = 0; i < found.length; i++) {
            assertEquals(i >= from && i < to ? 0 : 1, found[i], "byte " + i);
        }
    }

    @Test
    void isOfWholeSectorsAtOnceAndOfPartsByWriting() throws Exception {
        for (int from : new int[] {0, 512, SECTOR - 512, SECTOR, SECTOR + 512}) {
            for (int length : new int[] {512, SECTOR - 512, SECTOR, SECTOR + 512, 3 * SECTOR, 3 * SECTOR + 1024}) {
                int to = from + length;
                int whole = Math.max(0, to / SECTOR * SECTOR - (from + SECTOR - 1) / SECTOR * SECTOR);
                byte[] found = after((disk, zeroing) -> {
                    assertEquals(0, zeroing.zero(from, length, false));
                    assertEquals(whole, disk.zeroedAtOnce);
                });
                requireZeros(found, from, to);
            }
        }
    }

    @Test
    void changesNothingIfItIsToBeFastAndCannotBe() throws Exception {
        byte[] found =
                after((disk, zeroing) -> assertEquals(SystemFile.NOT_SUPPORTED, zeroing.zero(512, 3 * SECTOR, true)));
        requireZeros(found, 0, 0);
    }

    /** The device is not asked whether it can: asking costs what was written there and is not on it yet. */
    @Test
    void isNotFastBeforeTheDeviceHasShownThatItCan() throws Exception {
        byte[] refused = after((disk, zeroing) -> {
            disk.punches = false;
            assertEquals(SystemFile.NOT_SUPPORTED, zeroing.zero(SECTOR, SECTOR, true));
        });
        requireZeros(refused, 0, 0);
        byte[] found = after((disk, zeroing) -> {
            disk.punches = false;
            assertEquals(0, zeroing.zero(SECTOR, SECTOR, false));
            assertEquals(SystemFile.NOT_SUPPORTED, zeroing.zero(4 * SECTOR, SECTOR, true));
        });
        requireZeros(found, SECTOR, 2 * SECTOR);
        byte[] able = after((disk, zeroing) -> {
            assertEquals(0, zeroing.zero(SECTOR, SECTOR, false));
            assertEquals(0, zeroing.zero(2 * SECTOR, SECTOR, true));
        });
        requireZeros(able, SECTOR, 3 * SECTOR);
    }
}
