package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.config.TlsConfig;
import io.blockseal.metrics.TlsFigures;
import io.blockseal.server.tls.TestAuthority;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The files of TLS: what is taken, what is refused, and what becomes of changes. */
class ServedTlsTest {
    @TempDir
    static Path made;

    static TestAuthority authority;
    static TestAuthority.Pair first;
    static TestAuthority.Pair second;

    @TempDir
    Path folder;

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
        return ServedTls.open(new TlsConfig(TlsConfig.Mode.AUTO, certificate, key, null, false), figures);
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
        assertNull(ServedTls.open(TlsConfig.NONE, figures));
        Path nowhere = folder.resolve("nowhere");
        assertNull(ServedTls.open(new TlsConfig(TlsConfig.Mode.OFF, nowhere, nowhere, null, false), figures));
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

    private void run(String... command) throws Exception {
        Path said = folder.resolve("said");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(said.toFile())
                .start();
        assertEquals(0, process.waitFor(), () -> String.join(" ", command) + " " + said);
    }
}
