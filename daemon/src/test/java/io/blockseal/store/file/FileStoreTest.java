package io.blockseal.store.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.block.ChannelDriver;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ThreadLoop;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimLibrary;
import io.blockseal.store.BlockStore;
import io.blockseal.store.BlockStoreContract;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreInUseException;
import io.blockseal.store.StoreOptions;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileStoreTest {
    private static final StoreOptions READING = new StoreOptions(true, false);

    private static BlockStore sized(FileStores stores, Path path, StoreOptions options) throws StoreException {
        try (BlockStore fresh = stores.create(path, StoreOptions.BUFFERED)) {
            fresh.grow(BlockStoreContract.SIZE_BYTES);
        }
        return stores.open(path, options);
    }

    @Nested
    class ThroughTheJdk extends BlockStoreContract {
        @TempDir
        Path folder;

        @Override
        protected BlockStore open() throws Exception {
            return sized(FileStores.withJdk(new JvmMemorySource()), folder.resolve("f"), StoreOptions.BUFFERED);
        }
    }

    private static Shim shim() {
        ShimLibrary library = ShimLibrary.open();
        assumeTrue(library.isPresent(), () -> "native shim absent: " + library.reason());
        return Objects.requireNonNull(library.shim());
    }

    private static FileStores withShim() {
        return FileStores.withShim(shim(), new ShimMemorySource(shim()));
    }

    /** A folder beside the build, so on whatever disk that lies; not on tmpfs, as temporary folders may be. */
    private static Path folderOnDisk() throws IOException {
        Path folder = Files.createTempDirectory(Path.of("target"), "store");
        folder.toFile().deleteOnExit();
        return folder;
    }

    @Nested
    class ThroughTheShimOnDisk extends BlockStoreContract {
        @Override
        protected BlockStore open() throws Exception {
            Path path = folderOnDisk().resolve("f");
            path.toFile().deleteOnExit();
            return sized(withShim(), path, StoreOptions.BUFFERED);
        }
    }

    @Nested
    class ThroughTheShimInMemory extends BlockStoreContract {
        @Override
        protected BlockStore open() throws Exception {
            Path shm = Path.of("/dev/shm");
            assumeTrue(Files.isWritable(shm), "no tmpfs at /dev/shm");
            Path folder = Files.createTempDirectory(shm, "store");
            folder.toFile().deleteOnExit();
            Path path = folder.resolve("f");
            path.toFile().deleteOnExit();
            return sized(withShim(), path, StoreOptions.BUFFERED);
        }
    }

    @Nested
    class PastThePageCache extends BlockStoreContract {
        @Override
        protected BlockStore open() throws Exception {
            Path path = folderOnDisk().resolve("f");
            path.toFile().deleteOnExit();
            return sized(withShim(), path, new StoreOptions(false, true));
        }
    }

    /** A loop device over a file: what a raw disk is to the store. Needs root. */
    abstract static class OnABlockDevice extends BlockStoreContract {
        private final boolean direct;
        private String device = "";

        OnABlockDevice(boolean direct) {
            this.direct = direct;
        }

        @Override
        protected BlockStore open() throws Exception {
            assumeTrue("root".equals(System.getProperty("user.name")), "loop devices need root");
            Path path = folderOnDisk().resolve("disk");
            path.toFile().deleteOnExit();
            FileStores stores = withShim();
            try (BlockStore file = stores.create(path, StoreOptions.BUFFERED)) {
                file.grow(SIZE_BYTES);
            }
            Process losetup = new ProcessBuilder("losetup", "-f", "--show", path.toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            String line = losetup.inputReader().readLine();
            assumeTrue(losetup.waitFor() == 0 && line != null, "no loop device to be had");
            device = line;
            return stores.open(Path.of(device), new StoreOptions(false, direct));
        }

        @AfterEach
        void detach() throws Exception {
            if (!device.isEmpty()) {
                new ProcessBuilder("losetup", "-d", device).inheritIO().start().waitFor();
            }
        }
    }

    @Nested
    class OnABufferedBlockDevice extends OnABlockDevice {
        OnABufferedBlockDevice() {
            super(false);
        }
    }

    @Nested
    class OnADirectBlockDevice extends OnABlockDevice {
        OnADirectBlockDevice() {
            super(true);
        }
    }

    @Nested
    class WhenTheDiskIsFull {
        @Test
        void aWriteGetsEnospcAndTheStoreGoesOn() throws Exception {
            assumeTrue("root".equals(System.getProperty("user.name")), "mounting needs root");
            Path mount = folderOnDisk();
            Process mounting = new ProcessBuilder("mount", "-t", "tmpfs", "-o", "size=1m", "none", mount.toString())
                    .inheritIO()
                    .start();
            assumeTrue(mounting.waitFor() == 0, "mounting is not permitted here");
            try (ThreadLoop loop = new ThreadLoop(0);
                    BlockStore store = sized(withShim(), mount.resolve("f"), StoreOptions.BUFFERED);
                    ChannelDriver driver = new ChannelDriver(loop, store)) {
                assertEquals(Errno.OK, driver.write(0, new byte[512 << 10], 0));
                assertEquals(Errno.ENOSPC, driver.write(1 << 20, new byte[1 << 20], 0));
                assertEquals(Errno.OK, driver.run(Command.TRIM, 0, 0, BlockStoreContract.SIZE_BYTES));
                assertEquals(Errno.OK, driver.write(1 << 20, new byte[512 << 10], 0));
            } finally {
                new ProcessBuilder("umount", mount.toString())
                        .inheritIO()
                        .start()
                        .waitFor();
            }
        }
    }

    @Nested
    class WhenACallDoesNotEnd {
        @TempDir
        Path folder;

        @Test
        void theFileStaysOpenAndLocked() throws Exception {
            List<FaultyFile> files = new ArrayList<>();
            FileStores stores = new FileStores(
                    (path, options) -> {
                        files.add(new FaultyFile(JdkFile.open(path, options)));
                        return files.get(files.size() - 1);
                    },
                    new JvmMemorySource());
            Path path = folder.resolve("f");
            FileStore store = (FileStore) sized(stores, path, StoreOptions.BUFFERED);
            CountDownLatch writing = new CountDownLatch(1);
            CountDownLatch goOn = new CountDownLatch(1);
            files.get(files.size() - 1).beforeWrite = () -> {
                writing.countDown();
                try {
                    goOn.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            };
            try (ThreadLoop loop = new ThreadLoop(0);
                    ChannelDriver driver = new ChannelDriver(loop, store)) {
                CompletableFuture<Errno> write = CompletableFuture.supplyAsync(() -> {
                    try {
                        return driver.write(0, new byte[4096], 0);
                    } catch (Exception e) {
                        throw new CompletionException(e);
                    }
                });
                writing.await();
                store.close(Duration.ZERO);
                assertThrows(StoreException.class, () -> stores.open(path, StoreOptions.BUFFERED));
                goOn.countDown();
                assertEquals(Errno.OK, write.get(30, TimeUnit.SECONDS));
            }
            store.close();
            stores.open(path, StoreOptions.BUFFERED).close();
        }
    }

    @Nested
    class WhenAnotherFileTakesItsPlace {
        @TempDir
        Path folder;

        /** The lock would be one file's, and what is written another's. */
        @Test
        void theNameIsRefused() throws Exception {
            Path path = folder.resolve("f");
            Path other = folder.resolve("other");
            FileStores stores = FileStores.withJdk(new JvmMemorySource());
            sized(stores, path, StoreOptions.BUFFERED).close();
            sized(stores, other, StoreOptions.BUFFERED).close();
            FileStores late = new FileStores(
                    (file, options) -> {
                        try {
                            Files.move(other, path, StandardCopyOption.REPLACE_EXISTING);
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        }
                        return JdkFile.open(file, options);
                    },
                    new JvmMemorySource());
            StoreException refused = assertThrows(StoreException.class, () -> late.open(path, StoreOptions.BUFFERED));
            assertTrue(refused.getMessage().contains("took its place"), refused.getMessage());
            stores.open(path, StoreOptions.BUFFERED).close();
        }
    }

    @Nested
    class OnADiskOfLargeSectors {
        @TempDir
        Path folder;

        @Test
        void directAccessKeepsToTheirSize() throws Exception {
            Path path = folder.resolve("f");
            sized(FileStores.withJdk(new JvmMemorySource()), path, StoreOptions.BUFFERED)
                    .close();
            for (int sectorBytes : new int[] {512, 4096}) {
                FileStores stores = new FileStores(
                        (file, options) -> {
                            FaultyFile faulty = new FaultyFile(JdkFile.open(file, StoreOptions.BUFFERED));
                            faulty.sectorBytes = sectorBytes;
                            return faulty;
                        },
                        new JvmMemorySource());
                try (BlockStore store = stores.open(path, new StoreOptions(false, true))) {
                    assertEquals(sectorBytes, store.alignmentBytes());
                    assertEquals(sectorBytes, store.geometry().minimumBlockBytes());
                }
            }
        }
    }

    @Nested
    class OnADeviceThatIsInUse {
        @Test
        void refusesToOpenIt() throws Exception {
            assumeTrue("root".equals(System.getProperty("user.name")), "loop devices need root");
            Path folder = folderOnDisk();
            Path image = folder.resolve("ext4");
            try (BlockStore file = withShim().create(image, StoreOptions.BUFFERED)) {
                file.grow(8 << 20);
            }
            assumeTrue(run("mkfs.ext4", "-q", image.toString()) == 0, "no mkfs.ext4");
            Path mount = Files.createDirectory(folder.resolve("mounted"));
            assumeTrue(run("mount", "-o", "loop", image.toString(), mount.toString()) == 0, "no loop device to be had");
            try {
                Process find = new ProcessBuilder("findmnt", "-n", "-o", "SOURCE", mount.toString()).start();
                Path device = Path.of(find.inputReader().readLine());
                StoreException e =
                        assertThrows(StoreException.class, () -> withShim().open(device, StoreOptions.BUFFERED));
                assertTrue(e.getMessage().contains("mounted"), e.getMessage());
            } finally {
                run("umount", mount.toString());
            }
        }

        private int run(String... command) throws Exception {
            return new ProcessBuilder(command).inheritIO().start().waitFor();
        }
    }

    @Nested
    class OpeningThroughTheJdk extends Opening {
        OpeningThroughTheJdk() {
            super(FileStores.withJdk(new JvmMemorySource()));
        }
    }

    @Nested
    class OpeningThroughTheShim extends Opening {
        OpeningThroughTheShim() {
            super(withShim());
        }
    }

    abstract static class Opening {
        @TempDir
        Path folder;

        private final FileStores stores;

        Opening(FileStores stores) {
            this.stores = stores;
        }

        private StoreException refused(Path path) {
            return assertThrows(StoreException.class, () -> stores.open(path, StoreOptions.BUFFERED));
        }

        @Test
        void saysThatAFileIsMissing() {
            assertTrue(refused(folder.resolve("none")).getMessage().contains("no such file"));
        }

        @Test
        void refusesAFolder() {
            assertTrue(refused(folder).getMessage().contains(folder.toString()));
        }

        @Test
        void leavesAnExistingFileAlone() throws Exception {
            Path path = folder.resolve("f");
            Files.writeString(path, "precious");
            StoreException e = assertThrows(StoreException.class, () -> stores.create(path, StoreOptions.BUFFERED));
            assertTrue(e.getMessage().contains("exists already"));
            assertEquals("precious", Files.readString(path));
        }

        /** What lay on a logical volume's new extents is not what a new range of a volume holds. */
        @Test
        void whatSomebodyElseHasAddedReadsAsZerosOnceItHasGrownOverThat() throws Exception {
            Path path = folder.resolve("f");
            try (BlockStore store = sized(stores, path, StoreOptions.BUFFERED)) {
                byte[] strange = new byte[12288];
                Arrays.fill(strange, (byte) 0xaa);
                Files.write(path, strange, StandardOpenOption.APPEND);
                long before = store.sizeBytes();
                store.grow(before + 8192);
                ByteBuffer found = ByteBuffer.allocate(8192);
                store.read(before, found);
                assertEquals(ByteBuffer.allocate(8192), found.flip());
                assertEquals(before + 12288, Files.size(path), "and what lies behind is nobody's to cut off");
                store.grow(before + 16384);
                assertEquals(before + 16384, Files.size(path));
                store.read(before + 8192, found.clear());
                assertEquals(ByteBuffer.allocate(8192), found.flip());
            }
        }

        @Test
        void makesFilesThatOnlyTheirOwnerReads() throws Exception {
            Path path = folder.resolve("f");
            stores.create(path, StoreOptions.BUFFERED).close();
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(path)));
        }

        @Test
        void letsOneWriterInUntilItCloses() throws Exception {
            Path path = folder.resolve("f");
            BlockStore first = sized(stores, path, StoreOptions.BUFFERED);
            assertTrue(refused(path).getMessage().contains("already open"));
            first.close();
            stores.open(path, StoreOptions.BUFFERED).close();
        }

        /** The system would take the lock away with the last descriptor that the refused one closes. */
        @Test
        void aRefusalInThisProcessLeavesTheLockWithItsHolder() throws Exception {
            Path path = folder.resolve("f");
            try (BlockStore first = sized(stores, path, StoreOptions.BUFFERED)) {
                refused(path);
                assertThrows(StoreException.class, () -> stores.open(path, StoreOptions.PEEK));
                Files.createSymbolicLink(folder.resolve("alias"), path);
                refused(folder.resolve("alias"));
                String lock =
                        "import fcntl,sys,os; f=os.open(sys.argv[1],os.O_RDWR); fcntl.lockf(f,fcntl.LOCK_EX|fcntl.LOCK_NB)";
                Process other = new ProcessBuilder("python3", "-c", lock, path.toString()).start();
                assertTrue(other.waitFor() != 0, first.name() + " could be locked by another process");
            }
            stores.open(path, StoreOptions.BUFFERED).close();
        }

        @Test
        void namesTheProcessThatHoldsTheLock() throws Exception {
            Path path = folder.resolve("f");
            sized(stores, path, StoreOptions.BUFFERED).close();
            try (Holder other = new Holder(path, "LOCK_EX")) {
                String message = refused(path).getMessage();
                assertTrue(message.contains("process " + other.pid()), message);
            }
            stores.open(path, StoreOptions.BUFFERED).close();
        }

        @Test
        void letsNobodyReadWhatAnotherProcessWrites() throws Exception {
            Path path = folder.resolve("f");
            sized(stores, path, StoreOptions.BUFFERED).close();
            try (Holder writer = new Holder(path, "LOCK_EX")) {
                StoreException refused = assertThrows(StoreInUseException.class, () -> stores.open(path, READING));
                assertTrue(refused.getMessage().contains("open for writing elsewhere"), refused.getMessage());
                assertTrue(refused.getMessage().contains("process " + writer.pid()), refused.getMessage());
                stores.open(path, StoreOptions.PEEK).close();
            }
            stores.open(path, READING).close();
        }

        @Test
        void letsProcessesReadTogetherAndKeepsWritersOut() throws Exception {
            Path path = folder.resolve("f");
            sized(stores, path, StoreOptions.BUFFERED).close();
            try (Holder reader = new Holder(path, "LOCK_SH")) {
                stores.open(path, READING).close();
                String message = refused(path).getMessage();
                assertTrue(message.contains("process " + reader.pid()), message);
            }
            stores.open(path, StoreOptions.BUFFERED).close();
        }
    }

    /** Another process that has a record lock on the whole file. */
    private static final class Holder implements AutoCloseable {
        private final Process process;

        Holder(Path path, String kind) throws IOException {
            String hold = "import fcntl,sys,os; f=os.open(sys.argv[1],os.O_RDWR); fcntl.lockf(f,fcntl." + kind + ");"
                    + "print('held',flush=True); sys.stdin.read()";
            process = new ProcessBuilder("python3", "-c", hold, path.toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            assertEquals("held", process.inputReader().readLine());
        }

        long pid() {
            return process.pid();
        }

        @Override
        public void close() throws Exception {
            process.getOutputStream().close();
            assertTrue(process.waitFor(30, TimeUnit.SECONDS));
        }
    }
}
