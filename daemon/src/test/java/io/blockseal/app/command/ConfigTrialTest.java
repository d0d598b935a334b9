package io.blockseal.app.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.blockseal.app.Cli;
import io.blockseal.app.console.ExitCode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** {@code --check-config} finds what a start would stumble over. */
class ConfigTrialTest {
    private static final String KEY = "00112233445566778899aabbccddeeff";

    @TempDir
    Path folder;

    private Cli cli;

    @BeforeEach
    void create() {
        cli = new Cli(folder);
        cli.ok("create", "./a.bsl", "--size", "32M", "--key-file", "./k");
    }

    private Cli.Result check(String text) throws Exception {
        Files.writeString(cli.path("c.yaml"), text.replace("./", folder + "/"));
        return cli.run("serve", "--config", "./c.yaml", "--check-config");
    }

    private void secret(String name, String text) throws Exception {
        Files.writeString(cli.path(name), text);
        Files.setPosixFilePermissions(cli.path(name), PosixFilePermissions.fromString("rw-------"));
    }

    @Test
    void findsNothingWhereAllIsRight() throws Exception {
        secret("keys.psk", "vm3:" + KEY + "\n");
        secret("pass", "words\n");
        Files.copy(cli.path("a.bsl"), cli.path("b.bsl"));
        Files.copy(cli.path("a.bsl"), cli.path("c.bsl"));
        Cli.Result right = check("""
                unix: ./s
                audit-log: ./audit.log
                tls: {psk-file: ./keys.psk}
                volumes:
                  - path: ./a.bsl
                    key-file: ./k
                    access:
                      - {psk: vm3, mode: read-only}
                  - {path: ./b.bsl, passphrase-file: ./pass}
                  - {path: ./c.bsl, credential: nobody-knows}
                """);
        assertEquals(0, right.exitCode(), right.all());
        assertEquals(
                cli.path("c.yaml") + ": the configuration is right (tried as the user "
                        + System.getProperty("user.name") + ").\n",
                right.out());
        assertFalse(Files.exists(cli.path("audit.log")), "nothing is changed");
    }

    @Test
    void tellsAllThatIsMissingOrUnfit() throws Exception {
        Files.writeString(cli.path("no-volume"), "x".repeat(1 << 20));
        Files.copy(cli.path("k"), cli.path("open"));
        Files.setPosixFilePermissions(cli.path("open"), PosixFilePermissions.fromString("rw-r--r--"));
        Cli.Result wrong = check("""
                unix: ./s
                audit-log: ./nowhere/audit.log
                audit-syslog: ./syslog
                tls: {certificate: ./c.pem, key: ./c.key}
                volumes:
                  - {path: ./gone.bsl, key-file: ./gone.key}
                  - {path: ./no-volume, key-file: ./open}
                  - {path: ./a.bsl, passphrase-file: ./gone.pass}
                """);
        assertEquals(ExitCode.CONFIG.number(), wrong.exitCode(), wrong.all());
        for (String words : List.of(
                "TLS cannot be set up: certificate file ./c.pem is not there",
                "the audit log ./nowhere/audit.log cannot be opened: there is no folder ./nowhere",
                "the audit log's syslog socket ./syslog is not there",
                "export 'gone': ./gone.bsl: no such file",
                "export 'gone': key file ./gone.key does not exist",
                "export 'no-volume': ",
                "not a Blockseal volume",
                "key file ./open may be used by others (mode 644)",
                "export 'a': passphrase file ./gone.pass is not there",
                "Tried as the user " + System.getProperty("user.name"))) {
            assertTrue(wrong.err().contains(words.replace("./", folder + "/")), words + " is not in " + wrong.err());
        }
        assertEquals("", wrong.out());
    }

    @Test
    void readsThePreSharedKeysAndShowsNone() throws Exception {
        secret("keys.psk", "vm3:" + KEY + "\nvm4 " + KEY + "\n");
        Cli.Result wrong = check("""
                unix: ./s
                tls: {psk-file: ./keys.psk}
                volumes:
                  - {path: ./a.bsl, key-file: ./k}
                """);
        assertEquals(ExitCode.CONFIG.number(), wrong.exitCode(), wrong.all());
        assertTrue(wrong.err().contains("keys.psk, line 2: there is no colon"), wrong.err());
        assertFalse(wrong.err().contains(KEY), wrong.err());
    }

    /** The file of keys is taken anew while the daemon runs, and the rule may be there first. */
    @Test
    void warnsOfARuleForAKeyThatIsNotThereYet() throws Exception {
        secret("keys.psk", "vm3:" + KEY + "\n");
        Logger log = (Logger) LoggerFactory.getLogger(ConfigTrial.class);
        ListAppender<ILoggingEvent> said = new ListAppender<>();
        said.start();
        log.addAppender(said);
        Cli.Result right;
        try {
            right = check("""
                    unix: ./s
                    tls: {psk-file: ./keys.psk}
                    volumes:
                      - path: ./a.bsl
                        key-file: ./k
                        access:
                          - {psk: [vm3, vm4], mode: read-only}
                    """);
        } finally {
            log.detachAppender(said);
        }
        assertEquals(0, right.exitCode(), right.all());
        assertEquals(
                List.of(cli.path("c.yaml") + ":7:9: an access rule of export 'a' is for psk 'vm4', and "
                        + cli.path("keys.psk") + " has no key of that name"),
                said.list.stream().map(ILoggingEvent::getFormattedMessage).toList());
    }

    /** Of a start, whose supervisor is not to try again what only an editor can mend. */
    @Test
    void aStartEndsByWhereTlsIsNamedWrongly() throws Exception {
        Files.writeString(cli.path("c.yaml"), """
                unix: ./s
                control: off
                state-dir: ./state
                tls: {certificate: ./c.pem, key: ./c.key}
                volumes:
                  - {path: ./a.bsl, key-file: ./k}
                """.replace("./", folder + "/"));
        Cli.Result byFile = cli.run("serve", "--config", "./c.yaml");
        assertEquals(ExitCode.CONFIG.number(), byFile.exitCode(), byFile.all());
        assertTrue(byFile.err().contains("leave TLS out (tls: mode: off)"), byFile.err());
        Cli.Result byOptions = cli.run(
                "serve",
                "./a.bsl",
                "--key-file",
                "./k",
                "--unix",
                "./s",
                "--control",
                "off",
                "--tls-certificate",
                "./c.pem",
                "--tls-key",
                "./c.key");
        assertEquals(ExitCode.USAGE.number(), byOptions.exitCode(), byOptions.all());
        assertTrue(byOptions.err().contains("c.pem is not there"), byOptions.err());
    }
}
