package io.blockseal.shim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The bottom of every inline lane: bytes must land where they were sent, and every failure must have its number. */
class FileCallsTest {
    private static final int EWOULDBLOCK = -11;
    private static final int EEXIST = -17;
    private static final int EBADF = -9;
    private static final int ENOENT = -2;
    private static final int ENXIO = -6;

    @TempDir
    Path directory;

    private final Shim shim = ShimFixture.shim();
    private Path file;
    private int fd;

    @BeforeEach
    void open() {
        file = directory.resolve("dîsk.img");
        fd = shim.open(ShimLibrary.cString(file.toString()).address(), Shim.OPEN_WRITE | Shim.OPEN_CREATE);
        assertTrue(fd >= 0, "open: " + fd);
    }

    @AfterEach
    void close() {
        assertEquals(0, shim.close(fd));
    }

    private int openAgain(int flags) {
        return shim.open(ShimLibrary.cString(file.toString()).address(), flags);
    }

    private static OffHeap random(int length, long seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return ShimFixture.offHeap(bytes);
    }

    @Test
    void readsBackWhatWasWritten() throws IOException {
        OffHeap written = random(8192, 1);
        assertEquals(8192, shim.pwrite(fd, written.address(), 8192, 4096));
        assertEquals(512, shim.pwriteDsync(fd, written.address(512), 512, 0));
        assertEquals(0, shim.fdatasync(fd));
        assertEquals(0, shim.fsync(fd));
        byte[] all = Files.readAllBytes(file);
        assertEquals(12288, all.length);
        OffHeap read = OffHeap.allocate(8192);
        assertEquals(8192, shim.pread(fd, read.address(), 8192, 4096));
        assertArrayEquals(written.get(0, 8192), read.get(0, 8192));
        assertEquals(512, shim.pread(fd, read.address(), 512, 0));
        assertArrayEquals(written.get(512, 512), read.get(0, 512));
        assertEquals(PosixFilePermissions.fromString("rw-------"), Files.getPosixFilePermissions(file));
    }

    @Test
    void endsAtTheEndOfTheFile() {
        OffHeap buffer = random(4096, 2);
        assertEquals(1000, shim.pwrite(fd, buffer.address(), 1000, 0));
        assertEquals(1000, shim.pread(fd, buffer.address(), 4096, 0));
        assertEquals(0, shim.pread(fd, buffer.address(), 4096, 1000));
        assertEquals(0, shim.pwrite(fd, buffer.address(), 0, 0));
    }

    @Test
    void saysWhyNot() {
        OffHeap buffer = OffHeap.allocate(512);
        assertEquals(EBADF, shim.pread(-1, buffer.address(), 512, 0));
        assertEquals(ShimError.INVALID, shim.pread(fd, buffer.address(), 512, -1));
        assertEquals(ShimError.INVALID, shim.pwrite(fd, buffer.address(), -1, 0));
        assertEquals(EEXIST, openAgain(Shim.OPEN_WRITE | Shim.OPEN_CREATE | Shim.OPEN_EXCLUSIVE));
        OffHeap missing = ShimLibrary.cString(directory.resolve("missing").toString());
        assertEquals(ENOENT, shim.open(missing.address(), 0));
        int readOnly = openAgain(0);
        assertEquals(EBADF, shim.pwrite(readOnly, buffer.address(), 512, 0));
        assertEquals(0, shim.close(readOnly));
        assertTrue(shim.blockZeroout(fd, 0, 512) < 0, "a file is no block device");
        assertTrue(shim.blockDiscard(fd, 0, 512) < 0);
    }

    @Test
    void letsOneWriterInOnly() {
        int other = openAgain(Shim.OPEN_WRITE);
        assertEquals(0, shim.lock(fd, 0));
        assertEquals(EWOULDBLOCK, shim.lock(other, 0));
        assertEquals(EWOULDBLOCK, shim.lock(other, 1), "nor does it read what one writes");
        assertEquals(0, shim.close(other));
        assertEquals(0, shim.lock(fd, 0), "the holder may ask again");
    }

    @Test
    void letsReadersInTogetherAndNoWriter() {
        int reader = openAgain(0);
        int another = openAgain(0);
        assertEquals(0, shim.lock(reader, 1));
        assertEquals(0, shim.lock(another, 1));
        assertEquals(EWOULDBLOCK, shim.lock(fd, 0));
        assertEquals(0, shim.close(reader));
        assertEquals(EWOULDBLOCK, shim.lock(fd, 0));
        assertEquals(0, shim.close(another));
        assertEquals(0, shim.lock(fd, 0));
    }

