package io.blockseal.app.tls;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.config.TlsConfig;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.metrics.TlsFigures;
import io.blockseal.server.tls.TestAuthority;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.slf4j.LoggerFactory;

/** The files of TLS: what is taken, what is refused, and what becomes of changes. */
class ServedTlsTest {
    private static final String KEY = "00112233445566778899aabbccddeeff";

    @TempDir
    static Path made;

    static TestAuthority authority;
    static TestAuthority.Pair first;
    static TestAuthority.Pair second;

    @TempDir
    Path folder;

    private final JavaCryptoEngine engine = new JavaCryptoEngine();
    private final TlsFigures figures = new TlsFigures();
    private Path certificate;
    private Path key;

    @BeforeAll
    static void certificates() throws Exception {
        authority = new TestAuthority(made, "ours");
        first = authority.issue("/CN=a", "DNS:a", "serverAuth", 10);
        second = authority.issue("/CN=a", "DNS:a", "serverAuth", 20);
    }

    @BeforeEach
    void putTheFirst() throws Exception {
        certificate = folder.resolve("c.pem");
        key = folder.resolve("k.pem");
        put(first.certificate(), certificate);
        put(first.key(), key);
    }

    /** As an operator ought to: the file is there whole, or not yet. */
    private void put(Path from, Path to) throws Exception {
        Path beside = Files.copy(from, folder.resolve("new"), StandardCopyOption.COPY_ATTRIBUTES);
        Files.move(beside, to, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    }

    private ServedTls open() throws CommandException {
        return ServedTls.open(
                new TlsConfig(TlsConfig.Mode.AUTO, certificate, key, null, false, null), figures, engine.keys(), false);
    }

    private static long end(TestAuthority.Pair pair) throws Exception {
        return pair.chain().get(0).getNotAfter().toInstant().getEpochSecond();
    }

    private String refusal() {
        CommandException refused = assertThrows(CommandException.class, this::open);
        assertEquals(ExitCode.USAGE, refused.exitCode());
        return refused.getMessage();
    }

    @Test
    void areNotLookedAtWithoutTls() throws Exception {
        assertNull(ServedTls.open(TlsConfig.NONE, figures, engine.keys(), true));
        Path nowhere = folder.resolve("nowhere");
        assertNull(ServedTls.open(
                new TlsConfig(TlsConfig.Mode.OFF, nowhere, nowhere, null, false, null), figures, engine.keys(), true));
    }

    @Test
    void areTakenAnewTogetherWhenTheyHaveChanged() throws Exception {
        ServedTls tls = open();
        assertEquals(end(first), figures.certificateEndSeconds());
        tls.lookAgain();
        assertEquals(end(first), figures.certificateEndSeconds());

        put(second.key(), key);
        tls.lookAgain();
        assertEquals(end(first), figures.certificateEndSeconds(), "the two do not fit together yet");
        put(second.certificate(), certificate);
        tls.lookAgain();
        assertEquals(end(second), figures.certificateEndSeconds());
    }

    @Test
    void stayInForceWhenTheyAreGone() throws Exception {
        ServedTls tls = open();
        Files.delete(key);
        tls.lookAgain();
        assertEquals(end(first), figures.certificateEndSeconds());
        put(first.key(), key);
        tls.lookAgain();
        assertEquals(end(first), figures.certificateEndSeconds());
    }

    @Test
    void mayNotBeReadableForOthersIfTheyAreSecret() throws Exception {
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("rw-r--r--"));
        assertTrue(refusal().contains("may be used by others"), refusal());
    }

    @Test
    void haveToFitTogether() throws Exception {
        put(second.key(), key);
        assertTrue(refusal().contains("is not that of the first certificate in"), refusal());
    }

    @Test
    void haveToBeThereAndToBePem() throws Exception {
        Files.writeString(certificate, "nonsense");
        assertTrue(refusal().contains("certificate file " + certificate), refusal());
        put(first.certificate(), certificate);
        Files.delete(key);
        assertTrue(refusal().contains(key + " does not exist"), refusal());
    }

    @Test
    void areSaidToBeMissingAndNotByTheirPathAlone() throws Exception {
        Files.delete(certificate);
        assertTrue(refusal().contains("certificate file " + certificate + " is not there\n"), refusal());
    }

