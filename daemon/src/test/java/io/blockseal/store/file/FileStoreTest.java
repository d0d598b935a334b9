package io.blockseal.store.file;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.memory.JvmMemorySource;
import io.blockseal.store.BlockStore;
import io.blockseal.store.BlockStoreContract;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FileStoreTest {
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

    @Nested
    class Opening {
        @TempDir
        Path folder;

        private final FileStores stores = FileStores.withJdk(new JvmMemorySource());

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

        @Test
        void namesTheProcessThatHoldsTheLock() throws Exception {
            Path path = folder.resolve("f");
            sized(stores, path, StoreOptions.BUFFERED).close();
            String hold = "import fcntl,sys,os; f=os.open(sys.argv[1],os.O_RDWR); fcntl.lockf(f,fcntl.LOCK_EX);"
                    + "print('held',flush=True); sys.stdin.read()";
            Process other = new ProcessBuilder("python3", "-c", hold, path.toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            try {
                assertEquals("held", other.inputReader().readLine());
                String message = refused(path).getMessage();
                assertTrue(message.contains("process " + other.pid()), message);
            } finally {
                other.getOutputStream().close();
                assertTrue(other.waitFor(30, TimeUnit.SECONDS));
            }
            stores.open(path, StoreOptions.BUFFERED).close();
        }
    }
}
