package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** TLS as operators set it up: the commands of docs/operations.md as they stand there, and clients that others wrote. */
class TlsIT {
    @TempDir
    Path folder;

    private List<String> blocks;

    @BeforeEach
    void readThePage() throws Exception {
        Tool.need("openssl", "nbdinfo", "nbdcopy", "qemu-img", "qemu-io", "nbdkit", "psktool");
        String page = Files.readString(Blockseal.root().resolve("docs/operations.md"));
        String section = page.substring(page.indexOf("\n## TLS\n"));
        section = section.substring(0, section.indexOf("\n## ", 5));
        blocks = new ArrayList<>(Pattern.compile("(?s)```sh\n(.*?)```")
                .matcher(section)
                .results()
                .map((MatchResult match) -> match.group(1))
                .toList());
    }

    private Tool.Result shell(String commands) {
        return Tool.run("bash", "-euc", "cd '" + folder + "'\n" + commands);
    }

    /** The page's serve command, on a port that is free and for this machine alone. */
    private Server serve(int port, String... more) {
        return serve(blocks.get(1), port, more);
    }

    private Server serve(String block, int port, String... more) {
        String said = block.replace("\\\n", " ")
                .replace("0.0.0.0:10809", "127.0.0.1:" + port + " --tls-mode required")
                .replace("db.", folder + "/db.")
                .replace(" pki/", " " + folder + "/pki/")
                .replace(" psk/", " " + folder + "/psk/")
                .strip();
        List<String> words = new ArrayList<>(List.of(said.split("\\s+")));
        assertEquals(List.of("blockseal", "serve"), words.subList(0, 2));
        words.addAll(List.of("--state-dir", folder.resolve("state").toString()));
        words.addAll(List.of(more));
        return Server.serve(folder, words.subList(2, words.size()).toArray(new String[0]));
    }

    @Test
    void isSetUpAndUsedByTheCommandsOfTheManual() throws Exception {
        shell(blocks.get(0)).ok();
        Blockseal.run("create", folder.resolve("db.bsl"), "--size", "64M", "--key-file", folder.resolve("db.key"))
                .ok();
        int port = Ports.free();
        try (Server server = serve(port)) {
            assertTrue(server.ready().contains("nbds://127.0.0.1:" + port + "/db"), server.ready());
            String said = shell(blocks.get(2).replace("10809", String.valueOf(port)))
                    .ok()
                    .out();
            assertTrue(said.contains("TLS"), said);
            assertTrue(said.contains("virtual size: 64 MiB"), said);
            assertEquals(64 << 20, Files.size(folder.resolve("copy.img")));

            String log = server.log();
            assertTrue(log.contains("client=\"CN=db1,O=example\": secured") || log.contains("CN=db1,O=example"), log);
            assertTrue(log.contains("audit event=client-opened export=db"), log);
            assertTrue(log.contains("tls=TLSv1.3 proof=certificate"), log);

            String disk = "nbds://localhost:" + port + "/db";
            Tool.Result nobody = shell("nbdinfo '" + disk + "'");
            assertNotEquals(0, nobody.exit(), "no certificate, no entry");
            assertNotEquals(
                    0, shell("nbdinfo 'nbd://localhost:" + port + "/db'").exit(), "nothing in the clear");

            String qemu = "qemu-io --object tls-creds-x509,id=tls,dir=pki,endpoint=client --image-opts"
                    + " -c 'write -P 0x51 0 40M' -c 'write -P 0x52 4095 100001' -c flush -c 'read -P 0x52 4095 100001'"
                    + " -c 'read -P 0x51 104096 30M' -c 'discard 8M 8M' -c 'read -P 0 8M 8M'"
                    + " driver=nbd,server.type=inet,server.host=localhost,server.port=" + port
                    + ",export=db,tls-creds=tls";
            Tool.Result patterns = shell(qemu).ok();
            assertTrue(!patterns.all().contains("verification failed"), patterns.all());

            shell("nbdcopy '" + disk + "?tls-certificates=pki' one.img; nbdcopy one.img '" + disk
                            + "?tls-certificates=pki'; nbdcopy '" + disk + "?tls-certificates=pki' two.img; cmp one.img"
                            + " two.img")
                    .ok();
        }
    }

