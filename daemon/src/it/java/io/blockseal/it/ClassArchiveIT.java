package io.blockseal.it;

import static java.nio.file.StandardCopyOption.COPY_ATTRIBUTES;
import static java.nio.file.StandardCopyOption.REPLACE_EXISTING;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The archive of loaded classes makes the start shorter and does nothing else: one that somebody else could have written
 * is not opened, and one that does not fit is passed over without a word.
 */
class ClassArchiveIT {
    @TempDir
    private static Path top;

    private static Path folder;
    private static Path good;
    private static Path archive;

    private final Path jar = folder.resolve("blockseal.jar");

    /** Made once, as that takes seconds; it is bound to the place of its jar, which therefore stays. */
    @BeforeAll
    static void make() throws IOException {
        folder = Files.createDirectory(top.resolve("used"));
        good = Files.createDirectory(top.resolve("good"));
        Path jar = folder.resolve("blockseal.jar");
        Files.copy(Blockseal.root().resolve("daemon/target/blockseal.jar"), jar);
        makeArchive(jar).ok();
        try (Stream<Path> files = Files.list(folder)) {
            archive = files.filter(file -> file.toString().endsWith(".jsa"))
                    .findFirst()
                    .orElseThrow();
            assertEquals("rw-r--r--", PosixFilePermissions.toString(Files.getPosixFilePermissions(archive)));
        }
        copyAll(folder, good);
    }

    @BeforeEach
    void restore() throws IOException {
        Files.deleteIfExists(archive);
        copyAll(good, folder);
        mode(folder, "rwxr-xr-x");
    }

    @Test
    void servesTheClasses() throws IOException {
        assertTrue(isUsed());
    }

    @Test
    void isNotUsedIfOthersCanWriteIt() throws IOException {
        mode(archive, "rw-rw-r--");
        assertFalse(isUsed());
        mode(archive, "rw-r--rw-");
        assertFalse(isUsed());
    }

    @Test
    void isNotUsedIfOthersCanReplaceIt() throws IOException {
        mode(folder, "rwxrwxr-x");
        assertFalse(isUsed());
    }

    @Test
    void isNotUsedIfAnotherUserOwnsIt() throws IOException {
        Tool.needRoot("giving a file away");
        Files.setAttribute(archive, "unix:uid", 12345);
        assertFalse(isUsed());
    }

    @Test
    void isNotUsedIfItIsSomewhereElse() throws IOException {
        Files.delete(archive);
        Files.createSymbolicLink(archive, good.resolve(archive.getFileName()));
        assertFalse(isUsed());
    }

    @Test
    void isNotUsedIfTheJarIsNewer() throws IOException {
        Files.setLastModifiedTime(jar, FileTime.from(Instant.now().plusSeconds(1)));
        assertFalse(isUsed());
    }

    @Test
    void isNotUsedForAnotherJar() throws IOException {
        // As when an older version is installed again: only the virtual machine can tell.
        Files.setLastModifiedTime(jar, FileTime.from(Instant.now().minusSeconds(86_400)));
        assertFalse(isUsed());
    }

    @Test
    void isNotUsedIfItIsCutOff() throws IOException {
        try (FileChannel channel = FileChannel.open(archive, StandardOpenOption.WRITE)) {
            channel.truncate(channel.size() / 3);
        }
        assertFalse(isUsed());
    }

    @Test
    void isNotUsedIfItIsDamagedAnywhere() throws IOException {
        long size = Files.size(archive);
        for (long at : new long[] {0, 2000, size / 2, size - 200_000, size - 8}) {
            restore();
            try (FileChannel channel = FileChannel.open(archive, StandardOpenOption.WRITE)) {
                channel.write(ByteBuffer.wrap(new byte[] {0x55, -1, 0x33, 0x77, 0x11, 0x66, 0x22, -2}), at);
            }
            assertFalse(isUsed(), "damaged at " + at);
        }
    }

    @Test
    void isNotMissedWithoutItsChecksum() throws IOException {
        Files.delete(archive.resolveSibling(archive.getFileName() + ".cksum"));
        assertFalse(isUsed());
    }

    @Test
    void isNotMadeWhereOthersCouldReplaceIt() throws IOException {
        mode(folder, "rwxrwxrwx");
        Tool.Result result = makeArchive(jar);
        assertEquals(1, result.exit(), result.all());
        assertTrue(result.err().contains("chmod go-w " + folder), result.err());
    }

    private static Tool.Result makeArchive(Path jar) {
        return Tool.run("env", "BLOCKSEAL_JAR=" + jar, Blockseal.root().resolve("scripts/class-archive"));
    }

    /** Whether the daemon's classes come out of the archive; in any case it works and complains of nothing. */
    private boolean isUsed() throws IOException {
        Path loaded = top.resolve("loaded");
        Files.deleteIfExists(loaded);
        String options = "BLOCKSEAL_JAVA_OPTS=-Xlog:class+load:file=" + loaded;
        Tool.Result result = Tool.run("env", "BLOCKSEAL_JAR=" + jar, options, Blockseal.launcher(), "--version")
                .ok();
        assertEquals("", result.err());
        assertTrue(result.out().startsWith("blockseal "), result.out());
        String main = Files.readAllLines(loaded).stream()
                .filter(line -> line.contains("io.blockseal.app.Main "))
                .findFirst()
                .orElseThrow();
        return main.contains("shared objects file");
    }

    private static void mode(Path file, String permissions) throws IOException {
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
    }

    private static void copyAll(Path from, Path to) throws IOException {
        try (Stream<Path> files = Files.list(from)) {
            for (Path file : files.toList()) {
                Files.copy(file, to.resolve(file.getFileName()), COPY_ATTRIBUTES, REPLACE_EXISTING);
            }
        }
    }
}
