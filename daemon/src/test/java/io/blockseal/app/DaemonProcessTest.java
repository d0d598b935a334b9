package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.admin.Exposition;
import io.blockseal.app.console.ExitCode;
import io.blockseal.client.NbdClient;
import io.blockseal.client.NbdClientOptions;
import io.blockseal.client.NbdTransport;
import io.blockseal.nbd.NbdTransmissionFlags;
import io.blockseal.nbd.NbdUri;
import io.netty.buffer.Unpooled;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.URI;
import java.net.UnixDomainSocketAddress;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** {@code serve} as a process of its own: what it prints, how it answers, how it ends. */
@Timeout(120)
class DaemonProcessTest {
    /** One for all: each has connections of its own, of which the daemon takes 32. */
    private static final HttpClient HTTP = HttpClient.newHttpClient();

    private static final Pattern ADMIN = Pattern.compile("admin pages at http://127.0.0.1:(\\d+)/");

    @TempDir
    private Path directory;

    private final List<Process> started = new ArrayList<>();
    private Cli cli;

    @BeforeEach
    void create() {
        cli = new Cli(directory);
        for (String name : new String[] {"a", "b"}) {
            assertEquals(
                    0,
                    cli.run("create", "./" + name + ".bsl", "--size", "256M", "--key-file", "./both.key")
                            .exitCode());
        }
    }

    @AfterEach
    void endAll() throws InterruptedException {
        for (Process process : started) {
            process.destroyForcibly().waitFor();
        }
    }

