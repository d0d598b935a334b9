package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.server.tls.TestAuthority;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Access lists as operators set them up, and clients that others wrote: with certificates, and as users of the host. */
class AccessIT {
    private static final ObjectMapper JSON = new ObjectMapper();
    /** The one that the distribution's libnbd is for. */
    private static final String PYTHON = "/usr/bin/python3";

    private static final String NOWHERE = "gamme";

    @TempDir
    Path folder;

    private int port;
    private int admin;
    private TestAuthority authority;

    @BeforeEach
    void programs() throws Exception {
        Tool.need("openssl", "nbdinfo", "nbd-client", "qemu-img", "qemu-io");
        port = Ports.free();
        admin = Ports.free();
    }

    private Server serve(String listeners, String... volumesAndLists) throws Exception {
        StringBuilder config = new StringBuilder(listeners + "control: off\nstate-dir: " + folder
                + "/state\nadmin: 127.0.0.1:" + admin + "\nvolumes:\n");
        for (int i = 0; i < volumesAndLists.length; i += 2) {
            Path volume = folder.resolve(volumesAndLists[i] + ".bsl");
            Path key = folder.resolve(volumesAndLists[i] + ".key");
            Blockseal.run("create", volume, "--size", "128M", "--key-file", key).ok();
            config.append("  - path: " + volume + "\n    key-file: " + key + "\n    access:\n"
                    + volumesAndLists[i + 1].indent(6));
        }
        Path file = folder.resolve("blockseal.yaml");
        Files.writeString(file, config);
        assertTrue(Blockseal.run("serve", "--config", file, "--check-config")
                .ok()
                .out()
                .contains("is right"));
        return Server.serve(folder, "--config", file.toString());
    }

    /** A folder with a certificate as GnuTLS's users want it. */
    private Path certificate(String name, String subject, String names) throws Exception {
        TestAuthority.Pair pair = authority.issue(subject, names, "clientAuth", 9);
        Path place = Files.createDirectory(folder.resolve(name));
        Files.copy(authority.certificate(), place.resolve("ca-cert.pem"));
        Files.copy(pair.certificate(), place.resolve("client-cert.pem"));
        Files.copy(pair.key(), place.resolve("client-key.pem"));
        return place;
    }

    private String tcp(String export, Path certificate) {
        return "nbds://localhost:" + port + "/" + export + "?tls-certificates=" + certificate;
    }

    private static List<String> listed(Object... nbdinfo) throws Exception {
        List<Object> words = new ArrayList<>(List.of(nbdinfo));
        List<String> names = new ArrayList<>();
        JSON.readTree(Tool.run(words.toArray()).ok().out())
                .path("exports")
                .forEach(export -> names.add(export.path("export-name").asText()));
        return names;
    }

    private List<String> listed(Path certificate) throws Exception {
        return listed("nbdinfo", "--json", "--list", tcp("", certificate));
    }

    private String qemu(String export) {
        return "driver=nbd,server.type=inet,server.host=localhost,server.port=" + port + ",export=" + export
                + ",tls-creds=tls";
    }

    private Tool.Result qemuIo(String export, Path certificate, String... commands) {
        List<Object> words = new ArrayList<>(List.of(
                "qemu-io",
                "--object",
                "tls-creds-x509,id=tls,dir=" + certificate + ",endpoint=client",
                "--image-opts"));
        for (String command : commands) {
            words.addAll(command.equals("-r") ? List.of("-r") : List.of("-c", command));
        }
        words.add(qemu(export));
        return Tool.run(words.toArray());
    }

