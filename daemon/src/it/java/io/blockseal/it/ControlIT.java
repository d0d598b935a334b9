package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.format.MetadataLayout;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Orders to a daemon that serves, by the commands that an operator has and by curl, while clients of others read. */
class ControlIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MIB = 1 << 20;
    private static final int ESHUTDOWN = 108;

    @TempDir
    Path folder;

    @BeforeEach
    void create() {
        Server.create(folder, "192M", "--range-size", "16M");
    }

    private Path volume() {
        return folder.resolve("demo.bsl");
    }

    private Path control() {
        return folder.resolve("orders.sock");
    }

    private Server serve(String... more) {
        List<String> words = new ArrayList<>(List.of("--control", control().toString()));
        words.addAll(List.of(more));
        return Server.start(folder, words.toArray(new String[0]));
    }

    /** One command with the daemon's control socket. */
    private Tool.Result order(Object... words) {
        List<Object> all = new ArrayList<>(Arrays.asList(words));
        all.add("--control");
        all.add(control());
        return Blockseal.run(all.toArray());
    }

    private Tool.Result curl(String path) {
        return Tool.run("curl", "-sS", "--unix-socket", control(), "http://blockseal" + path)
                .ok();
    }

    private JsonNode firstOfStatus() throws IOException {
        return JSON.readTree(order("status", "--json").ok().out())
                .path("volumes")
                .path(0);
    }

    private void stopCleanly(Server server) throws IOException {
        assertEquals(0, server.stop(), server.log());
        Complaint.readable(server.log());
        assertFalse(Files.exists(control()), "the control socket stays behind");
    }

    @Test
    void tellsOfAServedVolumeWhatTheCommandsTellOfOneThatIsNot() throws Exception {
        JsonNode status;
        String infoServed;
        String slotsServed;
        try (Server server = serve()) {
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(control())));
            status = firstOfStatus();
            infoServed = order("info", volume(), "--json").ok().out();
            assertEquals(
                    JSON.readTree(infoServed).path("uuid"),
                    JSON.readTree(order("info", "demo", "--json").ok().out()).path("uuid"));
            slotsServed = order("key", "list", volume(), "--json").ok().out();
            stopCleanly(server);
        }
        assertEquals(Blockseal.run("info", volume(), "--json").ok().out(), infoServed);
        assertEquals(Blockseal.run("key", "list", volume(), "--json").ok().out(), slotsServed);
        assertEquals("demo", status.path("name").asText());
        assertEquals(volume().toString(), status.path("path").asText());
        assertEquals("open", status.path("state").asText());
        assertEquals(192L * MIB, status.path("sizeBytes").asLong());
        assertEquals(
                JSON.readTree(infoServed).path("uuid").asText(),
                status.path("uuid").asText());
    }

    @Test
    void curlSeesTheVolumesAndHearsWhatPathsThereAre() throws Exception {
        Tool.need("curl");
        try (Server server = serve()) {
            assertEquals(
                    order("status", "--json").ok().out(), curl("/v1/volumes").out());
            assertEquals(
                    order("info", volume(), "--json").ok().out(),
                    curl("/v1/volumes/demo").out());

            JsonNode wrong = JSON.readTree(curl("/v1/volume").out());
            assertTrue(wrong.path("error").asText().contains("GET /v1/volumes/EXPORT"), wrong::toString);
            JsonNode unknown = JSON.readTree(curl("/v1/volumes/nosuch").out());
            assertTrue(unknown.path("error").asText().contains("see blockseal status"), unknown::toString);
            assertEquals(2, unknown.path("exitCode").asInt());
            stopCleanly(server);
        }
    }

    @Test
    void aCallerWhoNamesTheWrongThingHearsWhatToDo() throws Exception {
        try (Server server = serve()) {
            Path nobody = folder.resolve("nobody.sock");
            for (List<Object> command : List.of(
                    List.<Object>of("status"), List.<Object>of("info", volume()), List.<Object>of("lock", "demo"))) {
                List<Object> words = new ArrayList<>(command);
                words.addAll(List.of("--control", nobody));
                Complaint.expect(
                        Blockseal.run(words.toArray()),
                        1,
                        "no daemon answers on " + nobody,
                        "listening on control socket");
            }
            Complaint.expect(order("info", folder.resolve("other.bsl")), 1, "serves no volume");
            // Without the socket a command does not know who holds the file.
            Complaint.expect(
                    Blockseal.run("key", "remove", volume(), "--slot", "0", "--key-file", Server.key(folder)),
                    5,
                    "--control SOCKET");
            stopCleanly(server);
        }
    }

    private Path keyFile(String name) throws IOException {
        byte[] bytes = new byte[32];
        new Random(name.hashCode()).nextBytes(bytes);
        Path file = Files.write(folder.resolve(name), bytes);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    private Tool.Result addKey(boolean online, Path newKey) {
        Object[] words = {
            "key", "add", volume(), "--key-file", Server.key(folder), "--new-key-file", newKey, "--label", "laptop"
        };
        return online ? order(words) : Blockseal.run(words);
    }

    private Tool.Result removeKey(boolean online) {
        Object[] words = {"key", "remove", volume(), "--slot", "1", "--key-file", Server.key(folder)};
        return online ? order(words) : Blockseal.run(words);
    }

    private void assertOpens(int exit, Path key) {
        Tool.Result checked = Blockseal.run("check", volume(), "--key-file", key);
        assertEquals(exit, checked.exit(), checked::all);
    }

    @Test
    void keysComeAndGoWhileItIsServedAsWhenItIsNot() throws Exception {
        Path two = keyFile("two.key");
        String added;
        String removed;
        try (Server server = serve()) {
            added = addKey(true, two).ok().out();
            removed = removeKey(true).ok().out();
            addKey(true, two).ok();
            Tool.Result refused = order(
                    "key", "add", volume(), "--key-file", keyFile("wrong.key"), "--new-key-file", keyFile("x.key"));
            Complaint.expect(refused, 3);
            stopCleanly(server);
        }
        assertOpens(0, two);
        assertEquals(removed, removeKey(false).ok().out());
        assertOpens(3, two);
        assertEquals(added, addKey(false, two).ok().out());
        assertOpens(0, Server.key(folder));
    }

    /** What a program writes to its standard output, read as it is asked for. */
    private static final class Slow implements AutoCloseable {
        private final Process process;
        private final DataInputStream out;

        Slow(Path err, Object... command) throws IOException {
            List<String> words = Arrays.stream(command).map(Object::toString).toList();
            process = new ProcessBuilder(words).redirectError(err.toFile()).start();
            out = new DataInputStream(process.getInputStream());
        }

        byte[] next(int bytes) throws IOException {
            byte[] data = new byte[bytes];
            out.readFully(data);
            return data;
        }

        CompletableFuture<byte[]> rest() {
            return CompletableFuture.supplyAsync(() -> {
                try {
                    return out.readAllBytes();
                } catch (IOException e) {
                    throw new AssertionError(e);
                }
            });
        }

        int exit() throws InterruptedException {
            assertTrue(process.waitFor(60, TimeUnit.SECONDS), "it does not end");
            return process.exitValue();
        }

        @Override
        public void close() {
            process.destroyForcibly();
        }
    }

    @Test
    void aCopyUnderWayWaitsWhileItIsLockedAndEndsRight() throws Exception {
        Tool.need("nbdcopy");
        byte[] data = new byte[160 * MIB];
        new Random(11).nextBytes(data);
        Path image = Files.write(folder.resolve("image"), data);
        try (Server server = serve()) {
            Tool.run("nbdcopy", image, server.uri()).ok();
            // A pipe that nobody reads keeps the copy in its middle until the volume is locked.
            try (Slow copy = new Slow(folder.resolve("nbdcopy.err"), "nbdcopy", server.uri(), "-")) {
                assertArrayEquals(Arrays.copyOf(data, MIB), copy.next(MIB));
                order("lock", volume()).ok();
                assertEquals("locked", firstOfStatus().path("state").asText());
                CompletableFuture<byte[]> rest = copy.rest();
                Complaint.expect(order("unlock", "demo", "--key-file", keyFile("wrong.key")), 3);
                assertEquals("locked", firstOfStatus().path("state").asText());
                assertFalse(rest.isDone(), "it was read to its end although its keys are away");

                order("unlock", volume(), "--key-file", Server.key(folder)).ok();
                byte[] got = rest.get(60, TimeUnit.SECONDS);
                assertEquals(0, copy.exit(), Files.readString(folder.resolve("nbdcopy.err")));
                assertEquals(191 * MIB, got.length);
                assertEquals(-1, Arrays.mismatch(data, MIB, 160 * MIB, got, 0, 159 * MIB));
                assertArrayEquals(new byte[32 * MIB], Arrays.copyOfRange(got, 159 * MIB, 191 * MIB));
            }
            assertEquals("open", firstOfStatus().path("state").asText());
            stopCleanly(server);
        }
    }

    private void spoil(long offsetBytes) throws IOException {
        try (RandomAccessFile file = new RandomAccessFile(volume().toFile(), "rw")) {
            file.seek(offsetBytes);
            int was = file.read();
            file.seek(offsetBytes);
            file.write(was ^ 0x40);
        }
    }

    @Test
    void listsTheRangesOfAServedVolumeAsOfOneThatIsNot() throws Exception {
        Tool.need("qemu-io");
        JsonNode served;
        try (Server server = serve()) {
            Tool.run(
                            "qemu-io",
                            "-f",
                            "raw",
                            server.uri(),
                            "-c",
                            "write -P 1 0 1M",
                            "-c",
                            "write -P 2 40M 2M",
                            "-c",
                            "flush")
                    .ok();
            order("shred", "demo", "--range", "2").ok();
            served = JSON.readTree(order("info", volume(), "--ranges", "--since", "2020-01-01", "--json")
                    .ok()
                    .out());
            String text = order("info", "demo", "--ranges").ok().out();
            assertTrue(text.contains("11 active, 0 none, 1 shredded, 0 lost (verified)"), text);
            stopCleanly(server);
        }
        JsonNode closed = JSON.readTree(Blockseal.run(
                        "info",
                        volume(),
                        "--ranges",
                        "--since",
                        "2020-01-01",
                        "--json",
                        "--key-file",
                        Server.key(folder))
                .ok()
                .out());
        assertEquals(MIB, served.path("ranges").path(0).path("encryptedBytes").asLong());
        assertEquals(closed.path("ranges"), served.path("ranges"));
        assertEquals(11, served.path("rangeKeys").path("madeSince").asInt(), served::toString);
        assertEquals(closed.path("uuid"), served.path("uuid"));
    }

    /** The second root and a page lie damaged on the disk while a client goes on reading; no copy is lost. */
    @Test
    void checksAServedVolumeAndBringsBackWhatTheDiskHasLost() throws Exception {
        int port = Ports.free();
        byte[] data = new byte[MIB];
        new Random(13).nextBytes(data);
        try (Server server = serve("--listen", "127.0.0.1:" + port);
                NbdSocket client = NbdSocket.go(port)) {
            assertEquals(0, client.write(0, data));
            assertTrue(order("check", "demo").ok().out().contains("demo: nothing is wrong (12 ranges in use)"));
            spoil(MetadataLayout.rootOffset(1) + 99);
            spoil(MetadataLayout.pageOffsetInExtent(0, 0) + 99);
            spoil(MetadataLayout.pageOffsetInExtent(0, 1) + 99);
            Tool.Result found = order("check", "demo");
            assertEquals(4, found.exit(), found::all);
            assertTrue(found.out().contains("table page 0 copy B"), found::all);
            String id = order("check", "demo", "--detach").ok().out().strip();
            assertEquals(4, order("job", "watch", id).exit());
            assertTrue(order("job", "list").ok().out().contains("check"));
            Tool.Result repaired = order("check", "demo", "--repair").ok();
            assertTrue(repaired.out().contains("after the repair:\ndemo: nothing is wrong"), repaired::all);
            assertArrayEquals(data, client.read(0, MIB));
            Complaint.expect(order("check", "demo", "--key-file", keyFile("wrong.key")), 3);
            order("lock", "demo").ok();
            Complaint.expect(order("check", "demo"), 1, "is locked; unlock it first");
            stopCleanly(server);
        }
        Blockseal.run("check", volume(), "--key-file", Server.key(folder)).ok();
    }

    @Test
    void stopsCleanlyWhileItIsLockedAndAClientWaits() throws Exception {
        int port = Ports.free();
        byte[] data = new byte[MIB];
        new Random(12).nextBytes(data);
        try (Server server = serve("--listen", "127.0.0.1:" + port);
                NbdSocket client = NbdSocket.go(port)) {
            assertEquals(0, client.write(0, data));
            order("lock", "demo").ok();
            long read = client.header(NbdSocket.READ, 0, 0, MIB);
            client.send();
            stopCleanly(server);
            // If the daemon stopped before it saw the request, it just hung up.
            assertTrue(client.isRefusedOrHungUp(read, ESHUTDOWN));
        }
        try (Server again = serve("--listen", "127.0.0.1:" + port);
                NbdSocket client = NbdSocket.go(port)) {
            assertArrayEquals(data, client.read(0, MIB));
            stopCleanly(again);
        }
    }

    private String keyAt(Path file) {
        return "{\"kind\": \"file\", \"path\": \"" + file + "\"}";
    }

    private JsonNode awaitPaused(long job) throws IOException {
        JsonNode now = JSON.readTree(curl("/v1/jobs/" + job).out());
        while (!now.path("state").asText().equals("paused")) {
            assertFalse(now.path("ended").asBoolean(), now::toString);
            now = JSON.readTree(curl("/v1/jobs/" + job + "?wait=5s&since=" + now.get("revision"))
                    .out());
        }
        return now;
    }

    @Test
    void anAnswerToALeakSurvivesAKillAndAClientGoesOnAllTheWay() throws Exception {
        Tool.need("curl");
        int port = Ports.free();
        Path next = keyFile("next.key");
        byte[] data = new byte[MIB];
        new Random(13).nextBytes(data);
        byte[] later = new byte[MIB];
        new Random(14).nextBytes(later);
        try (Server server = serve("--listen", "127.0.0.1:" + port);
                NbdSocket client = NbdSocket.go(port)) {
            for (long range = 0; range < 12; range++) {
                assertEquals(0, client.write(range * 16 * MIB, data));
            }
            assertEquals(0, client.flush());
            // One connection for both: the job stands still long before it is done.
            Tool.run(
                            "curl",
                            "-sS",
                            "--unix-socket",
                            control(),
                            "-d",
                            "{\"key\": " + keyAt(Server.key(folder)) + ", \"newKey\": " + keyAt(next) + "}",
                            "http://blockseal/v1/volumes/demo/respond-leak",
                            "--next",
                            "-sS",
                            "--unix-socket",
                            control(),
                            "-X",
                            "POST",
                            "http://blockseal/v1/jobs/1/pause")
                    .ok();
            awaitPaused(1);
            assertEquals(0, client.write(0, later));
            assertArrayEquals(data, client.read(16 * MIB, MIB));
            assertEquals(0, client.flush());
            server.kill();
        }
        try (Server server = Server.serve(
                        folder,
                        volume().toString(),
                        "--key-file",
                        next.toString(),
                        "--unix",
                        folder.resolve("demo.sock").toString(),
                        "--state-dir",
                        folder.resolve("state").toString(),
                        "--control",
                        control().toString(),
                        "--listen",
                        "127.0.0.1:" + port);
                NbdSocket client = NbdSocket.go(port)) {
            assertEquals("respond-leak", awaitPaused(1).path("verb").asText());
            assertArrayEquals(later, client.read(0, MIB));
            order("job", "resume", "1").ok();
            assertEquals(0, client.write(176L * MIB, later));
            Tool.Result watched = order("job", "watch", "1").ok();
            assertTrue(watched.out().contains("the keys of all its ranges have been replaced"), watched::all);
            for (long range = 1; range < 11; range++) {
                assertArrayEquals(data, client.read(range * 16 * MIB, MIB));
            }
            assertArrayEquals(later, client.read(176L * MIB, MIB));
            stopCleanly(server);
        }
        assertOpens(0, next);
        assertOpens(3, Server.key(folder));
    }

    @Test
    void anErasedVolumeIsGoneForItsClientsWhileTheDaemonServesOn() throws Exception {
        int port = Ports.free();
        Path record = folder.resolve("erased.json");
        try (Server server = serve("--listen", "127.0.0.1:" + port);
                NbdSocket client = NbdSocket.go(port)) {
            assertEquals(0, client.write(0, new byte[] {1, 2, 3, 4}));
            String uuid = firstOfStatus().path("uuid").asText();
            Complaint.expect(order("erase", volume()), 2, "--yes-erase UUID");
            Tool.Result erased = order("erase", volume(), "--yes-erase", uuid, "--evidence", record);
            assertTrue(erased.ok().out().startsWith(volume() + ": erased. Nothing opens it any more."), erased::all);
            assertEquals(uuid, JSON.readTree(record.toFile()).at("/volume/uuid").asText());
            assertTrue(client.isHungUp());
            assertEquals("erased", firstOfStatus().path("state").asText());
            try (NbdSocket late = NbdSocket.greeted(port)) {
                late.optionHeader(NbdSocket.OPTION_GO, 4 + 4 + 2);
                late.raw(new byte[] {0, 0, 0, 4, 'd', 'e', 'm', 'o', 0, 0});
                assertEquals(NbdSocket.ERR_UNKNOWN, late.optionReply());
            }
            Complaint.expect(Blockseal.run("info", volume()), 4);
            stopCleanly(server);
        }
    }

    @Test
    void aScrapeFollowsARotation() throws Exception {
        Tool.need("nbdcopy");
        int admin = Ports.free();
        byte[] data = new byte[160 * MIB];
        new Random(13).nextBytes(data);
        Path image = Files.write(folder.resolve("image"), data);
        String db = "export=\"demo\"";
        String rotate = "verb=\"rotate-dek\"";
        try (Server server = serve("--admin", "127.0.0.1:" + admin)) {
            Metrics metrics = new Metrics(admin);
            assertEquals(0, metrics.value("blockseal_jobs_ended_total", db, rotate, "state=\"done\""));
            Tool.run("nbdcopy", image, server.uri()).ok();
            order("rotate-dek", volume(), "--key-file", Server.key(folder), "--all", "--rate", "16MiB/s", "--detach")
                    .ok();
            metrics.awaitAtLeast(1, "blockseal_rotation_active", db);
            metrics.awaitAtLeast(1, "blockseal_ranges_rotated_total", db);
            assertEquals(16 * MIB, metrics.value("blockseal_rotation_rate_limit_bytes_per_second", db));
            assertEquals(12, metrics.value("blockseal_rotation_ranges", db));
            assertEquals(1, metrics.value("blockseal_jobs", db, rotate, "state=\"running\""));
            assertTrue(metrics.value("blockseal_rotation_copied_bytes_total", db) >= 16 * MIB);
            metrics.awaitAtLeast(1, "blockseal_job_remaining_seconds", db, rotate);

            metrics.awaitAtLeast(1, "blockseal_jobs_ended_total", db, rotate, "state=\"done\"");
            assertEquals(12, metrics.value("blockseal_ranges_rotated_total", db));
            assertEquals(12, metrics.value("blockseal_deks_destroyed_total", db));
            assertEquals(0, metrics.value("blockseal_rotation_failures_total", db));
            metrics.awaitAtLeast(2, "blockseal_dek_generation_median", db);
            metrics.awaitAtLeast(1, "blockseal_rotation_rekeyed_ratio", db);
            stopCleanly(server);
        }
    }
}