    /** Those of a configuration are mended there, and not on the command line. */
    @Test
    void areTheConfigurationsFaultIfItNamesThem() throws Exception {
        Files.delete(certificate);
        CommandException refused = assertThrows(
                CommandException.class,
                () -> ServedTls.open(
                        new TlsConfig(TlsConfig.Mode.AUTO, certificate, key, null, false, null),
                        figures,
                        engine.keys(),
                        true));
        assertEquals(ExitCode.CONFIG, refused.exitCode());
        assertTrue(refused.getMessage().endsWith("leave TLS out (tls: mode: off)."), refused.getMessage());
        assertTrue(refusal().endsWith("leave TLS out (--tls-mode off)."), refusal());
    }

    @Test
    void areToldApartWhenTheyCannotBeUsed() throws Exception {
        String pem = Files.readString(certificate);
        Files.writeString(certificate, pem.substring(0, pem.length() / 2));
        assertTrue(refusal().contains("it is cut off: an END CERTIFICATE is missing"), refusal());
        Files.writeString(certificate, pem + pem.substring(0, pem.length() / 2));
        assertTrue(refusal().contains("it is cut off: an END CERTIFICATE is missing"), refusal());
        Files.writeString(certificate, "");
        assertTrue(refusal().contains("it is empty"), refusal());
        Files.writeString(certificate, Files.readString(key));
        assertTrue(refusal().contains("this is a private key; are key and certificate swapped?"), refusal());

        Files.writeString(certificate, pem);
        String secret = Files.readString(key);
        Files.writeString(key, pem);
        assertTrue(refusal().contains("this is a certificate; are key and certificate swapped?"), refusal());
        Files.writeString(key, "\n");
        assertTrue(refusal().contains("private key file " + key + " cannot be used: it is empty"), refusal());
        Files.writeString(key, secret.substring(0, secret.length() / 2));
        assertTrue(refusal().contains("it is cut off: there is no END PRIVATE KEY in it"), refusal());
        Files.writeString(key, secret.replace("KEY-----\n", "KEY-----\n!\n"));
        assertTrue(refusal().contains("what stands between its BEGIN and END is no private key"), refusal());
        Files.writeString(key, "nonsense");
        assertTrue(refusal().contains("there is no 'BEGIN PRIVATE KEY' in it"), refusal());
        assertFalse(refusal().contains(secret.substring(40, 60)), refusal());
    }

    @Test
    void areSaidToBeEncryptedInEitherForm() throws Exception {
        Path plain = folder.resolve("plain");
        put(key, plain);
        for (String[] how : new String[][] {{"pkey"}, {"ec"}}) {
            run("openssl", how[0], "-aes256", "-passout", "pass:x", "-in", plain.toString(), "-out", key.toString());
            assertTrue(refusal().contains("it is encrypted with a passphrase; decrypt it: openssl pkey"), refusal());
        }
    }

    @Test
    void areWarnedOfWhenTheyAreNotForServers() throws Exception {
        String words = "is not one for servers, clients will refuse it";
        assertEquals(0, warnings(words));
        TestAuthority.Pair client = authority.issue("/CN=b", "DNS:b", "clientAuth", 10);
        put(client.certificate(), certificate);
        put(client.key(), key);
        assertEquals(1, warnings(words));
        TestAuthority.Pair both = authority.issue("/CN=b", "DNS:b", "clientAuth,serverAuth", 10);
        put(both.certificate(), certificate);
        put(both.key(), key);
        assertEquals(0, warnings(words));
    }

    /** How many warnings of those words come at a start. */
    private long warnings(String words) throws Exception {
        Logger log = (Logger) LoggerFactory.getLogger(ServedTls.class);
        ListAppender<ILoggingEvent> said = new ListAppender<>();
        said.start();
        log.addAppender(said);
        try {
            open();
        } finally {
            log.detachAppender(said);
        }
        return said.list.stream()
                .filter(each -> each.getLevel() == Level.WARN)
                .filter(each -> each.getFormattedMessage().contains(words))
                .count();
    }

