package io.blockseal.it;

import com.sun.nio.file.ExtendedOpenOption;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.extension.AnnotatedElementContext;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.io.TempDirFactory;
import org.opentest4j.TestAbortedException;

/**
 * Makes temporary folders on a disk of this machine, where O_DIRECT is worth an io_uring: where temporary files are, or
 * else beside the build. Skips the test, saying why, if both are elsewhere.
 */
final class LocalDisk implements TempDirFactory {
    /** Some of those that the daemon takes to be local. */
    private static final Set<String> FILESYSTEMS = Set.of("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "overlay");

    @Override
    public Path createTempDirectory(AnnotatedElementContext field, ExtensionContext test) throws IOException {
        List<Path> places = List.of(Path.of(System.getProperty("java.io.tmpdir")), Path.of("target"));
        for (Path place : places) {
            if (FILESYSTEMS.contains(Files.getFileStore(place).type()) && opensDirectly(place)) {
                return Files.createTempDirectory(place.toAbsolutePath(), "disk");
            }
        }
        throw new TestAbortedException("neither of " + places + " is on a local disk that has O_DIRECT");
    }

    private static boolean opensDirectly(Path place) throws IOException {
        Path file = Files.createTempFile(place, "direct", "");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, ExtendedOpenOption.DIRECT)) {
            return channel.isOpen();
        } catch (IOException e) {
            return false;
        } finally {
            Files.delete(file);
        }
    }
}
