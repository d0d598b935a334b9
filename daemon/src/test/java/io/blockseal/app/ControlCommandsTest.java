package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.console.ExitCode;
import io.blockseal.app.daemon.Daemon;
import io.blockseal.config.ControlConfig;
import io.blockseal.config.DaemonConfig;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Verbs on a volume that is served, and the same verbs on it when it is not. */
@Timeout(120)
class ControlCommandsTest {
    @TempDir
    private Path directory;

    private Cli cli;

    @BeforeEach
    void create() {
        cli = new Cli(directory);
        cli.ok("create", "./demo.bsl", "--size", "256M", "--key-file", "./demo.key");
    }

    private Daemon serve() throws Exception {
        DaemonConfig config = cli.configuration("path: ./demo.bsl, key-file: ./demo.key");
        assertEquals(new ControlConfig(true, cli.path("c.sock"), Set.of()), config.control());
        return Daemon.start(config);
    }

    @Test
    void sayTheSameWhetherItIsServedOrNot() throws Exception {
        try (Daemon daemon = serve()) {
            assertTrue(daemon.addresses().contains("n.sock"));
            String served = cli.ok("info", "./demo.bsl", "--json", "--control", "./c.sock")
                    .out();
            String slots =
                    cli.ok("key", "list", "./demo.bsl", "--control", "./c.sock").out();
            String text = cli.ok("info", "./demo.bsl", "--control", "./c.sock").out();
            daemon.close();
            assertEquals(cli.ok("info", "./demo.bsl", "--json").out(), served);
            assertEquals(cli.ok("info", "./demo.bsl").out(), text);
            assertEquals(cli.ok("key", "list", "./demo.bsl").out(), slots);
        }
    }

    @Test
    void changeKeysOfAVolumeWhileItIsServed() throws Exception {
        Files.writeString(cli.path("pass"), "correct horse battery staple\n");
        try (Daemon daemon = serve()) {
            assertTrue(daemon.addresses().contains("n.sock"));
            Cli.Result added = cli.ok(
                    "key",
                    "add",
                    "./demo.bsl",
                    "--key-file",
                    "./demo.key",
                    "--new-key-file",
                    "./two.key",
                    "--label",
                    "laptop",
                    "--control",
                    "./c.sock");
            assertEquals(
                    cli.path("demo.bsl") + ": key slot 1: key file " + cli.path("two.key") + " (made now, mode 0600)\n",
                    added.out());
            cli.ok(
                    "key",
                    "add",
                    "demo",
                    "--key-file",
                    "./two.key",
                    "--new-passphrase-file",
                    "./pass",
                    "--control",
                    "./c.sock");
            Cli.Result wrong = cli.run(
                    "key",
                    "add",
                    "demo",
                    "--passphrase-file",
                    "./c.yaml",
                    "--new-key-file",
                    "./no.key",
                    "--control",
                    "./c.sock");
            assertEquals(ExitCode.WRONG_KEY.number(), wrong.exitCode(), wrong.all());
            assertFalse(Files.exists(cli.path("no.key")), "a key file that opens nothing stays behind");
            cli.ok("key", "remove", "demo", "--slot", "0", "--control", "./c.sock");
            Cli.Result grown = cli.run("resize", "demo", "--size", "1G", "--control", "./c.sock");
            assertEquals(ExitCode.IN_USE.number(), grown.exitCode());
            assertTrue(grown.err().contains("Stop serving it, resize it"), grown.err());
            Cli.Result status = cli.ok("status", "--control", "./c.sock");
            assertTrue(status.out().startsWith("demo: " + cli.path("demo.bsl") + ", open, 256 MiB, "), status.out());
            assertEquals(
                    "no jobs\n", cli.ok("job", "list", "--control", "./c.sock").out());
        }
        cli.ok("check", "./demo.bsl", "--key-file", "./two.key");
        cli.ok("check", "./demo.bsl", "--passphrase-file", "./pass");
        assertEquals(
                ExitCode.WRONG_KEY.number(),
                cli.run("check", "./demo.bsl", "--key-file", "./demo.key").exitCode());
        String key = Files.readString(cli.path("two.key")).strip();
        for (String secret : new String[] {
            key, Base64.getEncoder().encodeToString(Files.readAllBytes(cli.path("two.key"))), "battery staple"
        }) {
            assertFalse(cli.everythingPrinted().contains(secret), "a secret was printed or logged");
        }
    }

    /** Who names the key of another volume has perhaps named the wrong volume as well. */
    @Test
    void destroyNothingByAKeyThatDoesNotOpenTheVolume() throws Exception {
        cli.ok("create", "./other.bsl", "--size", "64M", "--key-file", "./other.key");
        try (Daemon daemon = serve();
                Guest guest = Guest.connect(daemon, 1)) {
            guest.fill();
            String before = ranges();
            for (String order :
                    List.of("shred demo --range 0", "rotate-dek demo --all", "key remove demo --slot 0 --force")) {
                Cli.Result refused = cli.served((order + " --key-file ./other.key").split(" "));
                assertEquals(ExitCode.WRONG_KEY.number(), refused.exitCode(), order + refused.all());
                assertTrue(refused.err().contains("no key slot opens with the given keys"), refused.err());
            }
            assertEquals(before, ranges());
            guest.requireAllRight();
            assertEquals(
                    0,
                    cli.served("shred", "demo", "--range", "0", "--key-file", "./demo.key")
                            .exitCode());
        }
        cli.ok("check", "./demo.bsl", "--key-file", "./demo.key");
    }

    /** Without what changes by itself. */
    private String ranges() throws Exception {
        return cli.served("info", "demo", "--ranges", "--json").out().replaceAll("\"\\w+AgeSeconds\" : \\d+", "");
    }

    @Test
    void sayWhatToDoIfNobodyAnswers() throws Exception {
        try (Daemon daemon = serve()) {
            assertTrue(daemon.addresses().contains("n.sock"));
            Cli.Result refused = cli.run("job", "list", "--control", "./other.sock");
            assertEquals(ExitCode.FAILURE.number(), refused.exitCode());
            assertTrue(refused.err().contains("no daemon answers on " + cli.path("other.sock")), refused.err());
            Cli.Result unknown = cli.run("info", "nosuch", "--control", "./c.sock");
            assertTrue(unknown.err().contains("serves no volume nosuch"), unknown.err());
        }
    }
}