    @Test
    void whoHasACertificateGetsWhatItIsFor() throws Exception {
        authority = new TestAuthority(folder, "authority");
        TestAuthority.Pair ours = authority.forServer();
        Path db1 = certificate("db1", "/O=example/CN=db1", "DNS:db1.example.org");
        Path backup = certificate("backup", "/CN=job", "URI:spiffe://example.org/backup/nightly");
        Path impostor = certificate(
                "impostor", "/CN=db1,O=example", "DNS:CN=db1,URI:spiffe://example.org.evil.org/backup/nightly");
        String listeners = "listen: 127.0.0.1:" + port + "\ntls: {mode: required, certificate: " + ours.certificate()
                + ", key: " + ours.key() + ", client-ca: " + authority.certificate() + "}\n";
        try (Server server = serve(
                listeners,
                "alpha",
                """
                - {subject: "CN=db1,O=example", address: 127.0.0.0/8, mode: read-write}
                - {spiffe: "spiffe://example.org/backup/*", mode: read-only}
                """,
                "betas",
                "{spiffe: spiffe://example.org/backup/nightly, mode: read-write}",
                "gamma",
                "{email: nobody@example.org, mode: read-write}")) {
            assertEquals(List.of("alpha"), listed(db1));
            assertEquals(List.of("alpha", "betas"), listed(backup));
            assertEquals(List.of(), listed(impostor));
            assertEquals(134217728, size("", db1), "the default export is the only one");
            assertNotEquals(0, Tool.run("nbdinfo", tcp("", backup)).exit(), "and none where there are two");

            assertLooksLikeNothing(db1, "gamma");
            assertLooksLikeNothing(db1, "betas");
            assertLooksLikeNothing(impostor, "alpha");
            String log = server.log();
            assertTrue(log.contains("audit event=client-refused export=betas"), log);
            assertTrue(log.contains("client=\"CN=db1\\\\,O\\\\=example\""), log);
            assertTrue(log.contains("names=\"dns:CN=db1,uri:spiffe://example.org.evil.org/backup/nightly\""), log);
            assertTrue(!log.contains(NOWHERE), "what was never there is no refusal");
            Metrics metrics = new Metrics(admin);
            assertTrue(metrics.value("blockseal_access_refusals_total", "export=\"gamma\"") >= 2);

            String list = Tool.run(
                            "nbd-client",
                            "-l",
                            "localhost",
                            port,
                            "-enable-tls",
                            "-tlshostname",
                            "localhost",
                            "-cacertfile",
                            db1.resolve("ca-cert.pem"),
                            "-certfile",
                            db1.resolve("client-cert.pem"),
                            "-keyfile",
                            db1.resolve("client-key.pem"))
                    .all();
            assertTrue(list.contains("alpha") && !list.contains("betas") && !list.contains("gamma"), list);

            onlyReads(backup, db1, metrics, server);
        }
    }

    private long size(String export, Path certificate) {
        return Long.parseLong(Tool.run("nbdinfo", "--size", tcp(export, certificate))
                .ok()
                .out()
                .strip());
    }

    /** By libnbd and by qemu, and by every option that names an export: not a byte differs but the name. */
    private void assertLooksLikeNothing(Path certificate, String export) {
        String asked = """
                import nbd
                h = nbd.NBD()
                h.set_uri_allow_local_file(True)
                def say(what):
                    try:
                        print(what())
                    except nbd.Error as refused:
                        print(refused.string, refused.errno)
                def each():
                    h.set_opt_mode(True)
                    h.connect_uri("URI")
                    h.set_export_name("NAME")
                    h.add_meta_context("base:allocation")
                    say(h.opt_info)
                    say(lambda: h.opt_list_meta_context(lambda name: print(name)))
                    say(h.opt_go)
                    say(h.opt_abort)
                each()
                """;
        List<String> answers = new ArrayList<>();
        for (String name : List.of(export, NOWHERE)) {
            answers.add(Tool.run(
                                    PYTHON,
                                    "-c",
                                    asked.replace("URI", tcp("", certificate)).replace("NAME", name))
                            .ok()
                            .all()
                            .replace(name, "*")
                    + qemuIo(name, certificate, "read 0 512").all().replace(name, "*"));
        }
        assertEquals(answers.get(1), answers.get(0));
        assertTrue(answers.get(0).contains("there is no export of that name"), answers.get(0));
    }

    /** Not by a client that asks first, nor by one that does not care, and no key goes by it. */
    private void onlyReads(Path reader, Path writer, Metrics metrics, Server server) throws Exception {
        assertTrue(!qemuIo("alpha", writer, "write -P 0x51 0 128M").ok().all().contains("failed"));
        Tool.Result reads = qemuIo("alpha", reader, "-r", "read -P 0x51 0 128M").ok();
        assertTrue(!reads.all().contains("verification failed"), reads.all());
        assertFails("Permission denied", qemuIo("alpha", reader, "write 0 512"));
        String defiant = """
                import nbd
                h = nbd.NBD()
                h.set_uri_allow_local_file(True)
                h.set_strict_mode(0)
                h.connect_uri("URI")
                assert h.is_read_only() and not h.can_trim() and not h.can_zero()
                def fails(what):
                    try:
                        what()
                        print("it went well")
                    except nbd.Error as refused:
                        print(refused.errno)
                fails(lambda: h.pwrite(b"x" * 512, 0))
                fails(lambda: h.trim(64 << 20, 0))
                fails(lambda: h.trim(128 << 20, 0))
                fails(lambda: h.zero(64 << 20, 64 << 20))
                fails(lambda: h.zero(64 << 20, 64 << 20, nbd.CMD_FLAG_NO_HOLE))
                assert h.pread(512, 0) == b"Q" * 512
                h.flush()
                """;
        assertEquals(
                "EPERM\n".repeat(5),
                Tool.run(PYTHON, "-c", defiant.replace("URI", tcp("alpha", reader)))
                        .ok()
                        .out());
        assertTrue(!qemuIo("alpha", writer, "read -P 0x51 0 128M").ok().all().contains("verification failed"));
        String[] shredded = {"export=\"alpha\"", "cause=\"discard\""};
        assertEquals(0, metrics.value("blockseal_ranges_shredded_total", shredded));
        assertTrue(!server.log().contains("ranges-shredded"));
        // It would have been seen: the same from who may write.
        String discards = "import nbd; h = nbd.NBD(); h.set_uri_allow_local_file(True); h.connect_uri('"
                + tcp("alpha", writer) + "'); h.trim(128 << 20, 0)";
        Tool.run(PYTHON, "-c", discards).ok();
        metrics.awaitAtLeast(2, "blockseal_ranges_shredded_total", shredded);
    }

