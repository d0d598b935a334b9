package io.blockseal.app.tls;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

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
                new TlsConfig(TlsConfig.Mode.AUTO, certificate, key, null, false, null), figures, engine.keys());
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
        assertNull(ServedTls.open(TlsConfig.NONE, figures, engine.keys()));
        Path nowhere = folder.resolve("nowhere");
        assertNull(ServedTls.open(
                new TlsConfig(TlsConfig.Mode.OFF, nowhere, nowhere, null, false, null), figures, engine.keys()));
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
                new TlsConfig(TlsConfig.Mode.AUTO, null, null, null, false, file), figures, engine.keys());
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
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
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