    /** What certtool and older versions of openssl write. */
    @Test
    void mayHaveTheirKeyInTheOldForms() throws Exception {
        Path old = folder.resolve("old.pem");
        run("openssl", "ec", "-in", key.toString(), "-out", old.toString());
        assertTrue(Files.readString(old).contains("BEGIN EC PRIVATE KEY"));
        Files.setPosixFilePermissions(old, PosixFilePermissions.fromString("rw-------"));
        put(old, key);
        open();

        Path rsa = folder.resolve("rsa.pem");
        run("openssl", "genrsa", "-traditional", "-out", rsa.toString(), "2048");
        assertTrue(Files.readString(rsa).contains("BEGIN RSA PRIVATE KEY"));
        run("openssl", "req", "-x509", "-key", rsa.toString(), "-subj", "/CN=a", "-out", certificate.toString());
        Files.setPosixFilePermissions(rsa, PosixFilePermissions.fromString("rw-------"));
        put(rsa, key);
        open();
    }

    private ServedTls openKeys(Path file) throws CommandException {
        return ServedTls.open(
                new TlsConfig(TlsConfig.Mode.AUTO, null, null, null, false, file), figures, engine.keys(), false);
    }

    private Path keys(String text) throws Exception {
        Path file = Files.writeString(folder.resolve("keys.psk"), text);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    @Test
    void mayBePreSharedKeysAlone() throws Exception {
        openKeys(keys("vm3:" + KEY + "\r\n\n#766d343a:" + KEY.toUpperCase(Locale.ROOT) + "\nvm5:" + KEY + KEY + KEY
                + KEY.replace("00", "01")));
        assertEquals(0, figures.certificateEndSeconds());
        Map<String, Secret> read = PskFile.read(folder.resolve("keys.psk"), engine.keys());
        assertEquals(Set.of("vm3", "vm4:", "vm5"), read.keySet());
        ServedKeys served = new ServedKeys(engine.keys());
        served.replace(read);
        assertArrayEquals(HexFormat.of().parseHex(KEY), served.copyOf("vm4:"));
        assertEquals(64, served.copyOf("vm5").length);
        served.replace(Map.of());
        assertNull(served.copyOf("vm3"));
        assertFalse(served.has("vm3"));
        assertThrows(IllegalStateException.class, () -> read.get("vm3").key(), "wiped");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "vm3 KEY| there is no colon",
                ":KEY| the name is not UTF-8 of 1 to 128 bytes",
                "#76zz:KEY| not hexadecimal behind #",
                "#7:KEY| not hexadecimal behind #",
                "vm3:KEY0| has 33 digits",
                "vm3:00| has 2 digits",
                "vm3:KEYKEYKEYKEYKEY| has 160 digits",
                "vm3:KEYgg| is not hexadecimal",
                "vm3:KEYKEYKEYKEY| has two equal halves",
                "vm2:KEY| there is a key of the same name before",
                "KEY:vm3| the key has 3 digits",
                "KEY:zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz| is not hexadecimal",
                "#KEY:vm3| the name is not UTF-8"
            })
    void doNotShowAKeyWhenALineIsWrong(String line, String words) throws Exception {
        Path file = keys("vm1:" + KEY + "\nvm2:" + KEY + "\n" + line.replace("KEY", KEY) + "\n");
        CommandException refused = assertThrows(CommandException.class, () -> openKeys(file));
        assertEquals(ExitCode.USAGE, refused.exitCode());
        assertTrue(refused.getMessage().contains("PSK file " + file + ", line 3: "), refused.getMessage());
        assertTrue(refused.getMessage().contains(words), refused.getMessage());
        assertFalse(refused.getMessage().contains(KEY), refused.getMessage());
    }

    @Test
    void mayNotBeReadableForOthersIfTheyArePreSharedKeys() throws Exception {
        Path file = keys("vm3:" + KEY + "\n");
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r--r--"));
        CommandException refused = assertThrows(CommandException.class, () -> openKeys(file));
        assertTrue(refused.getMessage().contains("may be used by others"), refused.getMessage());
        Path empty = keys("\n");
        refused = assertThrows(CommandException.class, () -> openKeys(empty));
        assertTrue(refused.getMessage().contains("has no key in it"), refused.getMessage());
    }

    private void run(String... command) throws Exception {
        Path said = folder.resolve("said");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
        assertEquals(0, process.waitFor(), () -> String.join(" ", command) + " " + said);
    }
}