    @Test
    void usersOfTheHostGetWhatIsForThem() throws Exception {
        Tool.need("setpriv");
        Tool.needRoot("being another user");
        Files.setPosixFilePermissions(folder, PosixFilePermissions.fromString("rwx--x--x"));
        Path socket = folder.resolve("demo.sock");
        try (Server server =
                serve("unix: " + socket + "\nunix-mode: 0666\n", "alpha", """
                - {uid: 4711, gid: 4713, mode: none}
                - {uid: 4711, mode: read-write}
                - {gid: 4712, mode: read-only}
                """, "betas", "{gid: 0, mode: read-only}")) {
            String uri = "nbd+unix:///?socket=" + socket;
            assertEquals(List.of("betas"), listed("nbdinfo", "--json", "--list", uri));
            assertEquals(List.of("alpha"), listedAs(uri, 4711, 4711, "--clear-groups"));
            assertEquals(List.of(), listedAs(uri, 4711, 4713, "--clear-groups"));
            assertEquals(List.of(), listedAs(uri, 4711, 4711, "--groups=1,4713"));
            assertEquals(List.of("alpha"), listedAs(uri, 4714, 4712, "--clear-groups"));
            assertEquals(List.of("alpha", "betas"), listedAs(uri, 4714, 4714, "--groups=0,4712"));
            assertEquals(List.of(), listedAs(uri, 4714, 4714, "--clear-groups"));
            // More groups than are asked for at first; the last of them counts.
            StringBuilder many = new StringBuilder("--groups=4712");
            for (int gid = 1; gid < 300; gid++) {
                many.append(',').append(gid);
            }
            assertEquals(List.of("alpha"), listedAs(uri, 4714, 4714, many.toString()));

            String writes = "import nbd; h = nbd.NBD(); h.connect_uri('nbd+unix:///alpha?socket=" + socket
                    + "'); h.set_strict_mode(0); h.pwrite(b'y' * 512, 0)";
            as(4711, 4711, "--clear-groups", PYTHON, "-c", writes).ok();
            assertFails("Operation not permitted", as(4714, 4712, "--clear-groups", PYTHON, "-c", writes));
            assertFails("server has no export named 'alpha'", as(4714, 4714, "--clear-groups", PYTHON, "-c", writes));
            // Root may do everything else on this host, but not this.
            assertFails("server has no export named 'alpha'", Tool.run(PYTHON, "-c", writes));
            String log = server.log();
            assertTrue(log.contains("audit event=client-refused export=alpha"), log);
            assertTrue(log.contains(",uid=4714\""), log);
        }
    }

    private static void assertFails(String why, Tool.Result result) {
        assertNotEquals(0, result.exit());
        assertTrue(result.all().contains(why), result.all());
    }

    private static List<String> listedAs(String uri, int uid, int gid, String groups) throws Exception {
        return listed("setpriv", "--reuid=" + uid, "--regid=" + gid, groups, "nbdinfo", "--json", "--list", uri);
    }

    private static Tool.Result as(int uid, int gid, String groups, Object... command) {
        List<Object> words = new ArrayList<>(List.of("setpriv", "--reuid=" + uid, "--regid=" + gid, groups));
        words.addAll(List.of(command));
        return Tool.run(words.toArray());
    }

    @Test
    void aListThatCannotBeMeantEndsTheStart() throws Exception {
        Path file = folder.resolve("blockseal.yaml");
        Files.writeString(file, """
                unix: s
                volumes:
                  - path: db.bsl
                    key-file: db.key
                    access:
                      - {anyone: true, mode: read-only}
                      - {uid: 1000, mode: read-write}
                      - {subject: "CN=a", mode: read-write}
                """);
        for (String[] more : new String[][] {{}, {"--check-config"}}) {
            List<Object> words = new ArrayList<>(List.of("serve", "--config", file));
            words.addAll(List.of(more));
            Tool.Result refused = Blockseal.run(words.toArray());
            assertEquals(6, refused.exit(), refused.all());
            assertTrue(
                    refused.err()
                            .contains(file + ":7:9: access rule 2 of export 'db': it is never reached: rule 1 comes"
                                    + " before it and fits everybody whom it is for"),
                    refused.err());
            assertTrue(refused.err().contains(file + ":8:9: access rule 3 of export 'db': nobody can fit it"));
        }
    }
}
