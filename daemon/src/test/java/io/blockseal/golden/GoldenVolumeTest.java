package io.blockseal.golden;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.file.FileKeySource;
import io.blockseal.keysource.passphrase.PassphraseKeySource;
import io.blockseal.keysource.passphrase.PassphrasePolicy;
import io.blockseal.keysource.recovery.RecoveryKeySource;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.check.VolumeChecker;
import io.blockseal.volume.metadata.VolumeStores;
import java.io.IOException;
import java.io.InputStream;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Volumes that version 1 made open for ever: with every kind of key, with either engine, and without us. If this fails
 * the code is wrong, never the files; see golden/README.md.
 */
class GoldenVolumeTest {
    private static final String KEY_FILE = "key-file.txt";
    private static final String PASSPHRASE = "passphrase.txt";
    private static final String RECOVERY_KEY = "recovery-key.txt";

    @TempDir
    private Path directory;

    /** The files of a volume, and what is in it; {@code meta} is null if the metadata is in-band. */
    private record Golden(Path data, Path meta, GoldenContents contents) {}

    @BeforeEach
    void copyKeys() throws Exception {
        for (String name : List.of(KEY_FILE, PASSPHRASE, RECOVERY_KEY)) {
            try (InputStream in = resource(name)) {
                Files.copy(in, directory.resolve(name));
            }
            // A key file must be its owner's alone; a checkout does not know that.
            Files.setPosixFilePermissions(directory.resolve(name), PosixFilePermissions.fromString("rw-------"));
        }
    }

    @ParameterizedTest
    @CsvSource({
        "java, units4096, key-file.txt, 0",
        "java, units4096, passphrase.txt, 1",
        "java, units4096, recovery-key.txt, 2",
        "java, units512, key-file.txt, 0",
        "native, units4096, key-file.txt, 0",
        "native, units4096, passphrase.txt, 1",
        "native, units4096, recovery-key.txt, 2",
        "native, units512, key-file.txt, 0"
    })
    void opensWithEveryKeyAndHoldsWhatItHeld(String engine, String name, String key, int slot) throws Exception {
        Golden golden = unpack(name);
        try (GoldenRig rig = GoldenRig.withEngine(engine);
                KeySource source = source(rig, key);
                GoldenRig.Opened open = rig.open(
                        rig.stores(golden.data(), golden.meta()), source, OpenOptions.DEFAULT.withKeySlot(slot))) {
            assertEquals(golden.contents().sizeBytes(), open.volume.shape().sizeBytes());
            assertEquals(golden.contents(), golden.contents().readFrom(open::read));
        }
    }

    @ParameterizedTest
    @CsvSource({"java, units4096", "native, units4096", "java, units512", "native, units512"})
    void takesNewDataAndIsStillSound(String engine, String name) throws Exception {
        Golden golden = unpack(name);
        // Beside data, and where the range's DEK is older than this release.
        long offset = golden.contents().stretches().get(1).offset();
        byte[] data = new byte[10_000];
        Arrays.fill(data, (byte) 0x5a);
        try (GoldenRig rig = GoldenRig.withEngine(engine);
                KeySource key = source(rig, KEY_FILE)) {
            try (GoldenRig.Opened open = rig.open(rig.stores(golden.data(), golden.meta()), key, OpenOptions.DEFAULT)) {
                open.write(offset, data);
            }
            try (GoldenRig.Opened open = rig.open(rig.stores(golden.data(), golden.meta()), key, OpenOptions.DEFAULT)) {
                assertArrayEquals(data, open.read(offset, data.length));
                GoldenContents before =
                        new GoldenContents(List.of(golden.contents().stretches().get(0)));
                assertEquals(before, before.readFrom(open::read));
            }
            VolumeStores stores = rig.stores(golden.data(), golden.meta());
            assertEquals(
                    List.of(),
                    VolumeChecker.check(rig.engine, stores, List.of(key)).findings());
            stores.close();
        }
    }

    @ParameterizedTest
    @CsvSource({
        "units4096, --key-file, key-file.txt",
        "units4096, --passphrase-file, passphrase.txt",
        "units4096, --recovery-key-file, recovery-key.txt",
        "units512, --key-file, key-file.txt"
    })
    void isReadByTheReaderThatSharesNoCode(String name, String option, String key) throws Exception {
        assumeTrue(hasPython(), "python3 is not installed");
        Golden golden = unpack(name);
        Path image = directory.resolve("image");
        List<String> command = new ArrayList<>(List.of(
                "python3",
                "-B",
                script().toString(),
                golden.data().toString(),
                "-o",
                image.toString(),
                option,
                directory.resolve(key).toString()));
        if (golden.meta() != null) {
            command.addAll(List.of("--meta", golden.meta().toString()));
        }
        Path log = directory.resolve("reader.log");
        Process reader = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        assertTrue(reader.waitFor(5, TimeUnit.MINUTES), "the reader hangs");
        String said = Files.readString(log);
        assumeTrue(!said.contains("needs libargon2 or OpenSSL 3.2"), said);
        assertEquals(0, reader.exitValue(), said);
        try (RandomAccessFile file = new RandomAccessFile(image.toFile(), "r")) {
            assertEquals(golden.contents().sizeBytes(), file.length());
            assertEquals(golden.contents(), golden.contents().readFrom((offset, length) -> {
                byte[] bytes = new byte[length];
                file.seek(offset);
                file.readFully(bytes);
                return bytes;
            }));
        }
    }

    private KeySource source(GoldenRig rig, String key) throws Exception {
        Path path = directory.resolve(key);
        byte[] content = Files.readAllBytes(path);
        return switch (key) {
            case KEY_FILE -> FileKeySource.ofFile(path, rig.engine);
            case PASSPHRASE -> new PassphraseKeySource(rig.engine, content::clone, PassphrasePolicy.DEFAULT);
            case RECOVERY_KEY -> RecoveryKeySource.typed(rig.engine, content::clone);
            default -> throw new IllegalArgumentException(key);
        };
    }

    private Golden unpack(String name) throws Exception {
        boolean detached = name.equals("units512");
        Path data = directory.resolve("data");
        Path meta = detached ? directory.resolve("meta") : null;
        unpack(name + (detached ? ".data.gz" : ".volume.gz"), data);
        if (meta != null) {
            unpack(name + ".meta.gz", meta);
        }
        try (InputStream in = resource(name + ".contents")) {
            String text = new String(in.readAllBytes(), StandardCharsets.US_ASCII);
            return new Golden(data, meta, GoldenContents.parse(text.lines().toList()));
        }
    }

    private static void unpack(String name, Path file) throws IOException {
        try (InputStream in = resource(name)) {
            SparseArchive.unpack(in, file);
        }
    }

    private static InputStream resource(String name) {
        return Objects.requireNonNull(GoldenVolumeTest.class.getResourceAsStream("/golden/v1/" + name), name);
    }

    private static boolean hasPython() throws InterruptedException {
        try {
            return new ProcessBuilder("python3", "-c", "import ctypes").start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        }
    }

    private static Path script() {
        Path fromModule = Path.of("..", "scripts", "blockseal-reader.py");
        return Files.exists(fromModule) ? fromModule : Path.of("scripts", "blockseal-reader.py");
    }
}
