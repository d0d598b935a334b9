package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.format.RootBlock;
import io.blockseal.job.JobControl;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.file.FileKeySource;
import io.blockseal.keysource.file.KeyFile;
import io.blockseal.keysource.passphrase.Argon2Cost;
import io.blockseal.keysource.passphrase.PassphraseKeySource;
import io.blockseal.keysource.passphrase.PassphrasePolicy;
import io.blockseal.keysource.recovery.RecoveryKeySource;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreOptions;
import io.blockseal.store.file.FileStores;
import io.blockseal.volume.metadata.VolumeStores;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The format is documented when somebody else's reader reads it: {@code scripts/blockseal-reader.py} shares no code with
 * us, and must find what we wrote, by every kind of key.
 */
class PythonReaderTest {
    private static final int RANGES = 70;
    private static final byte[] PASSPHRASE = "correct horse battery".getBytes(StandardCharsets.UTF_8);

    private final VolumeFixture fixture = new VolumeFixture();
    private final FileStores files = FileStores.withJdk(new JvmMemorySource());

    @TempDir
    Path directory = Path.of("unset");

    private Path volumeFile = Path.of("unset");
    private Path keyFile = Path.of("unset");
    private Path recoveryFile = Path.of("unset");
    private Path passphraseFile = Path.of("unset");
    private byte[] expected = {};

    private record Outcome(int status, String output) {}

    @BeforeAll
    static void findPython() throws Exception {
        boolean found;
        try {
            found = new ProcessBuilder("python3", "-c", "import ctypes").start().waitFor() == 0;
        } catch (IOException e) {
            found = false;
        }
        assumeTrue(found, "python3 is not installed");
    }

    @BeforeEach
    void createKeys() throws Exception {
        volumeFile = directory.resolve("vol.bsl");
        keyFile = directory.resolve("vol.key");
        recoveryFile = directory.resolve("recovery.txt");
        passphraseFile = directory.resolve("passphrase.txt");
        KeyFile.create(keyFile, fixture.engine());
        Files.write(passphraseFile, PASSPHRASE);
        expected = new byte[(int) (RANGES * VolumeFixture.RANGE)];
    }

    @Test
    void findsWhatWeWroteWithEveryKindOfKey() throws Exception {
        create(4096, false);
        for (List<String> key : List.of(
                List.of("--key-file", keyFile.toString()), List.of("--recovery-key-file", recoveryFile.toString()))) {
            assertFindsEverything(key);
        }
        List<String> passphrase = List.of("--passphrase-file", passphraseFile.toString());
        Outcome outcome = read(passphrase, volumeFile);
        if (outcome.output().contains("needs libargon2 or OpenSSL 3.2")) {
            System.err.println("reader: a passphrase could not be tried: " + outcome.output());
        } else {
            assertEquals(new Outcome(0, ""), outcome);
            assertArrayEquals(expected, Files.readAllBytes(image()));
        }
    }

    @Test
    void findsItInUnitsOf512BytesToo() throws Exception {
        create(512, false);
        assertFindsEverything(List.of("--key-file", keyFile.toString()));
    }

    @Test
    void findsItWithDetachedMetadata() throws Exception {
        create(4096, true);
        assertFindsEverything(List.of(
                "--key-file",
                keyFile.toString(),
                "--meta",
                directory.resolve("vol.meta").toString()));
    }

    @Test
    void findsItInTheMiddleOfARotationOfTheVolumeKeyAndAfterIt() throws Exception {
        create(4096, false);
        try (KeySource file = FileKeySource.ofFile(keyFile, fixture.engine());
                Volume volume = fixture.opener()
                        .open(
                                VolumeStores.inBand(files.open(volumeFile, StoreOptions.BUFFERED)),
                                List.of(file),
                                OpenOptions.DEFAULT)) {
            // The slots of the passphrase and the recovery key are not what this is about.
            volume.volumeKeyRotation().begin(List.of(file), Set.of(1, 2));
            VolumeShredder.shred(volume, 69, 1);
            fixture.write(volume, 69 * 16 + 15, (69 * 16 + 15) % 250 + 1);
            volume.stores().data().flush();
            assertEquals(1, volume.table().page(0).vkEpoch());
            assertEquals(2, volume.table().page(2).vkEpoch());
            assertFindsEverything(List.of("--key-file", keyFile.toString()));
            volume.volumeKeyRotation().goOn(JobControl.ALONE);
            assertFindsEverything(List.of("--key-file", keyFile.toString()));
        }
    }

