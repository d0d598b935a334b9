package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.config.VolumeConfig;
import io.blockseal.format.MetadataLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** An older copy of the metadata is put back, as by a snapshot: the host that has seen the newer one says so. */
class RollbackIT {
    private static final int DAMAGED = 4;
    private static final long AT = 5 << 20;

    @TempDir
    Path folder;

    private final byte[] data = new byte[1 << 20];
    private Path volume;
    private Path older;

    @BeforeEach
    void create() {
        new Random(5).nextBytes(data);
        Server.create(folder, "128M");
        volume = folder.resolve("demo.bsl");
        older = folder.resolve("older.header");
    }

    private void copy(Path from, Path to) {
        Tool.run(
                        "dd",
                        "if=" + from,
                        "of=" + to,
                        "bs=1M",
                        "count=" + (MetadataLayout.EXTENT_BYTES >> 20),
                        "conv=notrunc,sparse")
                .ok();
    }

    /** Not sparse: zeros of the older state have to overwrite what is there now. */
    private void putBack() {
        Tool.run(
                        "dd",
                        "if=" + older,
                        "of=" + volume,
                        "bs=1M",
                        "count=" + (MetadataLayout.EXTENT_BYTES >> 20),
                        "conv=notrunc")
                .ok();
    }

    private void write() throws Exception {
        int port = Ports.free();
        try (Server server = Server.start(folder, "--listen", "127.0.0.1:" + port);
                NbdSocket client = NbdSocket.go(port)) {
            assertEquals(0, client.write(AT, data));
            assertEquals(0, client.flush());
        }
    }

    private String hash() {
        return Tool.run("sha256sum", volume).ok().out();
    }

    private Tool.Result serve(Path key, String... more) {
        Stream<Object> words = Stream.concat(
                Stream.of(
                        "serve",
                        volume,
                        "--key-file",
                        key,
                        "--unix",
                        folder.resolve("second.sock"),
                        "--state-dir",
                        folder.resolve("state")),
                Stream.of(more));
        return Tool.run(60, Blockseal.command(words.toArray()).toArray());
    }

    private void refused(Path key, Object... words) {
        String before = hash();
        Complaint.expect(serve(key), DAMAGED, words);
        assertEquals(before, hash(), "a refused volume was changed");
    }

    @Test
    void isRefusedWithWhatToDoAndOpensOnceItIsAccepted() throws Exception {
        copy(volume, older);
        // A commit gives the range its DEK, and one at the close says how much was enciphered under it.
        write();
        putBack();
        refused(
                Server.key(folder),
                volume,
                "its metadata is of commit 1, but this host remembers commit 3",
                "--accept-rollback",
                "audit event=rollback-refused",
                " found=1 anchor=3 ");

        int port = Ports.free();
        try (Server server = Server.start(
                        folder, "--listen", "127.0.0.1:" + port, "--accept-rollback", "--log-level", "error");
                NbdSocket client = NbdSocket.go(port)) {
            assertTrue(
                    server.log()
                            .contains("audit event=rollback-accepted volume=" + VolumeConfig.defaultExportName(volume)
                                    + " "),
                    server.log());
            assertTrue(server.log().contains(" found=1 anchor=3 "), server.log());
            assertTrue(server.log().contains(" pid=" + server.pid()), server.log());
            Complaint.readable(server.log());
            assertArrayEquals(new byte[data.length], client.read(AT, data.length), "zeros, not noise");
            assertEquals(0, client.write(AT + data.length, data));
            assertArrayEquals(new byte[data.length], client.read(AT, data.length), "zeroed before its next use");
        }
        try (Server server = Server.start(folder, "--listen", "127.0.0.1:" + port);
                NbdSocket client = NbdSocket.go(port)) {
            assertArrayEquals(data, client.read(AT + data.length, data.length));
        }
    }

    @Test
    void bringsNoRemovedKeyBack() throws Exception {
        write();
        Path second = folder.resolve("second.key");
        key("add", "--new-key-file", second);
        copy(volume, older);
        key("remove", "--slot", 1);
        Complaint.expect(serve(second), 3, "no key slot opens");
        putBack();
        refused(second, "--accept-rollback", "keys removed since");
        refused(Server.key(folder), "--accept-rollback");
    }

    private void key(String verb, Object... more) {
        Stream<Object> words = Stream.concat(
                Stream.of(
                        "key", verb, volume, "--key-file", Server.key(folder), "--state-dir", folder.resolve("state")),
                Stream.of(more));
        Tool.Result result = Blockseal.run(words.toArray()).ok();
        String event = verb.equals("add") ? "key-slot-added" : "key-slot-removed";
        assertTrue(result.err().contains("audit event=" + event), result.err());
    }

    @Test
    void anUnknownIdentityIsRefusedUntilTheOperatorVouchesForIt() throws Exception {
        write();
        Path pin = pin();
        String genuine = Files.readString(pin);
        Files.writeString(pin, "00112233445566778899aabbccddeeff\n");
        refused(
                Server.key(folder),
                "this host remembers 0011223344",
                "--trust-identity",
                "audit event=identity-refused");
        try (Server server = Server.start(folder, "--trust-identity")) {
            assertTrue(server.log().contains("audit event=identity-trusted"), server.log());
            Complaint.readable(server.log());
        }
        assertEquals(genuine, Files.readString(pin));
        Server.start(folder).close();
    }

    private Path pin() throws IOException {
        try (Stream<Path> files = Files.list(folder.resolve("state"))) {
            return files.filter(file -> file.toString().endsWith(".identity"))
                    .findFirst()
                    .orElseThrow();
        }
    }
}
