package io.blockseal.keysource.recovery;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Seeds;
import io.blockseal.keysource.KeySourceException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/**
 * A recovery key that somebody typed. First byte: 0, the rest is the text; else the rest are 32 key bytes, which must
 * survive being written and read.
 */
public final class RecoveryKeyFuzz implements FuzzTarget {
    @Override
    public Seeds seeds() {
        byte[] key = new byte[RecoveryText.KEY_BYTES];
        for (int i = 0; i < key.length; i++) {
            key[i] = (byte) (37 * i + 11);
        }
        byte[] text = write(key);
        byte[] lower = new String(text, StandardCharsets.US_ASCII)
                .toLowerCase(Locale.ROOT)
                .replace('-', ' ')
                .getBytes(StandardCharsets.US_ASCII);
        byte[] typed = {0};
        return new Seeds()
                .add("key", new byte[] {1}, key)
                .add("text", typed, text)
                .add("lower", typed, lower)
                .add("longer", typed, text, new byte[] {'1'})
                .add("zeros", typed, write(new byte[RecoveryText.KEY_BYTES]))
                .add("short", typed, new byte[] {'1', 'I', 'l', 'o', '-', 'U'});
    }

    @Override
    public void run(byte[] input) throws KeySourceException {
        byte[] rest = input.length == 0 ? input : Arrays.copyOfRange(input, 1, input.length);
        if (input.length == 0 || input[0] == 0) {
            typed(rest);
        } else {
            byte[] key = Arrays.copyOf(rest, RecoveryText.KEY_BYTES);
            promise(Arrays.equals(key, read(write(key))), "a key is lost on paper");
        }
    }

    /** What is accepted is the canonical text but for case, dashes, blanks and letters that look alike. */
    private static void typed(byte[] text) {
        byte[] key;
        try {
            key = read(text);
        } catch (KeySourceException refused) {
            promise(refused.kind() == KeySourceException.Kind.MISCONFIGURED, "refused as " + refused.kind());
            return;
        }
        String plain = new String(text, StandardCharsets.ISO_8859_1)
                .toUpperCase(Locale.ROOT)
                .replaceAll("[- \t\r]", "")
                .replace('I', '1')
                .replace('L', '1')
                .replace('O', '0');
        promise(
                plain.equals(new String(write(key), StandardCharsets.US_ASCII).replace("-", "")),
                "read as another key");
    }

    private static byte[] read(byte[] text) throws KeySourceException {
        ByteBuffer key = ByteBuffer.allocate(RecoveryText.KEY_BYTES);
        RecoveryText.read(text, key);
        return key.array();
    }

    private static byte[] write(byte[] key) {
        char[] text = new char[RecoveryText.LENGTH];
        RecoveryText.write(ByteBuffer.wrap(key), text);
        return new String(text).getBytes(StandardCharsets.US_ASCII);
    }
}
