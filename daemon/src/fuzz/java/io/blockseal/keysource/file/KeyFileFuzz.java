package io.blockseal.keysource.file;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Seeds;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** The content of a key file: 32 bytes come out, or a sentence that says what is wrong and none of the content. */
public final class KeyFileFuzz implements FuzzTarget {
    @Override
    public Seeds seeds() {
        return new Seeds()
                .addText("hex", "0123456789abcdef".repeat(4) + "\n")
                .addText("hex-upper", "0123456789ABCDEF".repeat(4))
                .addText("half", "0123456789abcdef".repeat(2))
                .addText("windows", "0123456789abcdef".repeat(4) + "\r\n")
                .addHex("raw", "00ff".repeat(16))
                .addHex("raw-line-feed", "00ff".repeat(16) + "0a")
                .addHex("equal", "07".repeat(32))
                .add("empty", new byte[0]);
    }

    @Override
    public void run(byte[] input) {
        byte[] content = Arrays.copyOf(input, Math.min(input.length, KeyText.READ_BYTES_MAX));
        ByteBuffer text = ByteBuffer.allocate(KeyText.READ_BYTES_MAX);
        text.put(content).flip();
        String wrong = KeyText.decode(text);
        if (wrong != null) {
            promise(!wrong.isBlank(), "refused without a reason");
            return;
        }
        promise(text.remaining() == KeyText.RAW_BYTES, text.remaining() + " bytes of key");
        byte[] key = new byte[KeyText.RAW_BYTES];
        text.get(key);
        promise(content.length != KeyText.RAW_BYTES || Arrays.equals(content, key), "raw bytes are changed");
        ByteBuffer written = ByteBuffer.allocate(KeyText.HEX_DIGITS + 1);
        KeyText.encode(ByteBuffer.wrap(key), written);
        promise(KeyText.decode(written.flip()) == null, "what was accepted is refused when written");
        byte[] again = new byte[KeyText.RAW_BYTES];
        written.get(again);
        promise(Arrays.equals(key, again), "another key when written");
    }
}
