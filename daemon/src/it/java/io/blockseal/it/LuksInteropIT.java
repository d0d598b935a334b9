package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.crypto.nativ.NativeCryptoEngine;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.ShimMemorySource;
import io.blockseal.shim.Shim;
import io.blockseal.shim.ShimLibrary;
import io.blockseal.volume.VolumeShape;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * What we store in 512-byte units is what others store in a LUKS1 payload (aes-xts-plain64) under the same key, byte for
 * byte: cipher, order of the key halves, tweak numbers and layout are theirs as well as ours.
 */
class LuksInteropIT {
    private static final int UNIT = 512;
    private static final int RANGE_SHIFT = 24;
    private static final long RANGE = 1L << RANGE_SHIFT;
    private static final long SIZE = 5 * RANGE;
    /** Where cryptsetup puts the payload of a LUKS1 file: sector 4096. */
    private static final long PAYLOAD = 4096 * 512L;

    /** Where we write: the beginning, the oracle's second offset, and around the border of every range. */
    private static final List<Stretch> STRETCHES = List.of(
            new Stretch(0, 8 * UNIT),
            new Stretch(1 << 20, 1 << 20),
            new Stretch(RANGE - 3 * UNIT, 64 << 10),
            new Stretch(2 * RANGE, UNIT),
            new Stretch(3 * RANGE, 300 * UNIT),
            new Stretch(4 * RANGE - UNIT, 2 * UNIT),
            new Stretch(SIZE - UNIT, UNIT));

    @TempDir
    Path folder;

    private final Random random = new Random(20);
    private final byte[] key = new byte[64];
    private Path luks;
    private Path passphrase;

    private record Stretch(long offset, int length) {}

    @BeforeEach
    void makeTheirs() throws IOException {
        Tool.need("cryptsetup", "qemu-io", "nbdkit", "nbdcopy");
        random.nextBytes(key);
        luks = folder.resolve("theirs.luks");
        passphrase = Files.writeString(folder.resolve("passphrase"), "a passphrase");
        Path volumeKey = Files.write(folder.resolve("volume.key"), key);
        try (RandomAccessFile file = new RandomAccessFile(luks.toFile(), "rw")) {
            file.setLength(PAYLOAD + SIZE);
        }
        Tool.run(
                        "cryptsetup",
                        "--batch-mode",
                        "luksFormat",
                        "--type",
                        "luks1",
                        "--cipher",
                        "aes-xts-plain64",
                        "--key-size",
                        "512",
                        "--volume-key-file",
                        volumeKey,
                        "--pbkdf-force-iterations",
                        "1000",
                        "--key-file",
                        passphrase,
                        luks)
                .ok();
    }

    @ParameterizedTest
    @ValueSource(strings = {"native", "java"})
    void qemuStoresTheSameCiphertext(String engine) throws Exception {
        try (CryptoEngine crypto = engine(engine);
                OneKeyVolume ours = ours(crypto)) {
            for (Stretch stretch : STRETCHES) {
                byte[] plain = plaintext(stretch);
                ours.write(stretch.offset(), plain);
                qemuIo("write -s " + Files.write(folder.resolve("plain"), plain) + " " + stretch.offset() + " "
                        + stretch.length());
                byte[] theirs = payload(stretch);
                assertArrayEquals(theirs, ours.stored(stretch.offset(), stretch.length()), stretch::toString);
                assertEquals(-1, Arrays.mismatch(plain, ours.read(stretch.offset(), stretch.length())));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"native", "java"})
    void weReadWhatQemuStored(String engine) throws Exception {
        try (CryptoEngine crypto = engine(engine);
                OneKeyVolume ours = ours(crypto)) {
            for (Stretch stretch : STRETCHES) {
                byte[] plain = plaintext(stretch);
                qemuIo("write -s " + Files.write(folder.resolve("plain"), plain) + " " + stretch.offset() + " "
                        + stretch.length());
                ours.store(stretch.offset(), payload(stretch));
                assertArrayEquals(plain, ours.read(stretch.offset(), stretch.length()), stretch::toString);
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"native", "java"})
    void qemuAndNbdkitReadWhatWeStored(String engine) throws Exception {
        List<String> reads = new ArrayList<>();
        byte[][] plain = new byte[STRETCHES.size()][];
        try (CryptoEngine crypto = engine(engine);
                OneKeyVolume ours = ours(crypto);
                RandomAccessFile file = new RandomAccessFile(luks.toFile(), "rw")) {
            for (int i = 0; i < STRETCHES.size(); i++) {
                Stretch stretch = STRETCHES.get(i);
                // qemu-io compares with a pattern, nbdkit's copy is compared byte for byte below.
                plain[i] = plaintext(stretch);
                if (i % 2 == 0) {
                    Arrays.fill(plain[i], (byte) (0x41 + i));
                    reads.add("read -P " + (0x41 + i) + " " + stretch.offset() + " " + stretch.length());
                }
                ours.write(stretch.offset(), plain[i]);
                file.seek(PAYLOAD + stretch.offset());
                file.write(ours.stored(stretch.offset(), stretch.length()));
            }
        }
        qemuIo(reads.toArray(new String[0]));
        Path copy = folder.resolve("copy");
        Tool.run(
                        "nbdkit",
                        "-U",
                        "-",
                        "file",
                        luks,
                        "--filter=luks",
                        "passphrase=+" + passphrase,
                        "--run",
                        "nbdcopy \"$uri\" '" + copy + "'")
                .ok();
        try (RandomAccessFile file = new RandomAccessFile(copy.toFile(), "r")) {
            for (int i = 0; i < plain.length; i++) {
                byte[] got = new byte[plain[i].length];
                file.seek(STRETCHES.get(i).offset());
                file.readFully(got);
                assertArrayEquals(plain[i], got, STRETCHES.get(i).toString());
            }
        }
    }

    private byte[] plaintext(Stretch stretch) {
        byte[] bytes = new byte[stretch.length()];
        random.nextBytes(bytes);
        return bytes;
    }

    private byte[] payload(Stretch stretch) throws IOException {
        byte[] bytes = new byte[stretch.length()];
        try (RandomAccessFile file = new RandomAccessFile(luks.toFile(), "r")) {
            file.seek(PAYLOAD + stretch.offset());
            file.readFully(bytes);
        }
        return bytes;
    }

    private void qemuIo(String... commands) {
        List<Object> words = new ArrayList<>(List.of("qemu-io", "--object", "secret,id=s,file=" + passphrase));
        words.addAll(List.of("--image-opts", "driver=luks,key-secret=s,file.filename=" + luks));
        for (String command : commands) {
            words.addAll(List.of("-c", command));
        }
        Tool.Result result = Tool.run(words.toArray()).ok();
        assertEquals(-1, result.all().indexOf("failed"), result::all);
    }

    private static CryptoEngine engine(String name) {
        if ("java".equals(name)) {
            return new JavaCryptoEngine();
        }
        return new NativeCryptoEngine(shim());
    }

    private static Shim shim() {
        ShimLibrary library = ShimLibrary.open();
        Shim shim = library.shim();
        assumeTrue(shim != null, library.reason());
        return shim;
    }

    private OneKeyVolume ours(CryptoEngine engine) throws Exception {
        return new OneKeyVolume(
                engine,
                engine instanceof NativeCryptoEngine ? new ShimMemorySource(shim()) : new JvmMemorySource(),
                folder.resolve("ours"),
                new VolumeShape(SIZE, UNIT, RANGE_SHIFT, 0, false),
                key);
    }
}
