package io.blockseal.keysource;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/**
 * A secret that is the first line of a file or of an inherited descriptor; the line feed at its end, if there is one, is
 * not part of it, anything else is.
 */
public final class FirstLine implements SecretInput {
    private final Path path;
    private final String name;

    private FirstLine(Path path, String name) {
        this.path = path;
        this.name = name;
    }

    /** The first line of a file. */
    public static FirstLine ofFile(Path path) {
        return new FirstLine(path, path.toString());
    }

    /** The first line of what is open as descriptor {@code number}: a file, a pipe or a terminal. */
    public static FirstLine ofDescriptor(int number) {
        return new FirstLine(Path.of("/proc/self/fd/" + number), "descriptor " + number);
    }

    @Override
    public byte[] read() throws KeySourceException {
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
            throw new KeySourceException(
                    KeySourceException.Kind.UNREACHABLE, name + " cannot be read: " + PrivateFile.words(e), e);
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
