package io.blockseal.keysource.passphrase;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.blockseal.keysource.KeySourceException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** These bytes come from the disk and are used before anything vouches for them. */
class Argon2SlotTest {
    private static final byte[] SALT =
            HexFormat.of().parseHex("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f");
    private static final String ENCODED = "010400000100" + "020403000000" + "030404000000" + "0420"
            + "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    @Test
    void isStoredAsDocumented() throws KeySourceException {
        Argon2Slot slot = new Argon2Slot(Argon2Cost.FLOOR, SALT);
        assertEquals(ENCODED, HexFormat.of().formatHex(slot.encode()));
        Argon2Slot back = Argon2Slot.decode(slot.encode());
        assertEquals(slot.cost(), back.cost());
        assertArrayEquals(SALT, back.salt());
    }

    @Test
    void refusesEveryTruncation() {
        byte[] whole = HexFormat.of().parseHex(ENCODED);
        for (int i = 0; i < whole.length; i++) {
            byte[] part = Arrays.copyOf(whole, i);
            assertThrows(KeySourceException.class, () -> Argon2Slot.decode(part), "length " + i);
        }
    }

    @Test
    void refusesWhatIsRepeatedUnknownOrTooLong() {
        for (String extra : new String[] {"010400000100", "0500", "0000", "04", "ff01aa", "0421"}) {
            byte[] bytes = HexFormat.of().parseHex(ENCODED + extra);
            assertThrows(KeySourceException.class, () -> Argon2Slot.decode(bytes), extra);
        }
        byte[] swappedLength = HexFormat.of().parseHex(ENCODED.replace("0104", "0103"));
        assertThrows(KeySourceException.class, () -> Argon2Slot.decode(swappedLength));
    }

    @Test
    void throwsNothingElseWhateverTheBytes() {
        Random random = new Random(4);
        byte[] whole = HexFormat.of().parseHex(ENCODED);
        for (int i = 0; i < 20_000; i++) {
            byte[] bytes = whole.clone();
            for (int j = random.nextInt(4); j >= 0; j--) {
                bytes[random.nextInt(20)] = (byte) random.nextInt();
            }
            try {
                Argon2Slot slot = Argon2Slot.decode(bytes);
                assertEquals(true, slot.cost().isAllowed());
            } catch (KeySourceException e) {
                assertEquals(KeySourceException.Kind.MISCONFIGURED, e.kind());
            }
        }
    }
}