    @Test
    void holesAreFoundAndReadAsZeros() {
        OffHeap buffer = random(1 << 16, 3);
        assertEquals(0, shim.ftruncate(fd, 1 << 20));
        assertEquals(1 << 16, shim.pwrite(fd, buffer.address(), 1 << 16, 1 << 18));
        int mode = Shim.FALLOCATE_PUNCH_HOLE | Shim.FALLOCATE_KEEP_SIZE;
        assertEquals(0, shim.fallocate(fd, mode, 1 << 18, 1 << 15));
        assertEquals(1 << 15, shim.pread(fd, buffer.address(), 1 << 15, 1 << 18));
        assertArrayEquals(new byte[1 << 15], buffer.get(0, 1 << 15));
        long data = shim.seekData(fd, 0);
        assertTrue(data >= 0 && data <= (1 << 18) + (1 << 15), "data at " + data);
        assertTrue(shim.seekHole(fd, data) > data);
        assertEquals(ENXIO, shim.seekData(fd, 1 << 20));
    }

    @Test
    void tellsWhatAFileIs() throws IOException {
        assertEquals(0, shim.ftruncate(fd, 123_456));
        FileInfoBlock info = new FileInfoBlock();
        assertEquals(0, shim.fileInfo(fd, info.address()));
        assertEquals(FileInfoBlock.TYPE_REGULAR, info.type());
        assertEquals(123_456, info.sizeBytes());
        assertEquals(0, info.allocatedBytes());
        assertEquals(Files.getAttribute(file, "unix:ino"), info.inode());
        assertEquals(512, info.logicalBlockBytes());
        assertTrue(info.preferredBlockBytes() >= 512 && info.filesystemMagic() > 0);
        int folder = shim.open(ShimLibrary.cString(directory.toString()).address(), Shim.OPEN_DIRECTORY);
        assertEquals(0, shim.fileInfo(folder, info.address()));
        assertEquals(FileInfoBlock.TYPE_OTHER, info.type());
        assertEquals(0, shim.fsync(folder), "a directory can be made durable");
        assertEquals(0, shim.close(folder));
        assertEquals(EBADF, shim.fileInfo(-1, info.address()));
    }

    @Test
    void tmpfsIsRecognised() {
        int shared = shim.open(ShimLibrary.cString("/dev/shm").address(), Shim.OPEN_DIRECTORY);
        assumeTrue(shared >= 0, "no /dev/shm here");
        FileInfoBlock info = new FileInfoBlock();
        assertEquals(0, shim.fileInfo(shared, info.address()));
        assertEquals(0, shim.close(shared));
        assertEquals(FileInfoBlock.MAGIC_TMPFS, info.filesystemMagic());
    }

    @Test
    void mappedPagesAreZeroAndTheirBytesAreOurs() {
        long address = shim.map(1 << 16, Shim.MAP_PREFAULT);
        assertTrue(address > 0 && address % 4096 == 0);
        OffHeap pages = OffHeap.at(address, 1 << 16);
        assertArrayEquals(new byte[1 << 16], pages.get(0, 1 << 16));
        assertEquals(0, shim.random(address, 1 << 16));
        assertEquals(0, shim.equal(address, address + 32, 32));
        assertEquals(1, shim.equal(address, address, 32));
        assertEquals(0, shim.wipe(address, 1 << 16));
        assertArrayEquals(new byte[1 << 16], pages.get(0, 1 << 16));
        assertEquals(0, shim.unmap(address, 1 << 16));
        assertEquals(ShimError.INVALID, shim.map(0, 0));
    }

    @Test
    void reservedPagesAreZeroOnceThereIsMemoryBehindThem() {
        int huge = 2 << 20;
        long address = shim.reserve(2 * huge);
        assertTrue(address > 0 && address % huge == 0);
        assertEquals(0, shim.populate(address + huge - 4096, 8192));
        assertArrayEquals(
                new byte[8192], OffHeap.at(address + huge - 4096, 8192).get(0, 8192));
        assertEquals(0, shim.unmap(address, 2 * huge));
        assertEquals(ShimError.INVALID, shim.reserve(4096));
    }
}