    @Test
    void refusesUnknownFeaturesOfTheNewestRootAndDoesNotFallBack() throws Exception {
        create(4096, false);
        byte[] newest = new byte[4096];
        try (RandomAccessFile file = new RandomAccessFile(volumeFile.toFile(), "rw")) {
            file.seek(1 << 20);
            file.readFully(newest);
            RootBlock root = RootBlock.decode(newest, "root").copy();
            root.commitSeq(root.commitSeq() + 1).features(1L << 40, 0, 0).seal(root.mac());
            file.seek(1 << 20);
            file.write(root.image());
        }
        Outcome outcome = read(List.of("--key-file", keyFile.toString()), volumeFile);
        assertEquals(1, outcome.status());
        assertTrue(outcome.output().contains("incompat"), outcome.output());
    }

    @Test
    void refusesAnotherKeyAndSaysWhichPagesAreLost() throws Exception {
        create(4096, false);
        Path other = directory.resolve("other.key");
        KeyFile.create(other, fixture.engine());
        Outcome refused = read(List.of("--key-file", other.toString()), volumeFile);
        assertEquals(1, refused.status());
        assertTrue(refused.output().contains("no key slot opens"), refused.output());

        BlockStore store = files.open(volumeFile, StoreOptions.BUFFERED);
        for (long copy : new long[] {2 << 20, 33 << 20}) {
            store.write(copy + 4096 + 400, java.nio.ByteBuffer.wrap(new byte[] {1, 2, 3}));
        }
        store.close();
        Outcome lost = read(List.of("--key-file", keyFile.toString()), volumeFile);
        assertEquals(2, lost.status());
        assertTrue(lost.output().contains("lost ranges, zeros in the image: 31 32 "), lost.output());
        Arrays.fill(expected, (int) (31 * VolumeFixture.RANGE), (int) (62 * VolumeFixture.RANGE), (byte) 0);
        assertArrayEquals(expected, Files.readAllBytes(image()));
    }

    @Test
    void tellsWhatCanBeToldWithoutAKey() throws Exception {
        create(4096, false);
        Outcome info = run(List.of(volumeFile.toString(), "--info"));
        assertEquals(0, info.status());
        assertTrue(info.output().contains("(70 ranges, 72 slots)"), info.output());
        assertTrue(info.output().contains("key slot   2: recovery, priority 0"), info.output());
    }

    private void create(int unitBytes, boolean detached) throws Exception {
        BlockStore data = files.create(volumeFile, StoreOptions.BUFFERED);
        VolumeStores stores = detached
                ? new VolumeStores(data, files.create(directory.resolve("vol.meta"), StoreOptions.BUFFERED))
                : VolumeStores.inBand(data);
        PassphrasePolicy policy = PassphrasePolicy.DEFAULT.withCost(Argon2Cost.FLOOR);
        try (KeySource file = FileKeySource.ofFile(keyFile, fixture.engine());
                KeySource passphrase = new PassphraseKeySource(fixture.engine(), PASSPHRASE::clone, policy);
                RecoveryKeySource recovery = RecoveryKeySource.generate(fixture.engine())) {
            Files.writeString(recoveryFile, new String(recovery.show()).toLowerCase(java.util.Locale.ROOT) + "\n");
            CreateOptions options = VolumeFixture.ranges(RANGES).withUnitBytes(unitBytes);
            fixture.creator().create(stores, List.of(file, passphrase, recovery), options);
            try (Volume volume = fixture.opener().open(stores, List.of(file), OpenOptions.DEFAULT)) {
                // The first and last unit of the volume, both sides of a page's border, several in a row.
                for (long unit : new long[] {0, 1, 2, 100, 31 * 16 - 1, 31 * 16, 69 * 16 + 15}) {
                    long firstUnit = unit * (VolumeFixture.UNIT / unitBytes);
                    fixture.write(volume, firstUnit, (int) unit % 250 + 1);
                    int at = (int) (firstUnit * unitBytes);
                    Arrays.fill(expected, at, at + unitBytes, (byte) (unit % 250 + 1));
                }
            }
        }
    }

    private void assertFindsEverything(List<String> key) throws Exception {
        assertEquals(new Outcome(0, ""), read(key, volumeFile), key.get(0));
        assertArrayEquals(expected, Files.readAllBytes(image()), key.get(0));
    }

    private Path image() {
        return directory.resolve("out.raw");
    }

    private Outcome read(List<String> key, Path volume) throws Exception {
        List<String> arguments = new ArrayList<>(List.of(volume.toString(), "-o", image().toString()));
        arguments.addAll(key);
        return run(arguments);
    }

    private Outcome run(List<String> arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of("python3", "-B", script().toString()));
        command.addAll(arguments);
        Path output = directory.resolve("reader.log");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        assertTrue(process.waitFor(5, TimeUnit.MINUTES), "the reader hangs");
        return new Outcome(process.exitValue(), Files.readString(output));
    }

    private static Path script() {
        Path fromModule = Path.of("..", "scripts", "blockseal-reader.py");
        return Files.exists(fromModule) ? fromModule : Path.of("scripts", "blockseal-reader.py");
    }
}
