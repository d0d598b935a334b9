package io.blockseal.audit;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** Who runs the process, as far as the system tells. From any thread but an event loop. */
public final class Operator {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final Path USERS = Path.of("/etc/passwd");
    /** What the kernel says of a process that no login led to. */
    private static final String NOBODY = "4294967295";

    private Operator() {}

    /** The real user id; the name where the system does not tell numbers. */
    public static String uid() {
        try {
            return uids()[0];
        } catch (IOException unreadable) {
            return user();
        }
    }

    /** The user id by which the system judges what the process may do. */
    public static int effectiveUid() throws IOException {
        return Integer.parseUnsignedInt(uids()[1]);
    }

    /** Real, effective, saved, of the file system. Not by the owner of our folder in /proc, which may be root's. */
    private static String[] uids() throws IOException {
        for (String line : Files.readAllLines(STATUS, StandardCharsets.ISO_8859_1)) {
            if (line.startsWith("Uid:")) {
                return line.substring("Uid:".length()).strip().split("\\s+");
            }
        }
        throw new IOException("the system does not say whose process this is");
    }

    /** The name that goes with it. */
    public static String user() {
        return System.getProperty("user.name", "unknown");
    }

    /** The name of another user as this host's own list has it, or nothing. */
    public static String nameOf(int uid) {
        try {
            for (String line : Files.readAllLines(USERS, StandardCharsets.ISO_8859_1)) {
                String[] fields = line.split(":");
                if (fields.length > 2 && fields[2].equals(Integer.toUnsignedString(uid))) {
                    return fields[0];
                }
            }
        } catch (IOException unreadable) {
            return "";
        }
        return "";
    }

    /** Who logged in, which su and sudo do not change; empty where the system does not keep it. */
    public static String loginUid() {
        return loginUid("self");
    }

    /** Likewise of another process, as long as it runs. */
    public static String loginUid(int pid) {
        return loginUid(Integer.toString(pid));
    }

    private static String loginUid(String process) {
        try {
            String login = Files.readString(Path.of("/proc", process, "loginuid"), StandardCharsets.ISO_8859_1)
                    .strip();
            return login.equals(NOBODY) ? "" : login;
        } catch (IOException notKept) {
            return "";
        }
    }
}
