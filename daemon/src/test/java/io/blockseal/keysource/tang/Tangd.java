package io.blockseal.keysource.tang;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.keysource.rest.RestStub.Ask;
import io.blockseal.keysource.rest.RestStub.Reply;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.Stream;

/**
 * A real Tang server, which speaks HTTP on its standard input and output, its keys, and what its administrator does to them.
 * Needs the packages tang and jose.
 */
public final class Tangd implements AutoCloseable {
    private static final List<Path> PLACES =
            List.of(Path.of("/usr/libexec"), Path.of("/usr/lib"), Path.of("/usr/lib64"));

    /** More sets of keys than a test needs; each is made once, by tangd-keygen, and then given out again and again. */
    private static final int SETS = 4;

    private static final List<Map<String, byte[]>> MADE = new ArrayList<>();
    private static final Map<String, String> THUMBPRINTS = new ConcurrentHashMap<>();
    private static int given;

    private final Path program;
    private final Path keygen;
    private final Path keys;
    private final Path away;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private ServerSocket listening;

    private Tangd(Path programs, Path keys) throws Exception {
        this.program = programs.resolve("tangd");
        this.keygen = programs.resolve("tangd-keygen");
        this.keys = keys;
        this.away = keys.resolveSibling(keys.getFileName() + "-away");
        Files.createDirectories(keys);
        Files.createDirectories(away);
        generate();
    }

    /** One with new keys, or a skipped test that says why. */
    public static Tangd open(Path keys) throws Exception {
        Path programs = PLACES.stream()
                .filter(each -> Files.isExecutable(each.resolve("tangd")))
                .findFirst()
                .orElse(null);
        assumeTrue(programs != null, "Tang is not installed (Debian: tang, jose)");
        return new Tangd(programs, keys);
    }

    /** Output of a program, which has to succeed. */
    static String run(String input, String... command) throws Exception {
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        try (OutputStream in = process.getOutputStream()) {
            in.write(input.getBytes(StandardCharsets.UTF_8));
        }
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor(), () -> String.join(" ", command) + ": " + output);
        return output;
    }

    /** Puts a new set of keys beside those that are there. */
    void generate() throws Exception {
        synchronized (MADE) {
            if (MADE.size() < SETS) {
                MADE.add(make());
            }
            for (Map.Entry<String, byte[]> each :
                    MADE.get(given++ % MADE.size()).entrySet()) {
                Files.write(keys.resolve(each.getKey()), each.getValue());
            }
        }
    }

    private Map<String, byte[]> make() throws Exception {
        Path folder = Files.createTempDirectory(keys.toAbsolutePath().getParent(), "made");
        run("", keygen.toString(), folder.toString());
        Map<String, byte[]> set = new HashMap<>();
        try (Stream<Path> all = Files.list(folder)) {
            for (Path each : all.toList()) {
                set.put(each.getFileName().toString(), Files.readAllBytes(each));
            }
        }
        return set;
    }

    /** The files of the keys that it shows, of a kind: ES512 or ECMR. */
    List<Path> shown(String algorithm) throws IOException {
        List<Path> found = new ArrayList<>();
        for (Path each : files()) {
            if (!each.getFileName().toString().startsWith(".")
                    && Files.readString(each).contains("\"" + algorithm + "\"")) {
                found.add(each);
            }
        }
        return found;
    }

    private List<Path> files() throws IOException {
        try (Stream<Path> all = Files.list(keys)) {
            return all.filter(each -> each.toString().endsWith(".jwk")).sorted().toList();
        }
    }

    /** The thumbprint of the only key of that kind which it shows, as another program computes it. */
    public String thumbprint(String algorithm) throws Exception {
        List<Path> shown = shown(algorithm);
        assertEquals(1, shown.size());
        String file = shown.get(0).toString();
        String key = Files.readString(shown.get(0));
        if (!THUMBPRINTS.containsKey(key)) {
            THUMBPRINTS.put(
                    key, run("", "jose", "jwk", "thp", "-a", "S256", "-i", file).strip());
        }
        return THUMBPRINTS.get(key);
    }

    /** As tangd-rotate-keys does: what is there is hidden, and there are new ones. */
    public void rotate() throws Exception {
        for (String algorithm : new String[] {"ES512", "ECMR"}) {
            for (Path each : shown(algorithm)) {
                Files.move(each, each.resolveSibling("." + each.getFileName()));
            }
        }
        generate();
    }

    /** What a rotation has hidden is gone, as when an administrator thinks that nobody needs it any more. */
    public void removeHidden() throws IOException {
        for (Path each : files()) {
            if (each.getFileName().toString().startsWith(".")) {
                Files.delete(each);
            }
        }
    }

    /** All of them are gone, and there are others. */
    void loseKeys() throws Exception {
        for (Path each : files()) {
            Files.move(each, away.resolve(each.getFileName()));
        }
        generate();
    }

    /** What was lost is back. */
    void findKeys() throws IOException {
        try (Stream<Path> all = Files.list(away)) {
            List<Path> lost = all.toList();
            if (!lost.isEmpty()) {
                for (Path each : files()) {
                    Files.delete(each);
                }
            }
            for (Path each : lost) {
                Files.move(each, keys.resolve(each.getFileName()));
            }
        }
    }

    private Process serve() throws IOException {
        return new ProcessBuilder(program.toString(), keys.toString())
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
    }

    /** Answers one question. */
    Reply answer(Ask ask) throws Exception {
        Process process = serve();
        try (OutputStream in = process.getOutputStream()) {
            String head = ask.method() + " " + ask.path() + " HTTP/1.1\r\nHost: tang\r\nContent-Type: "
                    + ask.header("Content-Type") + "\r\nContent-Length: " + ask.body().length + "\r\n\r\n";
            in.write(head.getBytes(StandardCharsets.US_ASCII));
            in.write(ask.body());
        }
        String whole = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        process.waitFor();
        int end = whole.indexOf("\r\n\r\n");
        return new Reply(
                Integer.parseInt(whole.substring("HTTP/1.1 ".length(), "HTTP/1.1 200".length())),
                Map.of(),
                whole.substring(end + 4).getBytes(StandardCharsets.UTF_8));
    }

    /** Listens on loopback as its unit for systemd has it: one process for each connection; where. */
    public String listen() throws IOException {
        return listen(0);
    }

    /** Likewise, on a port where it has listened before. */
    public String listen(int port) throws IOException {
        ServerSocket opened = new ServerSocket();
        opened.setReuseAddress(true);
        opened.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 16);
        listening = opened;
        threads.submit(() -> {
            while (true) {
                Socket connection = opened.accept();
                threads.submit(() -> converse(connection));
            }
        });
        return "http://127.0.0.1:" + opened.getLocalPort();
    }

    /** Takes no more connections; the port. */
    public int fallSilent() throws IOException {
        int port = listening.getLocalPort();
        listening.close();
        return port;
    }

    private Void converse(Socket connection) throws Exception {
        Process process = serve();
        try (connection) {
            connection.setTcpNoDelay(true);
            threads.submit(() -> pump(connection.getInputStream(), process.getOutputStream()));
            pump(process.getInputStream(), connection.getOutputStream());
        } finally {
            process.destroy();
        }
        return null;
    }

    private static Void pump(InputStream from, OutputStream to) throws IOException {
        byte[] some = new byte[8192];
        try (to) {
            for (int length = from.read(some); length >= 0; length = from.read(some)) {
                to.write(some, 0, length);
                to.flush();
            }
        }
        return null;
    }

    @Override
    public void close() throws IOException {
        if (listening != null) {
            listening.close();
        }
        threads.shutdownNow();
    }
}
