package io.blockseal.volume.host;

import io.blockseal.keysource.FileTrouble;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A small text file in the state directory that is replaced as a whole: after a power cut it holds what it held before
 * or what was written, and nothing between. On keeper threads; one writer at a time, which the lock on the volume sees to.
 */
public final class StateFile {
    private static final int BYTES_MAX = 16 << 10;

    private final Path path;

    /** The file of that name, which need not exist. */
    public StateFile(Path path) {
        this.path = path;
    }

    /** Where it lies. */
    public Path path() {
        return path;
    }

    /** Its text without the line break at the end, or null if there is no such file. */
    public @Nullable String read() throws IOException {
        byte[] bytes;
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
            if (channel.size() > BYTES_MAX) {
                throw new IOException("it has " + channel.size() + " bytes, and cannot be ours");
            }
            ByteBuffer text = ByteBuffer.allocate(BYTES_MAX);
            int read = 0;
            while (read >= 0 && text.hasRemaining()) {
                read = channel.read(text);
            }
            bytes = new byte[text.flip().remaining()];
            text.get(bytes);
        } catch (NoSuchFileException e) {
            return null;
        }
        return new String(bytes, StandardCharsets.US_ASCII).strip();
    }

    /** What went wrong, in words for an operator: an exception of the file system has no more than a path for message. */
    public static String words(IOException e) {
        return FileTrouble.words(e);
    }

    private static FileAttribute<?> mode(String permissions) {
        return PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString(permissions));
    }

    /** Replaces it durably; makes the directory if need be. */
    public void write(String text) throws IOException {
        Path directory = path.toAbsolutePath().getParent();
        if (directory != null) {
            Files.createDirectories(directory, mode("rwx------"));
        }
        Path temporary = path.resolveSibling(path.getFileName() + ".new");
        Set<StandardOpenOption> how =
                Set.of(StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE);
        try (FileChannel channel = FileChannel.open(temporary, how, mode("rw-------"))) {
            // One that an earlier attempt left behind may have another mode.
            Files.setPosixFilePermissions(temporary, PosixFilePermissions.fromString("rw-------"));
            ByteBuffer bytes = ByteBuffer.wrap((text + "\n").getBytes(StandardCharsets.US_ASCII));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        if (directory != null) {
            try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }
}
