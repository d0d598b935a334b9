package io.blockseal.it;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A {@code blockseal serve} of one folder: a child process that a test starts, stops or kills. */
final class Server implements AutoCloseable {
    /** What a test does with one that runs. */
    interface Use {
        /** With this one. */
        void by(Server server) throws Exception;
    }

    private static final long LIMIT_SECONDS = 60;
    /** Each buffer of Netty's is watched, and one that is dropped without being released is told of in the log. */
    private static final String WATCH_BUFFERS = "-Dio.netty.leakDetection.level=paranoid";

    private final Path folder;
    private final Process process;
    private final Path out;
    private final Path err;

    private Server(Path folder, Process process, Path out, Path err) {
        this.folder = folder;
        this.process = process;
        this.out = out;
        this.err = err;
    }

    /** Makes {@code demo.bsl} and {@code demo.key} in the folder. */
    static void create(Path folder, String size, String... more) {
        List<Object> words = new ArrayList<>(
                List.of("create", folder.resolve("demo.bsl"), "--size", size, "--key-file", key(folder)));
        words.addAll(List.of(more));
        Blockseal.run(words.toArray()).ok();
    }

    static Path key(Path folder) {
        return folder.resolve("demo.key");
    }

    /** Serves the folder's {@code demo.bsl} on its {@code demo.sock} and waits for the line that says it is ready. */
    static Server start(Path folder, String... more) {
        return serve(folder, arguments(folder, more));
    }

    /** Likewise, with options of the virtual machine, which win over those that the launcher gives. */
    static Server startWithJvmOptions(Path folder, String jvmOptions, String... more) {
        return serve(folder, Map.of(), jvmOptions, arguments(folder, more));
    }

    private static String[] arguments(Path folder, String... more) {
        List<String> words = new ArrayList<>(List.of(
                folder.resolve("demo.bsl").toString(),
                "--key-file",
                key(folder).toString(),
                "--unix",
                folder.resolve("demo.sock").toString(),
                "--state-dir",
                folder.resolve("state").toString()));
        words.addAll(List.of(more));
        return words.toArray(new String[0]);
    }

    /** Serves with exactly these arguments. */
    static Server serve(Path folder, String... arguments) {
        List<String> words = new ArrayList<>(List.of(Blockseal.launcher(), "serve"));
        words.addAll(List.of(arguments));
        return launch(folder, words);
    }

    /** Likewise, with these variables besides, and options of the virtual machine. */
    static Server serve(Path folder, Map<String, String> environment, String jvmOptions, String... arguments) {
        List<String> words = new ArrayList<>(List.of("env", "BLOCKSEAL_JAVA_OPTS=" + WATCH_BUFFERS + " " + jvmOptions));
        environment.forEach((name, value) -> words.add(name + "=" + value));
        words.addAll(List.of(Blockseal.launcher(), "serve"));
        words.addAll(List.of(arguments));
        return launch(folder, words);
    }

    /** Serves with exactly these arguments, launched by that command. */
    static Server serveBy(List<String> launcher, Path folder, String... arguments) {
        List<String> words = new ArrayList<>(launcher);
        words.addAll(List.of(Blockseal.launcher(), "serve"));
        words.addAll(List.of(arguments));
        return launch(folder, words);
    }

    private static Server launch(Path folder, List<String> words) {
        try {
            Path out = Files.createTempFile(folder, "serve", ".out");
            Path err = Files.createTempFile(folder, "serve", ".err");
            ProcessBuilder launching = Tool.builder(words, out, err);
            launching.environment().put("BLOCKSEAL_JAVA_OPTS", WATCH_BUFFERS);
            Server server = new Server(folder, launching.start(), out, err);
            server.awaitReady();
            return server;
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private void awaitReady() throws IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        while (!Files.readString(out).contains("\n")) {
            if (!process.isAlive() || System.nanoTime() > deadline) {
                process.destroyForcibly();
                throw new AssertionError("serve did not become ready:\n" + log());
            }
            pause();
        }
    }

    private void pause() {
        try {
            process.waitFor(20, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }

    /** The export as a URI over the unix socket. */
    String uri() {
        return uri("demo");
    }

    String uri(String export) {
        return "nbd+unix:///" + export + "?socket=" + socket();
    }

    Path socket() {
        return folder.resolve("demo.sock");
    }

    /** What it printed when it was ready. */
    String ready() throws IOException {
        return Files.readString(out);
    }

    /** Everything it has printed. */
    String log() throws IOException {
        return Files.readString(out) + Files.readString(err);
    }

    long pid() {
        return javaProcess().pid();
    }

    /** The JVM: the launcher itself if it replaced itself, else its child. */
    private ProcessHandle javaProcess() {
        return process.children().findFirst().orElse(process.toHandle());
    }

    /** Ends it as an operator does, and says how it ended. */
    int stop() {
        process.destroy();
        return await();
    }

    /** Ends it for a restart, so that its clients come back, and says how it ended. */
    int stopForReturn() {
        Tool.run("kill", "-USR1", javaProcess().pid()).ok();
        return await();
    }

    /** Ends it as a power cut does, as far as the process is concerned. */
    void kill() {
        javaProcess().destroyForcibly();
        process.destroyForcibly();
        await();
    }

    private int await() {
        try {
            if (!process.waitFor(LIMIT_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
                throw new AssertionError("serve did not end within " + LIMIT_SECONDS + " s:\n" + log());
            }
            if (log().contains("LEAK: ")) {
                throw new AssertionError("a buffer was never released:\n" + log());
            }
            return process.exitValue();
        } catch (InterruptedException | IOException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public void close() {
        if (process.isAlive()) {
            stop();
        }
    }
}
