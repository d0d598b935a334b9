package io.blockseal.app.host;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimError;
import io.blockseal.shim.ShimLibrary;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Sockets that the service manager has opened for us and listens on: descriptors from 3 on, as many as
 * {@code $LISTEN_FDS} says, for the process {@code $LISTEN_PID} (sd_listen_fds(3)). What each of them is, the kernel says
 * in {@code /proc}.
 */
public final class InheritedSockets {
    /**
     * One of them.
     *
     * @param descriptor its number
     * @param name what the service manager calls it
     * @param path of the unix socket, empty if it has none; null for TCP
     * @param address of TCP; null for a unix socket
     */
    public record Inherited(
            int descriptor,
            String name,
            @Nullable String path,
            @Nullable InetSocketAddress address) {}

    private static final int FIRST = 3;
    /** What a listening socket says in the tables: TCP_LISTEN, and __SO_ACCEPTCON beside SOCK_STREAM. */
    private static final String TCP_LISTENS = "0A";

    private static final String UNIX_LISTENS = "00010000";
    private static final String UNIX_STREAM = "0001";

    private InheritedSockets() {}

    /** Those of this process; none of them blocks whoever accepts at it. */
    public static List<Inherited> ours() throws CommandException {
        List<Inherited> found = of(System::getenv, ProcessHandle.current().pid(), Path.of("/proc/self"));
        Shim shim = ShimLibrary.open().shim();
        if (shim == null) {
            throw new CommandException(
                    ExitCode.FAILURE,
                    "socket-activation needs the native library: "
                            + ShimLibrary.open().reason());
        }
        for (Inherited each : found) {
            // As systemd hands them over, an accept would wait, and with it the loop.
            int result = shim.setNonblocking(each.descriptor());
            if (result != 0) {
                throw refused(
                        "inherited descriptor " + each.descriptor() + " cannot be used: " + ShimError.describe(result));
            }
        }
        return found;
    }

    /** Whether there are any. */
    public static boolean areThere() {
        return areFor(System::getenv, ProcessHandle.current().pid());
    }

    /** Those of this process as far as they can be told, where nobody means to serve them. */
    public static List<Inherited> unasked() {
        try {
            return of(System::getenv, ProcessHandle.current().pid(), Path.of("/proc/self"));
        } catch (CommandException unlike) {
            return List.of();
        }
    }

    static boolean areFor(UnaryOperator<String> environment, long pid) {
        String count = environment.apply("LISTEN_FDS");
        return count != null
                && count.matches("[1-9][0-9]{0,3}")
                && Long.toString(pid).equals(environment.apply("LISTEN_PID"));
    }

    /**
     * Those of the process {@code pid}, whose folder in {@code /proc} is {@code process}.
     *
     * @throws CommandException if there are none, or one is not a socket that listens
     */
    static List<Inherited> of(UnaryOperator<String> environment, long pid, Path process) throws CommandException {
        if (!areFor(environment, pid)) {
            throw refused("no socket was handed to this process\n  Start it by a socket unit of systemd, or by"
                    + " systemd-socket-activate -l ADDRESS.");
        }
        int count = Integer.parseInt(environment.apply("LISTEN_FDS"));
        String names = environment.apply("LISTEN_FDNAMES");
        String[] each = names == null ? new String[0] : names.split(":", -1);
        List<Inherited> found = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            found.add(look(FIRST + i, i < each.length ? each[i] : "unknown", process));
        }
        return found;
    }

    private static Inherited look(int descriptor, String name, Path process) throws CommandException {
        String inode = inode(process.resolve("fd").resolve(Integer.toString(descriptor)));
        Inherited found;
        try {
            found = listening(descriptor, name, inode, process);
        } catch (IOException unreadable) {
            throw new CommandException(
                    ExitCode.FAILURE, "what the inherited sockets are cannot be read: " + unreadable, unreadable);
        }
        if (found == null) {
            throw refused(
                    "inherited descriptor " + descriptor + " (" + name + ") is not a TCP or unix socket that listens"
                            + "\n  The socket unit needs ListenStream=, and no Accept=yes.");
        }
        return found;
    }

    /** Null if the socket is of another kind, or does not listen. */
    private static @Nullable Inherited listening(int descriptor, String name, String inode, Path process)
            throws IOException {
        // TCP first: the other table has names in it that anybody may have made up.
        for (String table : new String[] {"net/tcp", "net/tcp6"}) {
            // sl local_address rem_address st ... inode
            String[] line = find(process.resolve(table), 0, 9, inode);
            if (line != null) {
                return line[3].equals(TCP_LISTENS) ? new Inherited(descriptor, name, null, address(line[1])) : null;
            }
        }
        // Num RefCount Protocol Flags Type St Inode Path
        String[] line = find(process.resolve("net/unix"), 8, 6, inode);
        if (line == null || !line[3].equals(UNIX_LISTENS) || !line[4].equals(UNIX_STREAM)) {
            return null;
        }
        return new Inherited(descriptor, name, line.length > 7 ? text(line[7]) : "", null);
    }

    /** As the kernel prints it: words of 32 bits in the host's order, and the port. */
    static InetSocketAddress address(String hex) throws IOException {
        int colon = hex.indexOf(':');
        byte[] bytes = HexFormat.of().parseHex(hex.substring(0, colon));
        ByteBuffer swapped = ByteBuffer.allocate(bytes.length);
        ByteBuffer words = ByteBuffer.wrap(bytes).order(ByteOrder.nativeOrder());
        while (words.hasRemaining()) {
            swapped.putInt(words.getInt());
        }
        return new InetSocketAddress(
                InetAddress.getByAddress(swapped.array()), Integer.parseInt(hex.substring(colon + 1), 16));
    }

    /** The line, in {@code columns} columns (0: all), that has {@code inode} in that one; null if none has. */
    private static String @Nullable [] find(Path table, int columns, int inodeColumn, String inode) throws IOException {
        if (!Files.exists(table)) {
            return null;
        }
        // A name may be any bytes, and must not keep us from reading the others.
        for (String line : Files.readAllLines(table, StandardCharsets.ISO_8859_1)) {
            String[] words = line.strip().split("\\s+", columns);
            if (words.length > inodeColumn && words[inodeColumn].equals(inode)) {
                return words;
            }
        }
        return null;
    }

    private static String text(String bytes) {
        return new String(bytes.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }

    private static String inode(Path link) throws CommandException {
        try {
            String target = Files.readSymbolicLink(link).toString();
            if (target.startsWith("socket:[") && target.endsWith("]")) {
                return target.substring("socket:[".length(), target.length() - 1);
            }
            throw refused("descriptor " + link.getFileName() + " is no socket, but " + target);
        } catch (IOException missing) {
            throw new CommandException(
                    ExitCode.IN_USE, "descriptor " + link.getFileName() + " was promised, but is not there", missing);
        }
    }

    private static CommandException refused(String why) {
        return new CommandException(ExitCode.IN_USE, why);
    }
}
