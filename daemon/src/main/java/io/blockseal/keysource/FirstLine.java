package io.blockseal.keysource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.jspecify.annotations.Nullable;

/**
 * A secret that is the first line of a file or of an inherited descriptor; the line feed at its end, if there is one, is
 * not part of it, anything else is.
 */
public final class FirstLine implements SecretInput {
    private final Path path;
    private final String name;
    /** What a warning calls the file if others may use it; null if nobody is to be warned. */
    private final @Nullable String secretFile;

    private FirstLine(Path path, String name, @Nullable String secretFile) {
        this.path = path;
        this.name = name;
        this.secretFile = secretFile;
    }

    /** The first line of a file; who else may read it is the caller's affair. */
    public static FirstLine ofFile(Path path) {
        return new FirstLine(path, path.toString(), null);
    }

    /**
     * Likewise, of a file that messages call {@code what}. If everybody may read it that is a warning in the log and no
     * refusal: other programs, which take such files as they are, may have to read it as well.
     */
    public static FirstLine ofSecretFile(Path path, String what) {
        return new FirstLine(path, path.toString(), what);
    }

    /** The first line of what is open as descriptor {@code number}: a file, a pipe or a terminal. */
    public static FirstLine ofDescriptor(int number) {
        return new FirstLine(Path.of("/proc/self/fd/" + number), "descriptor " + number, null);
    }

    @Override
    public byte[] read() throws KeySourceException {
        if (secretFile != null) {
            PrivateFile.warnIfOpen(path, secretFile);
        }
        // A stream, or a heap buffer, would leave a copy in a buffer that the JDK keeps for the thread and never wipes.
        ByteBuffer bytes = ByteBuffer.allocateDirect(LENGTH_MAX + 1);
        try (FileChannel in = FileChannel.open(path, StandardOpenOption.READ)) {
            // Byte by byte would be a system call each; a pipe may deliver in pieces.
            while (bytes.hasRemaining() && indexOfLineFeed(bytes) < 0 && in.read(bytes) >= 0) {}
            int lineFeed = indexOfLineFeed(bytes);
            int end = lineFeed < 0 ? bytes.position() : lineFeed;
            if (end == 0 || end > LENGTH_MAX) {
                throw new KeySourceException(
                        KeySourceException.Kind.MISCONFIGURED,
                        name + ": its first line must be a secret of 1 to " + LENGTH_MAX + " bytes, and "
                                + (end == 0 ? "is empty" : "is longer"));
            }
            byte[] line = new byte[end];
            bytes.get(0, line);
            return line;
        } catch (NoSuchFileException e) {
            throw new KeySourceException(KeySourceException.Kind.UNREACHABLE, name + " does not exist", e);
        } catch (IOException e) {
            throw new KeySourceException(KeySourceException.Kind.UNREACHABLE, FileTrouble.unreadable(name, e), e);
        } finally {
            for (int i = 0; i < bytes.capacity(); i++) {
                bytes.put(i, (byte) 0);
            }
        }
    }

    /** Among the bytes before the position, or -1. */
    private static int indexOfLineFeed(ByteBuffer bytes) {
        for (int i = 0; i < bytes.position(); i++) {
            if (bytes.get(i) == '\n') {
                return i;
            }
        }
        return -1;
    }
}