    @Test
    void withPreSharedKeysIsSetUpAndUsedByTheCommandsOfTheManual() throws Exception {
        shell(blocks.get(3)).ok();
        Blockseal.run("create", folder.resolve("db.bsl"), "--size", "64M", "--key-file", folder.resolve("db.key"))
                .ok();
        int port = Ports.free();
        String key = Files.readString(folder.resolve("psk/server.psk")).strip().split(":")[1];
        try (Server server = serve(blocks.get(4), port)) {
            String said = shell(blocks.get(5).replace("10809", String.valueOf(port)))
                    .ok()
                    .out();
            assertTrue(said.contains("TLS"), said);
            assertTrue(said.contains("virtual size: 64 MiB"), said);
            assertEquals(64 << 20, Files.size(folder.resolve("copy.img")));
            useByQemu(port, "");
            useByQemu(port, ",priority=NORMAL:-VERS-TLS1.3");
            String disk = "nbds://vm3@localhost:" + port + "/db?tls-psk-file=psk/vm3/keys.psk";
            shell("nbdcopy '" + disk + "' one.img; nbdcopy one.img '" + disk + "'; nbdcopy '" + disk
                            + "' two.img; cmp one.img two.img")
                    .ok();

            shell("mkdir bad; sed 's/vm3/vm4/' psk/vm3/keys.psk > bad/name; sed 's/:../:ab/;s/..$/cd/' psk/vm3/keys.psk"
                            + " > bad/key")
                    .ok();
            assertNotEquals(
                    0,
                    shell("nbdinfo 'nbds://vm4@localhost:" + port + "/db?tls-psk-file=bad/name'")
                            .exit());
            assertNotEquals(
                    0,
                    shell("nbdinfo 'nbds://vm3@localhost:" + port + "/db?tls-psk-file=bad/key'")
                            .exit());
            assertNotEquals(
                    0, shell("nbdinfo 'nbds://localhost:" + port + "/db'").exit(), "no key");
            assertNotEquals(
                    0, shell("nbdinfo 'nbd://localhost:" + port + "/db'").exit(), "no TLS");

            String log = server.log();
            assertTrue(log.contains("tls=TLSv1.3 cipher=TLS_AES_128_GCM_SHA256 proof=PSK client=\"vm3\""), log);
            assertTrue(log.contains("tls=TLSv1.2 cipher=TLS_ECDHE_PSK_WITH_CHACHA20_POLY1305_SHA256"), log);
            assertTrue(log.contains("there is no pre-shared key of the name that it said"), log);
            assertTrue(log.contains("the key of the name 'vm3' is another one there"), log);
            assertTrue(!log.contains(key), "a key in the log");
        }
    }

    private void useByQemu(int port, String more) {
        shell("qemu-io --object tls-creds-psk,id=tls,dir=psk/vm3,username=vm3,endpoint=client" + more
                        + " --image-opts -c 'write -P 0x51 0 40M' -c 'write -P 0x52 4095 100001' -c flush"
                        + " -c 'read -P 0x52 4095 100001' -c 'read -P 0x51 104096 30M' -c 'discard 8M 8M'"
                        + " -c 'read -P 0 8M 8M' driver=nbd,server.type=inet,server.host=localhost,server.port=" + port
                        + ",export=db,tls-creds=tls")
                .ok();
    }

