package io.blockseal.keysource;

import io.blockseal.keysource.KeySourceException.Kind;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Who else may have read a file that matters to keys, or put it there. */
public final class PrivateFile {
    private static final int TYPE_MASK = 0170000;
    private static final int TYPE_REGULAR = 0100000;
    private static final int OTHERS_MASK = 077;
    private static final int READABLE_BY_GROUP = 040;
    private static final int WRITABLE_BY_OTHERS = 022;
    private static final int USABLE_BY_EVERYBODY = 07;
    private static final int STICKY = 01000;

    private static final Logger LOG = LoggerFactory.getLogger(PrivateFile.class);

    private PrivateFile() {}

    /**
     * The file behind {@code path}, once nobody but its owner, who is root or us, can have read or written it; our group
     * may read what root owns.
     *
     * @throws KeySourceException naming what is wrong and what to do
     */
    public static Path realPathOf(Path path) throws KeySourceException {
        return realPathOf(path, "key file");
    }

    /** Likewise, of a file that messages call {@code what}. */
    public static Path realPathOf(Path path, String what) throws KeySourceException {
        String name = what + " " + path;
        try {
            Path real = path.toRealPath();
            Path folder = folderOf(path).toRealPath();
            if (!folder.equals(real.getParent())) {
                throw refused(name + " is a symbolic link to another directory, " + real
                        + ": whoever owns the link chooses the key. Name the file itself");
            }
            Map<String, Object> attributes = Files.readAttributes(real, "unix:mode,uid,gid");
            Map<String, Object> us = Files.readAttributes(Path.of("/proc/self"), "unix:uid,gid");
            int gid = number(us, "gid");
            String wrong = check(
                    number(attributes, "mode"),
                    number(attributes, "uid"),
                    number(attributes, "gid"),
                    number(us, "uid"),
                    gid,
                    real);
            if (wrong != null) {
                throw refused(name + " " + wrong);
            }
            if (!Files.isReadable(real)) {
                throw refused(name + " may not be read by the user " + FileTrouble.us() + ": chgrp " + gid + " " + real
                        + " && chmod 640 " + real + ", or chown it to that user");
            }
            return real;
        } catch (NoSuchFileException e) {
            throw new KeySourceException(
                    Kind.UNREACHABLE, name + " does not exist; is its file system mounted, and the name right?", e);
        } catch (IOException | UnsupportedOperationException e) {
            String trouble = e instanceof IOException failed
                    ? FileTrouble.unreadable(name, failed)
                    : name + ": its file system tells no owner and no mode";
            throw new KeySourceException(Kind.UNREACHABLE, trouble, e);
        }
    }

    /**
     * Warns of a file, which messages call {@code what}, that everybody may read, or that its group may write. A group that
     * may read it was chosen by somebody. Of pipes nothing is said: their modes mean nothing.
     */
    static void warnIfOpen(Path path, String what) {
        try {
            int mode = number(Files.readAttributes(path, "unix:mode"), "mode");
            if ((mode & TYPE_MASK) == TYPE_REGULAR && (mode & (WRITABLE_BY_OTHERS | USABLE_BY_EVERYBODY)) != 0) {
                LOG.warn(
                        "{} {} may be used by others (mode {}): chmod 600 {}, and if others may have read it, use a new"
                                + " one",
                        what,
                        path,
                        Integer.toOctalString(mode & 07777),
                        path);
            }
        } catch (IOException | UnsupportedOperationException unknown) {
            LOG.debug("{} {}: its mode is not known", what, path, unknown);
        }
    }

    /**
     * Refuses a program that somebody else could change, or put another in the place of: that would get every key.
     *
     * @throws KeySourceException naming the file or directory, and what to do
     */
    public static void requireUnchangeable(Path program) throws KeySourceException {
        try {
            int us = ourUid();
            Path real = program.toRealPath();
            for (Path at = real; at != null; at = at.getParent()) {
                Map<String, Object> attributes = Files.readAttributes(at, "unix:mode,uid");
                int mode = number(attributes, "mode");
                int uid = number(attributes, "uid");
                // Of a directory it keeps others from renaming and removing what is ours; of a file it says nothing.
                boolean kept = (mode & STICKY) != 0 && !at.equals(real);
                boolean others = (mode & WRITABLE_BY_OTHERS) != 0 && !kept;
                if ((uid != 0 && uid != us) || others) {
                    throw refused(program + " could be changed by others: " + at + " belongs to user " + uid + ", mode "
                            + Integer.toOctalString(mode & 07777)
                            + ". Only root and we may be able to write to it: chown, chmod go-w");
                }
            }
        } catch (NoSuchFileException missing) {
            throw new KeySourceException(Kind.MISCONFIGURED, program + " does not exist", missing);
        } catch (IOException | UnsupportedOperationException e) {
            String trouble = e instanceof IOException failed
                    ? FileTrouble.words(failed)
                    : "its file system tells no owner and no mode";
            throw new KeySourceException(Kind.MISCONFIGURED, program + " cannot be looked at: " + trouble, e);
        }
    }

    /** The directory that a file lies in. */
    public static Path folderOf(Path path) {
        Path folder = path.toAbsolutePath().getParent();
        return folder == null ? path.toAbsolutePath() : folder;
    }

    /**
     * What is wrong with a file of this mode and owner, for a process that runs as {@code ourUid} in the group
     * {@code ourGid}; null if nothing. It is for its owner alone, who is root or us; one of root's our group may read, too,
     * as that is how root hands a service its secrets. To root itself it is all the same which group root has let read.
     */
    public static @Nullable String check(int mode, int uid, int gid, int ourUid, int ourGid, Path real) {
        if ((mode & TYPE_MASK) != TYPE_REGULAR) {
            return "is not a regular file; for a pipe use fd:NUMBER";
        }
        if (uid != 0 && uid != ourUid) {
            return "belongs to user " + uid + ", who can change it at any time; chown it to " + ourUid + " or to root";
        }
        boolean handed = uid == 0 && (ourUid == 0 || gid == ourGid);
        if ((mode & OTHERS_MASK & ~(handed ? READABLE_BY_GROUP : 0)) == 0) {
            return null;
        }
        String mend = uid == 0 && ourUid != 0
                ? "chgrp " + ourGid + " " + real + " && chmod 640 " + real
                : "chmod 600 " + real;
        return "may be used by others (mode " + Integer.toOctalString(mode & 07777) + "): " + mend
                + ", and if others may have read it, use a new key";
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
