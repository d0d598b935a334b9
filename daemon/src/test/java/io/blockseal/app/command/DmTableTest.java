package io.blockseal.app.command;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.Cli;
import io.blockseal.app.console.ExitCode;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditLines;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.CreateOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeShredder;
import io.blockseal.volume.metadata.VolumeStores;
import java.io.StringWriter;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import javax.crypto.Cipher;
import javax.crypto.spec.SecretKeySpec;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What {@code dm-table} prints, read as the kernel reads it; GuestIT has the kernel itself read one. */
class DmTableTest {
    private static final int RANGE_SECTORS = (int) (VolumeFixture.RANGE / 512);

    private final VolumeFixture fixture = new VolumeFixture();

    private MemoryStore create(long sizeBytes, int unitBytes) throws Exception {
        MemoryStore store = new MemoryStore("vol", 0);
        fixture.creator()
                .create(
                        VolumeStores.inBand(store),
                        List.of(fixture.key(1)),
                        CreateOptions.ofSize(sizeBytes)
                                .withSmallRanges(VolumeFixture.RANGE)
                                .withUnitBytes(unitBytes));
        return store;
    }

    private String table(Volume volume) throws Exception {
        StringWriter text = new StringWriter();
        new DmTable(volume, fixture.engine().keys(), "/dev/loop7").write(text);
        return text.toString();
    }

    @ParameterizedTest
    @ValueSource(ints = {4096, 512})
    void givesEachRangeItsKeyItsTweaksAndItsPlace(int unitBytes) throws Exception {
        // 31 ranges get keys with the first write; 40 and a half are there.
        long size = 40 * VolumeFixture.RANGE + 8192;
        MemoryStore store = create(size, unitBytes);
        int perRange = (int) (VolumeFixture.RANGE / unitBytes);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, 5L * perRange + 3, 0xa5);
            fixture.write(volume, 39L * perRange, 0x39);
            VolumeShredder.shred(volume, 0, 2);
            String[] lines = table(volume).split("\n");
            assertEquals("0 " + 2 * RANGE_SECTORS + " zero", lines[0], "what was shredded is one line");
            long at = 0;
            for (String line : lines) {
                assertEquals(at, Long.parseLong(line.split(" ")[0]), line);
                at += Long.parseLong(line.split(" ")[1]);
            }
            assertEquals(size / 512, at, "the lines cover the volume");
            assertEquals(
                    lines.length - 1,
                    Arrays.stream(lines)
                            .filter(line -> line.contains(" crypt "))
                            .map(line -> line.split(" ")[4])
                            .distinct()
                            .count());
            assertEquals(16, Long.parseLong(lines[lines.length - 1].split(" ")[1]), "the last range is in part");
            assertUnit(store, lines, unitBytes, 5L * perRange + 3, 0xa5);
            assertUnit(store, lines, unitBytes, 39L * perRange, 0x39);
        }
    }

    /** Deciphers a unit by its line alone. */
    private static void assertUnit(MemoryStore store, String[] lines, int unitBytes, long unit, int fill)
            throws Exception {
        long sector = unit * unitBytes / 512;
        for (String line : lines) {
            String[] words = line.split(" ");
            long start = Long.parseLong(words[0]);
            if (sector < start || sector >= start + Long.parseLong(words[1])) {
                continue;
            }
            assertEquals(List.of("crypt", "aes-xts-plain64"), List.of(words[2], words[3]));
            assertEquals("/dev/loop7", words[6]);
            assertEquals(
                    unitBytes == 512 ? "" : "2 sector_size:4096 iv_large_sectors",
                    String.join(" ", Arrays.copyOfRange(words, 8, words.length)));
            ByteBuffer stored = ByteBuffer.allocate(unitBytes);
            store.read((Long.parseLong(words[7]) + sector - start) * 512, stored);
            // dm-crypt: the sector within the target plus the offset, counted in data units.
            long tweak = (sector - start + Long.parseLong(words[5])) / (unitBytes / 512);
            byte[] plain = decipher(HexFormat.of().parseHex(words[4]), tweak, stored.array());
            byte[] expected = new byte[unitBytes];
            Arrays.fill(expected, (byte) fill);
            assertArrayEquals(expected, plain);
            return;
        }
        throw new AssertionError("no line has sector " + sector);
    }

    /** AES-XTS as IEEE 1619 writes it, block by block. */
    private static byte[] decipher(byte[] key, long tweak, byte[] data) throws Exception {
        Cipher body = Cipher.getInstance("AES/ECB/NoPadding");
        body.init(Cipher.DECRYPT_MODE, new SecretKeySpec(key, 0, 32, "AES"));
        Cipher head = Cipher.getInstance("AES/ECB/NoPadding");
        head.init(Cipher.ENCRYPT_MODE, new SecretKeySpec(key, 32, 32, "AES"));
        byte[] number = new byte[16];
        for (int i = 0; i < Long.BYTES; i++) {
            number[i] = (byte) (tweak >>> 8 * i);
        }
        byte[] mask = head.doFinal(number);
        byte[] plain = new byte[data.length];
        for (int at = 0; at < data.length; at += 16) {
            byte[] block = Arrays.copyOfRange(data, at, at + 16);
            xor(block, mask);
            block = body.doFinal(block);
            xor(block, mask);
            System.arraycopy(block, 0, plain, at, 16);
            int carry = 0;
            for (int i = 0; i < 16; i++) {
                int value = (mask[i] & 0xff) << 1 | carry;
                mask[i] = (byte) value;
                carry = value >>> 8;
            }
            mask[0] ^= (byte) (carry == 0 ? 0 : 0x87);
        }
        return plain;
    }

    private static void xor(byte[] block, byte[] mask) {
        for (int i = 0; i < 16; i++) {
            block[i] ^= mask[i];
        }
    }

    @Nested
    class TheCommand {
        @TempDir
        private Path directory;

        @Test
        void printsNoKeyUnlessToldThatThePlaceIsRight() {
            Cli cli = new Cli(directory);
            assertEquals(
                    0,
                    cli.run("create", "./d.bsl", "--size", "64M", "--key-file", "./d.key")
                            .exitCode());
            Cli.Result refused = cli.run("dm-table", "./d.bsl", "--key-file", "./d.key");
            assertEquals(ExitCode.USAGE.number(), refused.exitCode());
            assertTrue(refused.err().contains("--i-know"), refused.err());
            assertEquals("", refused.out());
            Cli.Result printed;
            try (AuditLines audit = AuditLines.listen()) {
                printed = cli.run("dm-table", "./d.bsl", "--key-file", "./d.key", "--i-know");
                assertEquals(1, audit.of(AuditEvent.KEYS_EXPORTED).size());
            }
            assertEquals(0, printed.exitCode(), printed.all());
            assertEquals("0 " + (64 << 11) + " zero\n", printed.out(), "nothing was written to it yet");
            assertTrue(printed.err().contains("losetup"), printed.err());
            Cli.Result wrong =
                    cli.run("dm-table", "./d.bsl", "--key-file", "./d.key", "--i-know", "--device", "/dev/a b");
            assertEquals(ExitCode.USAGE.number(), wrong.exitCode());
        }
    }
}
