package io.blockseal.keysource.exec;

import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * A program that runs in a session of its own, with an empty environment and at the root, so that everything it starts can
 * be found again, also when what has started it is gone. {@link #close} kills whatever is left of it; so does the end of
 * our process. Only what has made yet another session, and whose parent has ended, gets away. From any thread.
 *
 * <p>Java starts nothing in another session: {@code setsid} of util-linux or busybox does, and then becomes the program.
 * Without it only what still hangs below the program is found.
 */
final class PluginSession implements AutoCloseable {
    private static final Set<PluginSession> OPEN = ConcurrentHashMap.newKeySet();
    private static final File PROCESSES = new File("/proc");
    private static final long DYING_NANOS = TimeUnit.SECONDS.toNanos(1);
    private static final long LOOK_AGAIN_NANOS = TimeUnit.MILLISECONDS.toNanos(2);
    private static final int STAT_BYTES = 1024;
    /** Behind the name in parentheses, in /proc/PID/stat, proc(5). */
    private static final int STATE = 0;

    private static final int SESSION = 3;

    static {
        // A terminal's interrupt key does not reach another session.
        Runtime.getRuntime().addShutdownHook(new Thread(() -> OPEN.forEach(PluginSession::close), "key-source-exec"));
    }

    private final Process process;

    private PluginSession(Process process) {
        this.process = process;
    }

    static PluginSession start(List<String> command) throws IOException {
        // setsid would say this in words of its own.
        if (!Files.isExecutable(Path.of(command.get(0)))) {
            throw new IOException("it may not be executed; chmod +x");
        }
        List<String> whole = new ArrayList<>();
        for (String setsid : List.of("/usr/bin/setsid", "/bin/setsid")) {
            if (whole.isEmpty() && Files.isExecutable(Path.of(setsid))) {
                whole.add(setsid);
            }
        }
        whole.addAll(command);
        ProcessBuilder builder =
                new ProcessBuilder(whole).directory(Path.of("/").toFile());
        builder.environment().clear();
        PluginSession session = new PluginSession(builder.start());
        OPEN.add(session);
        return session;
    }

    /** The program itself. */
    Process program() {
        return process;
    }

    /** Kills all of it. Waits a second at most for it to be gone: what hangs in the kernel dies when it returns. */
    @Override
    public void close() {
        OPEN.remove(this);
        long begun = System.nanoTime();
        // Whoever is interrupted could not wait.
        boolean interrupted = Thread.interrupted();
        // What was forked between the look and the kill is found by the next look.
        while (kill() && System.nanoTime() - begun < DYING_NANOS) {
            LockSupport.parkNanos(LOOK_AGAIN_NANOS);
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    /** Whether there was something to kill. */
    private boolean kill() {
        boolean ended = !process.isAlive();
        // Its number may be another's by now.
        List<ProcessHandle> left = ended
                ? new ArrayList<>()
                : new ArrayList<>(process.descendants().toList());
        // No number is given away while a session has it, so that a process which has it now is a stranger.
        if (!ended || !new File(PROCESSES, Long.toString(process.pid())).exists()) {
            left.addAll(inSession());
        }
        left.forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        return !ended || !left.isEmpty();
    }

    private List<ProcessHandle> inSession() {
        List<ProcessHandle> found = new ArrayList<>();
        String session = Long.toString(process.pid());
        for (String name : Objects.requireNonNullElse(PROCESSES.list(), new String[0])) {
            if (Character.isDigit(name.charAt(0))) {
                String[] fields = stat(name);
                boolean dead = fields.length <= SESSION || "ZX".contains(fields[STATE]);
                if (!dead && fields[SESSION].equals(session)) {
                    ProcessHandle.of(Long.parseLong(name)).ifPresent(found::add);
                }
            }
        }
        return found;
    }

    /** The fields behind the name; none if the process is gone. By a stream, which an interrupted thread can read, too. */
    private static String[] stat(String pid) {
        try (InputStream stream = new FileInputStream(new File(PROCESSES, pid + "/stat"))) {
            String line = new String(stream.readNBytes(STAT_BYTES), StandardCharsets.ISO_8859_1);
            return line.substring(line.lastIndexOf(')') + 1).strip().split(" ");
        } catch (IOException gone) {
            return new String[0];
        }
    }
}
