package io.blockseal.keysource.file;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContract;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.PrivateFile;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.UUID;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A key file opens its volume in either form, and is refused when others may have had it. */
class FileKeySourceTest extends KeySourceContract {
    private static final byte[] RAW = sha256("a key");
    private static final String HEX = HexFormat.of().formatHex(RAW);

    @TempDir
    private Path folder;

    private Path key;

    @BeforeEach
    void write() throws IOException {
        key = write("db.key", HEX + "\n");
    }

    private Path write(String name, String content) throws IOException {
        return write(name, content.getBytes(StandardCharsets.ISO_8859_1));
    }

    private Path write(String name, byte[] content) throws IOException {
        Path path = Files.write(folder.resolve(name), content);
        return Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rw-------"));
    }

    private static byte[] sha256(String text) {
        try {
            return MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        } catch (java.security.NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    protected KeySource source() {
        return FileKeySource.ofFile(key, engine);
    }

    @Override
    protected KeySource otherSource() throws IOException {
        return FileKeySource.ofFile(write("other.key", sha256("another key")), engine);
    }

    private WrappedKey wrapUnder(Path path, Secret volumeKey) throws KeySourceException {
        try (KeySource source = FileKeySource.ofFile(path, engine)) {
            return source.wrap(volumeKey, binding);
        }
    }

    private String refusal(Path path) {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            return assertThrows(KeySourceException.class, () -> wrapUnder(path, volumeKey))
                    .getMessage();
        }
    }

    private void assertRefused(String content, String expected) throws IOException {
        String message = refusal(write("bad.key", content));
        assertTrue(message.contains(expected), message);
        assertTrue(message.contains("bad.key"), message);
    }

    @Test
    void bothFormsAreOneKey() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            byte[] expected = wrapUnder(key, volumeKey).blob();
            assertArrayEquals(expected, wrapUnder(write("a", HEX), volumeKey).blob());
            assertArrayEquals(
                    expected,
                    wrapUnder(write("b", HEX.toUpperCase(java.util.Locale.ROOT)), volumeKey)
                            .blob());
            assertArrayEquals(expected, wrapUnder(write("c", RAW), volumeKey).blob());
        }
    }

    @Test
    void doesNotOpenASlotThatWasMovedToAnotherVolume() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = source()) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            Binding other = new Binding(UUID.fromString("01234567-89ab-cdef-0123-456789abcdee"));
            assertThrows(WrongKeyException.class, () -> source.unwrap(wrapped, other));
        }
    }

    @Test
    void refusesWrongSizesAndSaysWhatItFound() throws IOException {
        String raw = new String(RAW, StandardCharsets.ISO_8859_1);
        assertRefused("", "is empty");
        assertRefused(raw.substring(1), "holds 31 bytes");
        assertRefused(raw + "\n", "32 bytes and a line feed");
        assertRefused(raw + "xx", "holds 34 bytes");
        assertRefused(HEX.substring(1), "holds 63 bytes");
        assertRefused(HEX.substring(0, 32), "half a key");
        assertRefused(HEX + "\r\n", "as Windows does");
        assertRefused(HEX + "\n\n", "is longer");
        assertRefused(HEX + HEX, "is longer");
        assertRefused(HEX.substring(0, 63) + "g", "not all hexadecimal");
        assertRefused("\0".repeat(32), "32 equal bytes");
        assertRefused("00".repeat(32), "32 equal bytes");
    }

    @Test
    void neverShowsTheKeyInAMessage() throws IOException {
        String message = refusal(write("bad.key", HEX.substring(0, 60)));
        assertTrue(!message.contains(HEX.substring(0, 8)), message);
    }

    @Test
    void refusesWhatOthersMayReadOrWrite() throws IOException {
        for (String mode : new String[] {"rw-rw----", "rw--w----", "rw----r--", "rw-----w-", "rwxrwxrwx"}) {
            Files.setPosixFilePermissions(key, PosixFilePermissions.fromString(mode));
            String message = refusal(key);
            assertTrue(message.contains("chmod 600"), message);
        }
        Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("r--------"));
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            assertDoesNotThrow(() -> wrapUnder(key, volumeKey));
        }
    }

    @Test
    void refusesFilesOfOtherUsers() {
        Path path = Path.of("/k");
        assertNull(PrivateFile.check(0100600, 1000, 1000, 1000, 1000, path));
        assertNull(PrivateFile.check(0100600, 0, 0, 1000, 1000, path));
        String wrong = PrivateFile.check(0100600, 1001, 1000, 1000, 1000, path);
        assertTrue(wrong != null && wrong.contains("chown it to 1000"), wrong);
        wrong = PrivateFile.check(0100600, 1000, 0, 0, 0, path);
        assertTrue(wrong != null && wrong.contains("belongs to user 1000"), wrong);
    }

    /** As root hands a service its secrets. */
    @ParameterizedTest
    @CsvSource({
        // mode, owner, group, we, our group
        "640, 0, 999, 998, 999, ",
        "440, 0, 999, 998, 999, ",
        "640, 0, 0, 0, 0, ",
        "640, 0, 999, 0, 0, ",
        "660, 0, 999, 998, 999, chgrp 999 /k && chmod 640 /k",
        "644, 0, 999, 998, 999, chgrp 999 /k && chmod 640 /k",
        "650, 0, 999, 998, 999, chgrp 999 /k && chmod 640 /k",
        "640, 0, 997, 998, 999, chgrp 999 /k && chmod 640 /k",
        "640, 998, 999, 998, 999, chmod 600 /k",
        "644, 0, 0, 0, 0, chmod 600 /k",
        "660, 0, 999, 0, 0, chmod 600 /k",
    })
    void letsOurGroupReadWhatRootOwns(String mode, int uid, int gid, int ourUid, int ourGid, String mend) {
        String wrong = PrivateFile.check(0100000 | Integer.parseInt(mode, 8), uid, gid, ourUid, ourGid, Path.of("/k"));
        assertEquals(
                mend == null ? null : "may be used by others (mode " + mode + "): " + mend,
                wrong == null ? null : wrong.substring(0, wrong.indexOf(", and if others")));
    }

    @Test
    void refusesWhatIsNoFile() {
        assertTrue(refusal(folder).contains("not a regular file"));
        KeySourceException missing;
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            missing = assertThrows(KeySourceException.class, () -> wrapUnder(folder.resolve("missing"), volumeKey));
        }
        assertEquals(KeySourceException.Kind.UNREACHABLE, missing.kind());
    }

    @Test
    void followsLinksWithinTheDirectoryOnly(@TempDir Path elsewhere) throws IOException {
        Path near = Files.createSymbolicLink(folder.resolve("near"), Path.of("db.key"));
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            assertDoesNotThrow(() -> wrapUnder(near, volumeKey));
        }
        Path far = Files.createSymbolicLink(elsewhere.resolve("far"), key);
        assertTrue(refusal(far).contains("symbolic link to another directory"));
    }

    @Test
    void asksForTheFileOnlyWhenItIsNeeded() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey wrapped = wrapped(volumeKey);
            Path later = folder.resolve("later.key");
            try (KeySource source = FileKeySource.ofFile(later, engine)) {
                assertTrue(source.mayOpen(wrapped));
                Files.move(key, later);
                source.unwrap(wrapped, binding).close();
                Files.delete(later);
                source.unwrap(wrapped, binding).close();
            }
        }
    }

    @Test
    void shortensAPathThatNoSlotHolds() throws Exception {
        Path deep = folder;
        for (int i = 0; i < 3; i++) {
            deep = Files.createDirectory(deep.resolve("d".repeat(100)));
        }
        try (KeySource source = FileKeySource.ofFile(deep.resolve("db.key"), engine)) {
            assertEquals("file:db.key", source.reference());
        }
    }

    @Nested
    class FromElsewhere {
        @Test
        void saysWhereItLookedForACredential() throws Exception {
            try (KeySource source = FileKeySource.ofCredential(folder, "nope", engine);
                    Secret key = Secret.random(engine.keys(), 32)) {
                KeySourceException failed = assertThrows(KeySourceException.class, () -> source.wrap(key, binding));
                assertEquals(KeySourceException.Kind.MISCONFIGURED, failed.kind());
                assertEquals(
                        "credential nope is not in " + folder
                                + ", which $CREDENTIALS_DIRECTORY names. systemd puts there"
                                + " what the unit has as LoadCredential=nope:PATH or LoadCredentialEncrypted=nope:PATH",
                        failed.getMessage());
            }
        }

        @Test
        void readsACredentialWhateverItsMode() throws Exception {
            Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("r--r-----"));
            try (Secret volumeKey = Secret.random(engine.keys(), 32);
                    KeySource source = FileKeySource.ofCredential(folder, "db.key", engine)) {
                WrappedKey wrapped = source.wrap(volumeKey, binding);
                assertEquals("credential:db.key", wrapped.reference());
                Files.setPosixFilePermissions(key, PosixFilePermissions.fromString("r--------"));
                try (KeySource file = source()) {
                    file.unwrap(wrapped, binding).close();
                }
            }
        }

        @Test
        void readsAPipeThatDeliversInPieces() throws Exception {
            Path pipe = folder.resolve("pipe");
            assertEquals(
                    0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
            Process writer = new ProcessBuilder(
                            "sh",
                            "-c",
                            "exec >\"$1\"; printf %s \"$2\"; printf '%s\\n' \"$3\"",
                            "sh",
                            pipe.toString(),
                            HEX.substring(0, 20),
                            HEX.substring(20))
                    .start();
            try (Secret secret = KeyFile.readUnchecked(pipe, "pipe", engine);
                    Secret expected = KeyFile.read(key, engine)) {
                assertTrue(engine.keys().same(expected.key(), secret.key()));
            }
            assertEquals(0, writer.waitFor());
        }

        @Test
        void readsADescriptorThatIsOpen() throws Exception {
            // The descriptor of a file that we hold open; its number is found in /proc.
            try (var open = java.nio.channels.FileChannel.open(key);
                    var descriptors = Files.list(Path.of("/proc/self/fd"))) {
                assertTrue(open.isOpen());
                Path real = key.toRealPath();
                int number = descriptors
                        .filter(path -> {
                            try {
                                return Files.readSymbolicLink(path).equals(real);
                            } catch (IOException e) {
                                return false;
                            }
                        })
                        .mapToInt(path -> Integer.parseInt(path.getFileName().toString()))
                        .findFirst()
                        .orElseThrow();
                try (Secret volumeKey = Secret.random(engine.keys(), 32);
                        KeySource source = FileKeySource.ofDescriptor(number, engine)) {
                    WrappedKey wrapped = source.wrap(volumeKey, binding);
                    try (KeySource file = source()) {
                        file.unwrap(wrapped, binding).close();
                    }
                }
            }
        }
    }

    @Nested
    class ANewKeyFile {
        @Test
        void isItsOwnersAloneAndOpensAtOnce() throws Exception {
            Path fresh = folder.resolve("fresh.key");
            KeyFile.create(fresh, engine);
            assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(fresh)));
            assertTrue(Files.readString(fresh).matches("[0-9a-f]{64}\n"));
            try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
                wrapUnder(fresh, volumeKey);
            }
            Path second = folder.resolve("second.key");
            KeyFile.create(second, engine);
            assertNotEquals(Files.readString(fresh), Files.readString(second));
        }

        @Test
        void neverReplacesAnOldOne() throws IOException {
            String before = Files.readString(key);
            String message = assertThrows(KeySourceException.class, () -> KeyFile.create(key, engine))
                    .getMessage();
            assertTrue(message.contains("never overwritten"), message);
            assertEquals(before, Files.readString(key));
        }

        @Test
        void isRefusedWhereThereIsNoDirectory() {
            assertThrows(KeySourceException.class, () -> KeyFile.create(folder.resolve("missing/db.key"), engine));
        }
    }
}
