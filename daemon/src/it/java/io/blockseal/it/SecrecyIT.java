package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a thief of the backing file, or a reader of the logs, must not find. */
class SecrecyIT {
    private static final String MARKER = "PLAINTEXT-THAT-MUST-NOT-APPEAR-ON-DISK-0123456789";

    @TempDir
    Path folder;

    @Test
    void neitherPlaintextNorKeysAreInTheFileOrInWhatIsPrinted() throws Exception {
        Tool.need("nbdcopy");
        Path image = folder.resolve("in.raw");
        byte[] block = (MARKER + "\n").repeat(1 << 14).getBytes(StandardCharsets.US_ASCII);
        byte[] contents = new byte[8 << 20];
        for (int at = 0; at + block.length <= contents.length; at += block.length) {
            System.arraycopy(block, 0, contents, at, block.length);
        }
        Files.write(image, contents);
        Server.create(folder, "64M", "--meta", folder.resolve("demo.meta").toString());
        String printed;
        try (Server server =
                Server.start(folder, "--meta", folder.resolve("demo.meta").toString(), "--log-level", "debug")) {
            Tool.run("nbdcopy", image, server.uri()).ok();
            // The daemon's own plaintext must not be in a core file either; that a debugger is refused shows it.
            assertEquals(0, server.stop(), server.log());
            printed = server.log();
        }
        byte[] key =
                HexFormat.of().parseHex(Files.readString(Server.key(folder)).trim());
        byte[] data = Files.readAllBytes(folder.resolve("demo.bsl"));
        for (Path file : new Path[] {folder.resolve("demo.bsl"), folder.resolve("demo.meta")}) {
            String bytes = new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1);
            assertFalse(bytes.contains(MARKER), file + " holds plaintext");
            assertFalse(bytes.contains(new String(key, StandardCharsets.ISO_8859_1)), file + " holds the key");
        }
        assertFalse(printed.contains(MARKER));
        assertFalse(printed.toLowerCase(java.util.Locale.ROOT)
                .contains(HexFormat.of().formatHex(key)));
        assertFalse(printed.contains(Base64.getEncoder().encodeToString(key)));
        looksRandom(data);
    }

    /** Chi-square over byte values of what was written: ciphertext has no shape. */
    private static void looksRandom(byte[] data) {
        long[] counts = new long[256];
        long written = 0;
        byte[] unit = new byte[4096];
        byte[] zeros = new byte[4096];
        for (int at = 0; at + unit.length <= data.length; at += unit.length) {
            System.arraycopy(data, at, unit, 0, unit.length);
            if (java.util.Arrays.equals(unit, zeros)) {
                continue;
            }
            for (byte b : unit) {
                counts[b & 0xff]++;
            }
            written += unit.length;
        }
        assertTrue(written >= 7 << 20, "little was written: " + written);
        double expected = written / 256.0;
        double chiSquare = 0;
        for (long count : counts) {
            chiSquare += (count - expected) * (count - expected) / expected;
        }
        // 255 degrees of freedom: mean 255, deviation 22.6; ten deviations never happen to ciphertext.
        assertTrue(chiSquare < 255 + 226, "written data has a shape: chi-square " + chiSquare);
    }
}
