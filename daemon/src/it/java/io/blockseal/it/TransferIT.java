package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Disks that others made go in and come out again the same, by way of their programs. */
class TransferIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int MIB = 1 << 20;
    private static final long SIZE = 192L * MIB;
    private static final String SECRET = "correct horse battery";

    @TempDir
    Path folder;

    private Path image;
    private Path passphrase;

    @BeforeEach
    void makeAnImage() throws Exception {
        image = folder.resolve("disk.img");
        passphrase = Files.writeString(folder.resolve("passphrase"), SECRET + "\n");
        Random random = new Random(7);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "rw")) {
            file.setLength(SIZE);
            for (int i = 0; i < 40; i++) {
                byte[] data = new byte[random.nextInt(MIB)];
                random.nextBytes(data);
                file.seek((long) (random.nextDouble() * (SIZE - data.length)));
                file.write(data);
            }
        }
    }

    private List<Object> words(String verb, Object from, Object to, Object... more) {
        List<Object> words = new ArrayList<>(List.of(verb, from, to, "--state-dir", folder.resolve("state")));
        words.addAll(List.of(more));
        return words;
    }

    private Tool.Result run(String verb, Object from, Object to, Object... more) {
        return Blockseal.run(words(verb, from, to, more).toArray());
    }

    private Object[] key(Object... more) {
        List<Object> words = new ArrayList<>(List.of("--key-file", folder.resolve("k")));
        words.addAll(List.of(more));
        return words.toArray();
    }

    private Path volume() {
        return folder.resolve("demo.bsl");
    }

    private static String sha256(Path file) {
        return Tool.run("sha256sum", file).ok().out().substring(0, 64);
    }

    private void assertImported(Tool.Result result) throws Exception {
        JsonNode outcome = JSON.readTree(result.ok().out());
        assertEquals(sha256(image), outcome.get("sourceSha256").asText());
        assertEquals(sha256(image), outcome.get("targetSha256").asText());
    }

    private void assertExportsTheSame() {
        Path back = folder.resolve("back.img");
        run("export", volume(), back, key()).ok();
        assertEquals(sha256(image), sha256(back));
        assertTrue(NbdToolsIT.allocated(back) < SIZE / 2, "it is sparse");
    }

    @Test
    void aLuksImageOfQemuComesInByItsPassphrase() throws Exception {
        Tool.need("qemu-img", "qemu-nbd");
        Path luks = folder.resolve("luks, with a comma.img");
        Path secret = Files.writeString(folder.resolve("secret"), SECRET);
        // With SHA-256 qemu-img sometimes finds no time spent on what it measures, and gives up.
        Tool.run(
                        "qemu-img",
                        "convert",
                        "--object",
                        "secret,id=s,file=" + secret,
                        "-O",
                        "luks",
                        "-o",
                        "key-secret=s,iter-time=20,hash-alg=sha512",
                        image,
                        luks)
                .ok();
        Object[] how = key("--create", "--json", "--source-format", "luks", "--source-passphrase-file", passphrase);
        assertImported(run("import", luks, volume(), how));
        assertExportsTheSame();

        Path wrong = Files.writeString(folder.resolve("wrong"), "wrong");
        Tool.Result refused = run(
                "import",
                luks,
                folder.resolve("no.bsl"),
                key("--create", "--source-format", "luks", "--source-passphrase-file", wrong));
        assertEquals(1, refused.exit(), refused::all);
        assertTrue(refused.err().contains("Invalid password"), refused::err);
        assertFalse(Files.exists(folder.resolve("no.bsl")), "nothing was made");
    }

    @Test
    void aLuks1VolumeOfCryptsetupComesIn() throws Exception {
        Tool.need("cryptsetup", "qemu-nbd", "qemu-io");
        Path luks = folder.resolve("theirs.luks");
        Path secret = Files.writeString(folder.resolve("secret"), SECRET);
        try (RandomAccessFile file = new RandomAccessFile(luks.toFile(), "rw")) {
            file.setLength(SIZE + 2 * MIB);
        }
        Tool.run(
                        "cryptsetup",
                        "--batch-mode",
                        "luksFormat",
                        "--type",
                        "luks1",
                        "--pbkdf-force-iterations",
                        "1000",
                        "--key-file",
                        secret,
                        luks)
                .ok();
        Tool.run(
                        "qemu-io",
                        "--object",
                        "secret,id=s,file=" + secret,
                        "--image-opts",
                        "driver=luks,key-secret=s,file.filename=" + luks,
                        "-c",
                        "write -P 0x5a 3M 2M")
                .ok();
        run(
                        "import",
                        luks,
                        volume(),
                        key("--create", "--source-format", "luks", "--source-passphrase-file", passphrase))
                .ok();
        Path back = folder.resolve("back.img");
        run("export", volume(), back, key()).ok();
        Tool.Result read = Tool.run("qemu-io", "-r", "-f", "raw", back, "-c", "read -P 0x5a 3M 2M")
                .ok();
        assertFalse(read.all().contains("failed"), read::all);
    }

    @Test
    void qcow2ComesInAndGoesOut() throws Exception {
        Tool.need("qemu-img", "qemu-nbd");
        Path qcow2 = folder.resolve("disk.qcow2");
        Tool.run("qemu-img", "convert", "-O", "qcow2", image, qcow2).ok();
        assertImported(run("import", qcow2, volume(), key("--create", "--json", "--source-format", "qcow2")));
        Path out = folder.resolve("out.qcow2");
        run("export", volume(), out, key("--target-format", "qcow2")).ok();
        Tool.run("qemu-img", "compare", "-f", "raw", "-F", "qcow2", image, out).ok();
        Tool.run("qemu-img", "check", "-q", out).ok();
        assertTrue(NbdToolsIT.allocated(out) < SIZE / 2, "it is sparse");
    }

    @Test
    void nbdkitIsReadByItsAddress() throws Exception {
        Tool.need("nbdkit");
        Path log = folder.resolve("import.json");
        String command = String.join(
                " ",
                Blockseal.command(words("import", "\"$uri\"", volume(), key("--create", "--json"))
                        .toArray()));
        Tool.run("nbdkit", "-U", "-", "file", image, "--run", command + " > " + log)
                .ok();
        JsonNode outcome = JSON.readTree(log.toFile());
        assertEquals(sha256(image), outcome.get("targetSha256").asText());
        assertTrue(outcome.get("dataBytes").asLong() < SIZE / 2, "holes came over as holes");
        assertExportsTheSame();
    }

    @Test
    void anErrorInTheMiddleIsToldWithItsPlaceAndCanBeGoneOnWith() throws Exception {
        Tool.need("nbdkit");
        Path bad = Files.createFile(folder.resolve("bad"));
        Path socket = Files.createTempDirectory("bad").resolve("s");
        Path out = folder.resolve("nbdkit.out");
        String script =
                "if [ -e " + bad + " ] && [ $(($4 + $3)) -gt 150000000 ]; then echo EIO bad sector >&2; exit 1; fi;"
                        + " dd if=" + image + " iflag=skip_bytes,count_bytes skip=$4 count=$3 bs=1M status=none";
        Process nbdkit = Tool.builder(
                        List.of(
                                "nbdkit",
                                "-f",
                                "-U",
                                socket.toString(),
                                "eval",
                                "get_size=echo " + SIZE,
                                "pread=" + script),
                        out,
                        out)
                .start();
        try {
            while (!Files.exists(socket)) {
                assertFalse(nbdkit.waitFor(20, TimeUnit.MILLISECONDS), "nbdkit ended");
            }
            String uri = "nbd+unix:///?socket=" + socket;
            Tool.Result failed = run("import", uri, volume(), key("--create"));
            assertEquals(1, failed.exit(), failed::all);
            long place = 150_000_000 / 4096 * 4096;
            assertTrue(failed.err().contains("cannot be read at offset " + place + ":"), failed::err);
            assertTrue(failed.err().contains("go on with --resume"), failed::err);
            Files.delete(bad);
            Tool.Result done = run("import", uri, volume(), key("--resume", "--json"));
            assertNotEquals(0, JSON.readTree(done.ok().out()).get("resumedAt").asLong());
            assertImported(done);
        } finally {
            nbdkit.destroy();
            nbdkit.waitFor();
            Files.deleteIfExists(socket);
            Files.delete(socket.getParent());
        }
        assertExportsTheSame();
    }

    private Process slowServer(Path socket, Path out) throws Exception {
        return slowServer(socket, out, "80M");
    }

    /** The image at so many bits per second. */
    private Process slowServer(Path socket, Path out, String rate) throws Exception {
        Process nbdkit = Tool.builder(
                        List.of(
                                "nbdkit",
                                "-f",
                                "-U",
                                socket.toString(),
                                "--filter=rate",
                                "file",
                                image.toString(),
                                "rate=" + rate),
                        out,
                        out)
                .start();
        while (!Files.exists(socket)) {
            assertFalse(nbdkit.waitFor(20, TimeUnit.MILLISECONDS), "nbdkit ended");
        }
        return nbdkit;
    }

    private static void stop(Process server, Path socket) throws Exception {
        server.destroy();
        server.waitFor();
        Files.deleteIfExists(socket);
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatWasInterruptedGoesOn(boolean killed) throws Exception {
        Tool.need("nbdkit");
        Path socket = Files.createTempDirectory("slow").resolve("s");
        Path out = folder.resolve("out");
        Process nbdkit = slowServer(socket, out);
        try {
            String uri = "nbd+unix:///?socket=" + socket;
            Path err = folder.resolve("err");
            Process process = Tool.builder(
                            Blockseal.command(words("import", uri, volume(), key("--create"))
                                    .toArray()),
                            out,
                            err)
                    .start();
            while (!Files.exists(volume()) || NbdToolsIT.allocated(volume()) < 2 * MIB) {
                assertFalse(process.waitFor(20, TimeUnit.MILLISECONDS), () -> "it ended before it was interrupted");
            }
            if (killed) {
                process.destroyForcibly();
            } else {
                process.destroy();
            }
            process.waitFor();
            if (!killed) {
                assertEquals(1, process.exitValue());
                assertTrue(Files.readString(err).contains("go on with --resume"), Files.readString(err));
            }
            // nbdkit 1.32 itself may end, on an assertion, when a client is gone before its replies are sent.
            stop(nbdkit, socket);
            nbdkit = slowServer(socket, out);
            assertImported(run("import", uri, volume(), key("--resume", "--json")));
        } finally {
            stop(nbdkit, socket);
            Files.delete(socket.getParent());
        }
        assertExportsTheSame();
    }

    @Test
    void aVolumeThatIsServedTakesAndGivesOverItsSocketAndNobodyOpensItBeside() throws Exception {
        Server.create(folder, "192M");
        try (Server server = Server.start(folder, "--control", "off")) {
            assertImported(run("import", image, server.uri(), "--json"));
            Path back = folder.resolve("back.img");
            run("export", server.uri(), back).ok();
            assertEquals(sha256(image), sha256(back));
            Tool.Result busy = run("export", volume(), folder.resolve("x"), "--key-file", Server.key(folder));
            assertEquals(5, busy.exit(), busy::all);
        }
    }

    private Tool.Result order(Path control, Object... words) {
        List<Object> all = new ArrayList<>(List.of(words));
        all.addAll(List.of("--control", control));
        return Blockseal.run(all.toArray());
    }

    private JsonNode job(Path control, String id) throws Exception {
        return JSON.readTree(order(control, "job", "show", id, "--json").ok().out());
    }

    private static Tool.Result readOf(Server server) {
        return Tool.run("qemu-io", "-r", "-f", "raw", server.uri(), "-c", "read 0 4k");
    }

    private void awaitState(Path control, String id, String state) throws Exception {
        JsonNode now = job(control, id);
        while (!now.get("state").asText().equals(state)) {
            assertFalse(now.get("ended").asBoolean(), now::toString);
            now = job(control, id);
        }
    }

    private static String withoutSeconds(String json) {
        return json.replaceAll("Seconds\" : [0-9.]+", "");
    }

    /** With no client under it; it stands still, goes on, and can be cancelled even while the volume is locked. */
    @Test
    void theDaemonThatServesAVolumeImportsAndExportsAsJobs() throws Exception {
        Tool.need("nbdkit", "qemu-io");
        Server.create(folder, "192M");
        Path control = folder.resolve("orders.sock");
        Path socket = Files.createTempDirectory("slow").resolve("s");
        Path out = folder.resolve("out");
        String uri = "nbd+unix:///?socket=" + socket;
        Path back = folder.resolve("back.img");
        String exported;
        Process nbdkit = slowServer(socket, out, "16M");
        try (Server server = Server.start(folder, "--control", control.toString())) {
            String id = order(control, "import", uri, volume(), "--detach")
                    .ok()
                    .out()
                    .strip();
            while (job(control, id).get("done").asLong() == 0) {
                assertFalse(job(control, id).get("ended").asBoolean(), "it ended before it was looked at");
            }
            Tool.Result shut = readOf(server);
            assertNotEquals(0, shut.exit(), shut::all);
            assertTrue(shut.all().contains("something is being imported into it"), shut::all);
            Complaint.expect(order(control, "export", "demo", back), 5, "job " + id);

            order(control, "job", "pause", id).ok();
            awaitState(control, id, "paused");
            assertTrue(order(control, "job", "list").ok().out().contains("paused"));
            assertNotEquals(0, readOf(server).exit(), "a client was let in under a copy that stands still");
            order(control, "job", "resume", id).ok();
            awaitState(control, id, "running");

            order(control, "lock", "demo").ok();
            order(control, "job", "cancel", id).ok();
            Tool.Result cancelled = order(control, "job", "watch", id);
            assertEquals(1, cancelled.exit(), cancelled::all);
            assertTrue(cancelled.err().contains("go on with --resume"), cancelled::err);
            assertEquals("canceled", job(control, id).get("state").asText());
            order(control, "unlock", "demo", "--key-file", Server.key(folder)).ok();
            Tool.Result read = readOf(server);
            assertEquals(0, read.exit(), read::all);

            stop(nbdkit, socket);
            nbdkit = slowServer(socket, out);
            Tool.Result done = order(control, "import", uri, volume(), "--resume", "--json");
            assertImported(done);
            assertNotEquals(0, JSON.readTree(done.out()).get("resumedAt").asLong());
            exported = order(control, "export", volume(), back, "--json").ok().out();
            assertEquals(sha256(image), sha256(back));
            assertTrue(NbdToolsIT.allocated(back) < SIZE / 2, "it is sparse");
            assertTrue(server.log().contains("event=data-import"), server.log());
            assertEquals(0, server.stop(), server.log());
            Complaint.readable(server.log());
        } finally {
            stop(nbdkit, socket);
            Files.delete(socket.getParent());
        }
        Tool.Result closed = run("export", volume(), back, "--force", "--json", "--key-file", Server.key(folder));
        assertEquals(withoutSeconds(closed.ok().out()), withoutSeconds(exported));
    }

    private static Tool.Result curlAs(int uid, Path control, String path, String body) {
        return Tool.run(
                        "setpriv",
                        "--reuid",
                        uid,
                        "--regid",
                        uid,
                        "--clear-groups",
                        "curl",
                        "-sS",
                        "--unix-socket",
                        control,
                        "-d",
                        body,
                        "http://blockseal" + path)
                .ok();
    }

    /** Who may give orders may still not have the daemon read and write what is not theirs. */
    @Test
    void aUserWithOtherRightsHasNoFilesOpened() throws Exception {
        Tool.needRoot("to be two users");
        Tool.need("setpriv", "curl");
        Server.create(folder, "192M");
        Path open = Files.createTempDirectory("open");
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString("rwxr-xr-x"));
        Path control = open.resolve("c.sock");
        Path made = folder.resolve("made");
        Path config = Files.writeString(
                folder.resolve("c.yaml"),
                String.join(
                        "\n",
                        "unix: " + folder.resolve("demo.sock"),
                        "control: " + control,
                        "control-uids: [12345]",
                        "state-dir: " + folder.resolve("state"),
                        "volumes:",
                        "  - {path: " + volume() + ", key-file: " + Server.key(folder) + "}",
                        ""));
        try (Server server = Server.serve(folder, "--config", config.toString())) {
            String reading = curlAs(12345, control, "/v1/volumes/demo/import", "{\"source\": \"" + image + "\"}")
                    .out();
            assertTrue(reading.contains("with the rights of the daemon, and user 12345 has others"), reading);
            String writing = curlAs(12345, control, "/v1/volumes/demo/export", "{\"target\": \"" + made + "\"}")
                    .out();
            assertTrue(writing.contains("with the rights of the daemon, and user 12345 has others"), writing);
            assertFalse(Files.exists(made));
            assertFalse(order(control, "job", "list").ok().out().contains("port"), "no job was begun");
            // All else they may, and who has the daemon's rights may this as well.
            String checked =
                    curlAs(12345, control, "/v1/volumes/demo/check", "{}").out();
            assertTrue(checked.contains("\"verb\" : \"check\""), checked);
            order(control, "import", image, "demo").ok();
            assertTrue(server.log().contains("verb=export volume=demo exit-code=1 caller-uid=12345"), server.log());
            assertEquals(0, server.stop(), server.log());
        } finally {
            Files.deleteIfExists(control);
            Files.delete(open);
        }
    }

    @Test
    void standardOutputGetsEveryByte() {
        run("import", image, volume(), key("--create")).ok();
        String export = String.join(
                " ", Blockseal.command(words("export", volume(), "-", key()).toArray()));
        Tool.Result piped = Tool.run("sh", "-c", export + " | sha256sum").ok();
        assertEquals(sha256(image), piped.out().substring(0, 64));
    }

    @Test
    void aBlockDeviceIsAskedAboutAndWrittenInFull() throws Exception {
        Tool.needRoot("a loop device");
        Tool.need("losetup");
        Path backing = folder.resolve("device");
        try (RandomAccessFile file = new RandomAccessFile(backing.toFile(), "rw")) {
            file.setLength(SIZE);
            file.write(new byte[] {1, 2, 3});
        }
        Tool.Result made = Tool.run("losetup", "--find", "--show", backing);
        assumeTrue(made.exit() == 0, "no loop device can be made: " + made.all());
        String device = made.out().strip();
        try {
            run("import", image, volume(), key("--create")).ok();
            Tool.Result refused = run("export", volume(), device, key());
            assertEquals(1, refused.exit(), refused::all);
            assertTrue(refused.err().contains("it is not empty"), refused::err);
            run("export", volume(), device, key("--force")).ok();
            assertEquals(sha256(image), sha256(backing));
            Path second = folder.resolve("second.bsl");
            assertImported(run("import", device, second, key("--create", "--json")));
            Tool.Result unasked = run("export", volume(), device, key("--target-format", "qcow2"));
            assertEquals(1, unasked.exit(), unasked::all);
            assertTrue(unasked.err().contains("writes over what it holds"), unasked::err);
            assertEquals(sha256(image), sha256(backing));
            // Whoever has the device open keeps what is in it.
            Blockseal.run("create", device, "--size", "16M", "--range-size", "16M", "--force", "--key-file", key()[1])
                    .ok();
            Tool.Result itself = run("export", device, device, key("--target-format", "qcow2", "--force"));
            Complaint.expect(itself, 5, "already open in this process");
            Blockseal.run("check", device, "--key-file", key()[1]).ok();
        } finally {
            Tool.run("losetup", "--detach", device).ok();
        }
    }

    @Test
    void aFullDiskIsToldAndWithRoomItGoesOn() throws Exception {
        Tool.needRoot("mounting a small filesystem");
        Path small = Files.createDirectory(folder.resolve("small"));
        Tool.Result mounted = Tool.run("mount", "-t", "tmpfs", "-o", "size=5M", "tmpfs", small);
        assumeTrue(mounted.exit() == 0, "nothing can be mounted: " + mounted.all());
        try {
            Path volume = small.resolve("demo.bsl");
            Tool.Result full = run("import", image, volume, key("--create"));
            assertEquals(1, full.exit(), full::all);
            assertTrue(full.err().contains("no space is left"), full::err);
            Tool.run("mount", "-o", "remount,size=400M", small).ok();
            assertImported(run("import", image, volume, key("--resume", "--json")));
        } finally {
            Tool.run("umount", small).ok();
        }
    }
}
