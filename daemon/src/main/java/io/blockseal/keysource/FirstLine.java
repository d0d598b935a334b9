package io.blockseal.keysource;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;

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
        byte[] bytes = new byte[LENGTH_MAX + 1];
        try (InputStream in = Files.newInputStream(path)) {
            int length = 0;
            // Byte by byte would be a system call each; a pipe may deliver in pieces.
            for (int count; length < bytes.length && indexOfLineFeed(bytes, length) < 0; length += count) {
                count = in.read(bytes, length, bytes.length - length);
                if (count < 0) {
                    break;
                }
            }
            int lineFeed = indexOfLineFeed(bytes, length);
            int end = lineFeed < 0 ? length : lineFeed;
            if (end == 0 || end > LENGTH_MAX) {
                throw new KeySourceException(
                        KeySourceException.Kind.MISCONFIGURED,
                        name + ": its first line must be a secret of 1 to " + LENGTH_MAX + " bytes, and "
                                + (end == 0 ? "is empty" : "is longer"));
            }
            return Arrays.copyOf(bytes, end);
        } catch (NoSuchFileException e) {
            throw new KeySourceException(KeySourceException.Kind.UNREACHABLE, name + " does not exist", e);
        } catch (IOException e) {
            throw new KeySourceException(
                    KeySourceException.Kind.UNREACHABLE, name + " cannot be read: " + e.getMessage(), e);
        } finally {
            Arrays.fill(bytes, (byte) 0);
        }
    }

    private static int indexOfLineFeed(byte[] bytes, int length) {
        for (int i = 0; i < length; i++) {
            if (bytes[i] == '\n') {
                return i;
            }
        }
        return -1;
    }
}
