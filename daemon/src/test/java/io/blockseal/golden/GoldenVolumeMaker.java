package io.blockseal.golden;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.file.FileKeySource;
import io.blockseal.keysource.file.KeyFile;
import io.blockseal.keysource.passphrase.Argon2Cost;
import io.blockseal.keysource.passphrase.PassphraseKeySource;
import io.blockseal.keysource.passphrase.PassphrasePolicy;
import io.blockseal.keysource.recovery.RecoveryKeySource;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.CreateOptions;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.VolumeCreator;
import io.blockseal.volume.metadata.VolumeStores;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Makes golden volumes with the code as it is. Not a test, and not run with them; golden/README.md has the command. Keys
 * are new each time. It refuses to replace files: volumes that a release has made are never made again.
 */
class GoldenVolumeMaker {
    private static final int RANGE = 16 << 20;
    private static final byte[] PASSPHRASE = "golden volumes hold no secret".getBytes(StandardCharsets.UTF_8);

    @TempDir
    private Path work;

    private Path keyFile;
    private Path target;
    private byte[] model;

    @Test
    void make() throws Exception {
        target = Path.of(System.getProperty("blockseal.golden.directory"));
        Files.createDirectories(target);
        keyFile = work.resolve("key-file.txt");
        try (GoldenRig rig = GoldenRig.withEngine("native")) {
            KeyFile.create(keyFile, rig.engine);
            units4096(rig);
        }
        try (GoldenRig rig = GoldenRig.withEngine("java")) {
            units512(rig);
        }
        Files.copy(keyFile, target.resolve("key-file.txt"));
        Files.write(target.resolve("passphrase.txt"), PASSPHRASE);
    }

    private void units4096(GoldenRig rig) throws Exception {
        int unit = 4096;
        int size = 3 * RANGE + 3 * unit;
        model = new byte[size];
        Path volume = work.resolve("volume");
        BlockStore data = rig.files.create(volume, StoreOptions.BUFFERED);
        PassphrasePolicy policy = PassphrasePolicy.DEFAULT.withCost(Argon2Cost.FLOOR);
        try (KeySource file = FileKeySource.ofFile(keyFile, rig.engine);
                KeySource passphrase = new PassphraseKeySource(rig.engine, PASSPHRASE::clone, policy);
                RecoveryKeySource recovery = RecoveryKeySource.generate(rig.engine)) {
            CreateOptions options =
                    CreateOptions.ofSize(size).withRangeBytes(RANGE).withLabel("golden 4096");
            VolumeStores stores = VolumeStores.inBand(data);
            create(rig, stores, List.of(file, passphrase), options);
            try (GoldenRig.Opened open = rig.open(stores, file, OpenOptions.DEFAULT)) {
                // A slot that came later: the other key slot area is in force now.
                open.volume.keySlots().add(List.of(file), recovery, "recovery");
                write(open, 0, 2 * unit);
                write(open, RANGE - unit, 2 * unit);
                write(open, RANGE + (1 << 20) + 100, 50);
                write(open, 2 * RANGE + (1 << 20), 5 * unit);
                zero(open, Command.TRIM, 0, 2 * RANGE + (1 << 20) + unit, 2 * unit);
                zero(open, Command.WRITE_ZEROES, BlockRequest.NO_HOLE, 2 * RANGE + (2 << 20), unit);
                write(open, size - unit, unit);
            }
            Files.writeString(target.resolve("recovery-key.txt"), new String(recovery.show()));
        }
        SparseArchive.pack(volume, newFile("units4096.volume.gz"));
        writeContents("units4096.contents", unit);
    }

    private void units512(GoldenRig rig) throws Exception {
        int unit = 512;
        int size = RANGE + 3 * unit;
        model = new byte[size];
        Path dataFile = work.resolve("data");
        Path metaFile = work.resolve("meta");
        VolumeStores stores = new VolumeStores(
                rig.files.create(dataFile, StoreOptions.BUFFERED), rig.files.create(metaFile, StoreOptions.BUFFERED));
        try (KeySource file = FileKeySource.ofFile(keyFile, rig.engine)) {
            CreateOptions options = CreateOptions.ofSize(size)
                    .withUnitBytes(unit)
                    .withRangeBytes(RANGE)
                    .withLabel("golden 512");
            create(rig, stores, List.of(file), options);
            try (GoldenRig.Opened open = rig.open(stores, file, OpenOptions.DEFAULT)) {
                write(open, 0, 2 * unit);
                write(open, RANGE - unit, 2 * unit);
                write(open, (4 << 20) + unit - 3, 7);
                write(open, 8 << 20, 8 * unit);
                zero(open, Command.TRIM, 0, (8 << 20) + 2 * unit, 3 * unit);
                write(open, size - unit, unit);
            }
        }
        SparseArchive.pack(dataFile, newFile("units512.data.gz"));
        SparseArchive.pack(metaFile, newFile("units512.meta.gz"));
        writeContents("units512.contents", unit);
    }

    private static void create(GoldenRig rig, VolumeStores stores, List<KeySource> keys, CreateOptions options)
            throws Exception {
        new VolumeCreator(rig.engine, InstantSource.system()).create(stores, keys, options);
    }

    private void write(GoldenRig.Opened open, int offset, int length) throws Exception {
        byte[] data = new byte[length];
        new Random(offset).nextBytes(data);
        open.write(offset, data);
        System.arraycopy(data, 0, model, offset, length);
    }

    private void zero(GoldenRig.Opened open, Command command, int flags, int offset, int length) throws Exception {
        open.run(command, flags, offset, length);
        System.arraycopy(new byte[length], 0, model, offset, length);
    }

    private Path newFile(String name) {
        Path path = target.resolve(name);
        if (Files.exists(path)) {
            throw new IllegalStateException(path + " exists; what a release has made is kept");
        }
        return path;
    }

    private void writeContents(String name, int unitBytes) throws Exception {
        List<String> lines = GoldenContents.of(model, unitBytes).stretches().stream()
                .map(GoldenContents.Stretch::toString)
                .toList();
        Files.write(newFile(name), lines);
    }
}