    private Process start(String... words) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(switchesOfNewerJava());
        command.addAll(
                List.of("-cp", System.getProperty("java.class.path"), "-XX:TieredStopAtLevel=1", Main.class.getName()));
        command.addAll(List.of(words));
        Process process = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectError(directory.resolve("err").toFile())
                .start();
        started.add(process);
        return process;
    }

    /** What the launcher gives to a Java that would warn without it; the tests run with the same. */
    private static List<String> switchesOfNewerJava() {
        return ManagementFactory.getRuntimeMXBean().getInputArguments().stream()
                .filter(switchOn -> switchOn.startsWith("--enable-native-access")
                        || switchOn.startsWith("--sun-misc-unsafe-memory-access")
                        || switchOn.startsWith("-Dio.netty.noUnsafe"))
                .toList();
    }

    private Process serve(String... more) throws IOException {
        List<String> words = new ArrayList<>(List.of(
                "serve", "a.bsl", "b.bsl", "--key-file", "both.key", "--unix", "s.sock", "--state-dir", "state"));
        words.addAll(List.of(more));
        return start(words.toArray(String[]::new));
    }

    private static String firstLine(Process process) throws IOException {
        @SuppressWarnings("resource") // Ends with the process.
        BufferedReader reader = process.inputReader(StandardCharsets.UTF_8);
        return String.valueOf(reader.readLine());
    }

    private String log() throws IOException {
        return Files.readString(directory.resolve("err"));
    }

    private int stop(Process process) throws InterruptedException {
        process.destroy();
        assertTrue(process.waitFor(60, TimeUnit.SECONDS), "it does not stop");
        return process.exitValue();
    }

    @Test
    void servesSeveralVolumesKeepsTheirDataAndStopsInOrder() throws Exception {
        byte[] data = new byte[100_000];
        new Random(5).nextBytes(data);
        Process first = serve("--admin", "127.0.0.1:0");
        String[] uris = firstLine(first).split(" ");
        assertEquals(2, uris.length, "one address for each volume, in one line");
        try (NbdTransport transport = NbdTransport.open(1);
                NbdClient client = NbdClient.connect(transport, NbdUri.parse(uris[1]), NbdClientOptions.DEFAULT)
                        .get()) {
            client.write(12_345, Unpooled.wrappedBuffer(data), 0).get();
            client.flush().get();
            assertArrayEquals(data, client.read(12_345, data.length).get());
            metricsTell(adminPort());
        }
        assertEquals(0, stop(first));
        assertFalse(Files.exists(directory.resolve("s.sock")), "the socket stays behind");
        assertTrue(
                log().lines().allMatch(line -> line.matches("\\d{4}-\\d\\d-\\d\\dT[0-9:.]+Z (INFO |WARN ) .*")), log());
        keyIsNotIn(log());

        Process second = serve();
        try (NbdTransport transport = NbdTransport.open(1);
                NbdClient client = NbdClient.connect(
                                transport, NbdUri.parse(firstLine(second).split(" ")[1]), NbdClientOptions.DEFAULT)
                        .get()) {
            assertArrayEquals(data, client.read(12_345, data.length).get());
        }
        assertEquals(0, stop(second));
    }

    /** A HUP loads the file again, as often as it comes, and ends nothing. */
    @Test
    void aHangupLoadsTheConfigurationAgain() throws Exception {
        Path file = directory.resolve("c.yaml");
        String text = "unix: " + directory + "/s.sock\ncontrol: off\nadmin: 127.0.0.1:0\nstate-dir: " + directory
                + "/state\nvolumes:\n  - {path: " + directory + "/a.bsl, key-file: " + directory + "/both.key}\n";
        Files.writeString(file, text);
        Process daemon = start("serve", "--config", "c.yaml");
        firstLine(daemon);
        int port = adminPort();
        Files.writeString(file, text + "  - {path: " + directory + "/b.bsl, key-file: " + directory + "/both.key}\n");
        hangUp(daemon);
        while (reloads(port, "done") < 1) {
            Thread.onSpinWait();
        }
        Exposition page = Exposition.parse(get(port, "/metrics").body());
        assertEquals(1, page.value("blockseal_volume_state", "export=b", "state=open"));
        assertEquals(1, page.value("blockseal_config_in_force"));
        Files.writeString(file, "volumes: []\n");
        hangUp(daemon);
        while (reloads(port, "refused") < 1) {
            Thread.onSpinWait();
        }
        page = Exposition.parse(get(port, "/metrics").body());
        assertEquals(0, page.value("blockseal_config_in_force"));
        assertEquals(1, page.value("blockseal_volume_state", "export=a", "state=open"));
        assertEquals(0, stop(daemon));
    }

    private static double reloads(int port, String result) throws Exception {
        return Exposition.parse(get(port, "/metrics").body())
                .value("blockseal_config_reloads_total", "result=" + result);
    }

    private static void hangUp(Process process) throws Exception {
        assertEquals(
                0,
                new ProcessBuilder("kill", "-HUP", Long.toString(process.pid()))
                        .start()
                        .waitFor());
    }

    private int adminPort() throws IOException {
        Matcher matcher = ADMIN.matcher(log());
        assertTrue(matcher.find(), log());
        return Integer.parseInt(matcher.group(1));
    }

    private void metricsTell(int port) throws Exception {
        Exposition page = Exposition.parse(get(port, "/metrics").body());
        assertEquals(1, page.value("blockseal_requests_total", "export=b", "command=write"));
        assertEquals(100_000, page.value("blockseal_bytes_total", "export=b", "direction=write"));
        assertEquals(1, page.value("blockseal_connections", "export=b"));
        assertEquals(0, page.value("blockseal_connections", "export=a"));
        assertEquals(1, page.value("blockseal_volume_state", "export=a", "state=open"));
        assertTrue(page.value("blockseal_dek_cache_misses_total", "export=b") >= 1);
        assertTrue(page.samples.get("blockseal_buffer_pool_mapped_bytes{}") > 0);
        assertEquals(200, get(port, "/readyz").statusCode());
    }

    private static HttpResponse<String> get(int port, String path) throws Exception {
        return HTTP.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + path))
                        .build(),
                HttpResponse.BodyHandlers.ofString());
    }

    private void keyIsNotIn(String text) throws IOException {
        String hex = Files.readString(directory.resolve("both.key")).strip();
        assertEquals(32, HexFormat.of().parseHex(hex).length);
        assertFalse(text.contains(hex), "the key is in the log");
    }

    @Test
    void refusesAVolumeThatAnotherProcessServes() throws Exception {
        Process first = serve();
        firstLine(first);
        // As a raw image, which no daemon is asked about.
        Cli.Result raw = cli.run("import", "./a.bsl", "./copy.bsl", "--create", "--key-file", "./both.key");
        assertEquals(ExitCode.IN_USE.number(), raw.exitCode(), raw.all());
        assertTrue(raw.err().contains("process " + first.pid()), raw.err());
        assertEquals(0, cli.run("check", "./a.bsl", "--key-file", "./both.key").exitCode(), "the daemon checks itself");
        assertEquals(
                0,
                cli.run("export", "./a.bsl", "./out", "--key-file", "./both.key")
                        .exitCode(),
                "and copies it");
        // The daemon itself is asked for these, and says no.
        Cli.Result resize = cli.run("resize", "./a.bsl", "--size", "1G", "--key-file", "./both.key");
        assertNotEquals(0, resize.exitCode());
        assertTrue(resize.err().contains("is served"), resize.err());
        Cli.Result remove = cli.run("key", "remove", "./a.bsl", "--slot", "0", "--key-file", "./both.key");
        assertNotEquals(0, remove.exitCode());
        assertTrue(remove.err().contains("is the last"), remove.err());
        assertEquals(0, cli.run("info", "./a.bsl").exitCode(), "info and key list work meanwhile");
        assertEquals(0, cli.run("key", "list", "./a.bsl").exitCode());
        assertEquals(0, stop(first));
    }

    @Test
    void takesAnAddressThatIsTakenForWhatItIsAndLetsGoOfTheVolumes() throws Exception {
        Process first = serve();
        firstLine(first);
        Process second = start("serve", "c.bsl", "--key-file", "c.key", "--unix", "s.sock", "--state-dir", "state");
        second.waitFor();
        assertEquals(ExitCode.FAILURE.number(), second.exitValue(), log()); // There is no c.bsl.
        assertEquals(
                0,
                cli.run("create", "./c.bsl", "--size", "64M", "--key-file", "./c.key")
                        .exitCode());
        Process third = start("serve", "c.bsl", "--key-file", "c.key", "--unix", "s.sock", "--state-dir", "state");
        third.waitFor();
        assertEquals(ExitCode.IN_USE.number(), third.exitValue(), log());
        assertTrue(log().contains("cannot listen on unix socket s.sock"), log());
        assertEquals(0, cli.run("check", "./c.bsl", "--key-file", "./c.key").exitCode());
        assertEquals(0, stop(first));
    }

    @Test
    void readsItsConfigurationAndAKeyFromADescriptor() throws Exception {
        Files.writeString(directory.resolve("c.yaml"), """
                unix: s.sock
                state-dir: state
                engine: java
                volumes:
                  - path: a.bsl
                    name: books
                    read-only: true
                    key-fd: 0
                """);
        Process process = start("serve", "--config", "c.yaml");
        try (var in = process.getOutputStream()) {
            in.write(Files.readAllBytes(directory.resolve("both.key")));
        }
        String uri = firstLine(process);
        assertTrue(uri.startsWith("nbd+unix:///books?socket="), uri);
        try (NbdTransport transport = NbdTransport.open(1);
                NbdClient client = NbdClient.connect(transport, NbdUri.parse(uri), NbdClientOptions.DEFAULT)
                        .get()) {
            assertEquals(0, client.read(0, 1).get()[0]);
            assertTrue((client.session().transmissionFlags() & NbdTransmissionFlags.READ_ONLY) != 0);
        }
        assertTrue(log().contains("keys=heap"), log());
        // Those who run the tests as root are told, and nobody else.
        assertEquals(
                "root".equals(System.getProperty("user.name")) ? 1 : 0,
                log().lines()
                        .filter(line -> line.contains("WARN  running as root"))
                        .count(),
                log());
        assertEquals(0, stop(process));
    }

    /** Nobody waits for the answer, no program is left behind, and no file. */
    @Test
    void aSignalInTheMidstOfAnUnlockEndsItAndLeavesNothingBehind() throws Exception {
        MoodyProgram program = MoodyProgram.in(directory);
        cli.ok("create", "./far.bsl", "--size", "32M", "--key-source", program.uri());
        program.mood("silent");
        long before = program.asked();
        Set<String> files = files();
        Process process =
                start("serve", "far.bsl", "--key-source", program.uri(), "--unix", "s.sock", "--state-dir", "state");
        while (program.asked() == before) {
            assertTrue(process.isAlive(), log());
            Thread.onSpinWait();
        }
        List<ProcessHandle> asked = process.descendants().toList();
        assertFalse(asked.isEmpty(), "no program is under way");
        stop(process);
        for (ProcessHandle each : asked) {
            each.onExit().get(60, TimeUnit.SECONDS);
        }
        Set<String> left = files();
        left.removeAll(files);
        left.remove("err");
        left.removeIf(name -> name.startsWith("state"));
        assertEquals(Set.of(), left);
        program.mood("well");
        assertEquals(
                0, cli.run("check", "./far.bsl", "--key-source", program.uri()).exitCode());
    }

    private Set<String> files() throws IOException {
        try (Stream<Path> all = Files.walk(directory)) {
            return all.map(each -> directory.relativize(each).toString())
                    .collect(Collectors.toCollection(TreeSet::new));
        }
    }

    @Test
    void drainsAtTheFirstSignalAndEndsAtOnceAtTheSecond() throws Exception {
        Process process = serve();
        firstLine(process);
        try (SocketChannel client = SocketChannel.open(UnixDomainSocketAddress.of(directory.resolve("s.sock")))) {
            ByteBuffer answer = ByteBuffer.allocate(18 + 10);
            client.write(ByteBuffer.allocate(4 + 16 + 1)
                    .putInt(3)
                    .putLong(0x49484156454F5054L) // IHAVEOPT
                    .putInt(1)
                    .putInt(1)
                    .put((byte) 'a')
                    .flip());
            while (answer.hasRemaining()) {
                assertTrue(client.read(answer) > 0);
            }
            // A write of a mebibyte of which nothing follows: the drain waits for it.
            client.write(ByteBuffer.allocate(28)
                    .putInt(0x25609513)
                    .putInt(1)
                    .putLong(7)
                    .putLong(0)
                    .putInt(1 << 20)
                    .flip());
            process.destroy();
            while (!log().contains("draining")) {
                assertTrue(process.isAlive(), log());
                Thread.onSpinWait();
            }
            process.destroy();
            assertTrue(process.waitFor(60, TimeUnit.SECONDS));
            assertEquals(143, process.exitValue(), log());
        }
        assertEquals(0, cli.run("check", "./a.bsl", "--key-file", "./both.key").exitCode());
    }
}
