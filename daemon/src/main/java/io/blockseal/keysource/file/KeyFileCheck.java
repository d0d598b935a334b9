package io.blockseal.keysource.file;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Who else may have read a key file, or put it there. */
final class KeyFileCheck {
    private static final int TYPE_MASK = 0170000;
    private static final int TYPE_REGULAR = 0100000;
    private static final int OTHERS_MASK = 077;

    private KeyFileCheck() {}

    /**
     * The file behind {@code path}, once nobody but its owner, who is root or us, can have read or written it.
     *
     * @throws KeySourceException naming what is wrong and what to do
     */
    static Path realPathOf(Path path) throws KeySourceException {
        String name = "key file " + path;
        try {
            Path real = path.toRealPath();
            Path folder = KeyFile.folderOf(path).toRealPath();
            if (!folder.equals(real.getParent())) {
                throw refused(name + " is a symbolic link to another directory, " + real
                        + ": whoever owns the link chooses the key. Name the file itself");
            }
            Map<String, Object> attributes = Files.readAttributes(real, "unix:mode,uid");
            String wrong = check(number(attributes, "mode"), number(attributes, "uid"), ourUid(), real);
            if (wrong != null) {
                throw refused(name + " " + wrong);
            }
            return real;
        } catch (NoSuchFileException e) {
            throw new KeySourceException(
                    Kind.UNREACHABLE, name + " does not exist; is its file system mounted, and the name right?", e);
        } catch (IOException | UnsupportedOperationException e) {
            throw new KeySourceException(Kind.UNREACHABLE, name + " cannot be read: " + e.getMessage(), e);
        }
    }

    /** What is wrong with a file of this mode and owner, for a process that runs as {@code ourUid}; null if nothing. */
    static @Nullable String check(int mode, int uid, int ourUid, Path real) {
        if ((mode & TYPE_MASK) != TYPE_REGULAR) {
            return "is not a regular file; for a pipe use fd:NUMBER";
        }
        if (uid != 0 && uid != ourUid) {
            return "belongs to user " + uid + ", who can change it at any time; chown it to " + ourUid + " or to root";
        }
        if ((mode & OTHERS_MASK) != 0) {
            return "may be used by others (mode " + Integer.toOctalString(mode & 07777) + "): chmod 600 " + real
                    + ", and if others may have read it, use a new key";
        }
        return null;
    }

    /** Our effective user: that is who owns our own folder in /proc. */
    private static int ourUid() throws IOException {
        return number(Files.readAttributes(Path.of("/proc/self"), "unix:uid"), "uid");
    }

    private static int number(Map<String, Object> attributes, String name) throws IOException {
        if (attributes.get(name) instanceof Integer number) {
            return number;
        }
        throw new IOException("its file system tells no " + name);
    }

    private static KeySourceException refused(String message) {
        return new KeySourceException(Kind.MISCONFIGURED, message);
    }
}
