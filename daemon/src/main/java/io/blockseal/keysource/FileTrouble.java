package io.blockseal.keysource;

import java.io.IOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;

/**
 * What has kept us from a file, in words for an operator. An exception of the file system has no more than a path for its
 * message, and what went wrong in its type. From any thread.
 */
public final class FileTrouble {
    private FileTrouble() {}

    /** The cause alone, to stand behind a colon. */
    public static String words(IOException failed) {
        if (failed instanceof NoSuchFileException) {
            return "it is not there";
        }
        if (failed instanceof AccessDeniedException) {
            return "permission denied for the user " + us();
        }
        if (failed instanceof ClosedByInterruptException) {
            return "we were interrupted";
        }
        String reason = failed instanceof FileSystemException refused ? refused.getReason() : failed.getMessage();
        return reason == null ? "the file system refuses it" : reason;
    }

    /** A sentence on a file that could not be read, which messages call {@code name}. */
    public static String unreadable(String name, IOException failed) {
        if (failed instanceof NoSuchFileException) {
            return name + " is not there";
        }
        return failed instanceof AccessDeniedException
                ? name + " may not be read by the user " + us() + "; it needs a way through every folder above, too"
                : name + " cannot be read: " + words(failed);
    }

    /** Whom the system takes us for. */
    public static String us() {
        return System.getProperty("user.name", "of this process");
    }
}