    /** Who has a key needs no certificate, and who has none is asked for one. */
    @Test
    void takesKeysAndCertificatesOnOnePort() throws Exception {
        shell(blocks.get(0)).ok();
        shell(blocks.get(3)).ok();
        Blockseal.run("create", folder.resolve("db.bsl"), "--size", "64M", "--key-file", folder.resolve("db.key"))
                .ok();
        int port = Ports.free();
        try (Server server =
                serve(port, "--tls-psk-file", folder.resolve("psk/server.psk").toString())) {
            String host = "localhost:" + port + "/db";
            shell("nbdinfo 'nbds://vm3@" + host + "?tls-psk-file=psk/vm3/keys.psk'")
                    .ok();
            shell("nbdinfo 'nbds://" + host + "?tls-certificates=pki'").ok();
            assertNotEquals(0, shell("nbdinfo 'nbds://" + host + "'").exit(), "neither of them");
            useByQemu(port, ",priority=NORMAL:-VERS-TLS1.3");
            String log = server.log();
            assertTrue(log.contains("proof=PSK client=\"vm3\""), log);
            assertTrue(log.contains("proof=CERTIFICATE"), log);
            assertTrue(log.contains("tls: certificates by boringssl"), log);
        }
    }

    /** The JDK's own way would have clients of GnuTLS hang up after 128 GiB; here they would come to that sooner. */
    @Test
    void aClientThatWritesForDaysIsNotAskedForNewKeys() throws Exception {
        shell(blocks.get(0)).ok();
        Path limits = Files.writeString(
                folder.resolve("java.security"), "jdk.tls.keyLimits=AES/GCM/NoPadding KeyUpdate 2^25\n");
        Server.create(folder, "96M");
        int port = Ports.free();
        try (Server server = Server.startWithJvmOptions(
                folder,
                "-Dio.netty.handler.ssl.noOpenSsl=true -Djava.security.properties=" + limits,
                "--listen",
                "127.0.0.1:" + port,
                "--tls-mode",
                "required",
                "--tls-certificate",
                folder.resolve("pki/server-cert.pem").toString(),
                "--tls-key",
                folder.resolve("pki/server-key.pem").toString())) {
            assertTrue(server.ready().contains("nbds://"), server.ready());
            assertTrue(server.log().contains("tls: certificates by java"), server.log());
            String disk = "'nbds://localhost:" + port + "/demo?tls-certificates=pki'";
            shell("head -c 96M /dev/urandom > noise; nbdcopy --connections=1 --flush noise " + disk
                            + "; nbdcopy --connections=1 " + disk + " back; cmp noise back")
                    .ok();
            shell("qemu-img convert -n -W -m 16 -f raw --object tls-creds-x509,id=tls,dir=pki,endpoint=client"
                            + " --target-image-opts noise driver=raw,file.driver=nbd,file.server.type=inet,"
                            + "file.server.host=localhost,file.server.port=" + port
                            + ",file.export=demo,file.tls-creds=tls")
                    .ok();
        }
    }

    @Test
    void isDemandedBeyondLoopback() throws Exception {
        Server.create(folder, "16M");
        Tool.Result refused = Blockseal.run(
                "serve", folder.resolve("demo.bsl"), "--key-file", Server.key(folder), "--listen", "192.0.2.1:10809");
        assertEquals(2, refused.exit());
        assertTrue(refused.err().contains("plain TCP on 192.0.2.1:10809 would show guest data"), refused.err());

        // Nor on a name that only looks as if nobody else could reach it.
        Path hosts = Files.writeString(folder.resolve("hosts"), "192.0.2.1 localhost\n");
        Tool.Result misled = Tool.run(
                "env",
                "BLOCKSEAL_JAVA_OPTS=-Djdk.net.hosts.file=" + hosts,
                Blockseal.launcher(),
                "serve",
                folder.resolve("demo.bsl"),
                "--key-file",
                Server.key(folder),
                "--state-dir",
                folder.resolve("state"),
                "--control",
                "off",
                "--listen",
                "localhost:10809");
        assertEquals(6, misled.exit(), misled.all());
        assertTrue(misled.err().contains("the name stands for 192.0.2.1 here, which others can reach"), misled.err());
    }
}
