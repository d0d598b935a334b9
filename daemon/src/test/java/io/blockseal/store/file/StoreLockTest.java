package io.blockseal.store.file;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.store.StoreInUseException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StoreLockTest {
    @TempDir
    Path folder;

    private Path file = Path.of("");

    @BeforeEach
    void makeTheFile() throws IOException {
        file = Files.createFile(folder.resolve("volume"));
    }

    @Test
    void isKeptWhenTheSameProcessTriesTwice() throws Exception {
        StoreLock lock = StoreLock.take(file, false);
        assumeTrue(isLocked(), "/proc/locks does not show locks here");
        Path otherName = Files.createSymbolicLink(folder.resolve("link"), file);
        assertThrows(StoreInUseException.class, () -> StoreLock.take(otherName, false));
        assertThrows(StoreInUseException.class, () -> StoreLock.take(file, true));
        assertTrue(isLocked(), "others must still be kept out");
        lock.close();
        assertTrue(!isLocked());
    }

    @Test
    void canBeTakenAgainOnceItWasLetGo() throws Exception {
        StoreLock.take(file, false).close();
        StoreLock.take(file, true).close();
    }

    private boolean isLocked() throws IOException {
        String inode = ":" + Files.getAttribute(file, "unix:ino") + " ";
        return Files.readString(Path.of("/proc/locks")).contains(inode);
    }
}
