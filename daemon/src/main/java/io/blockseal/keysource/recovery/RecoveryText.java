package io.blockseal.keysource.recovery;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import java.nio.ByteBuffer;

/**
 * How a recovery key is written: eight groups of eight characters, {@code 4XK2-9ABC...}, so that a typing error is found
 * in its group.
 *
 * <p>A group is 40 bits, five to a character, most significant first: 32 bits of key, then a CRC-8 (polynomial 0x2F) over
 * the group's number (0 to 7) and those four bytes. The alphabet is Crockford's: digits and letters without I, L, O and
 * U. When reading, case does not matter, I and L count as 1, O as 0, and dashes and blanks may be anywhere or nowhere.
 */
final class RecoveryText {
    static final int KEY_BYTES = 32;
    static final int GROUPS = 8;
    static final int GROUP_CHARACTERS = 8;
    /** Characters with the dashes between groups. */
    static final int LENGTH = GROUPS * GROUP_CHARACTERS + GROUPS - 1;

    private static final int GROUP_BYTES = KEY_BYTES / GROUPS;
    private static final int CHARACTER_BITS = 5;
    private static final String ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    private static final int CRC_POLYNOMIAL = 0x2F;

    private RecoveryText() {}

    /** Writes the 32 bytes of {@code key} from its beginning on, as {@link #LENGTH} characters. */
    static void write(ByteBuffer key, char[] text) {
        int at = 0;
        for (int group = 0; group < GROUPS; group++) {
            if (group > 0) {
                text[at++] = '-';
            }
            long bits = 0;
            for (int i = 0; i < GROUP_BYTES; i++) {
                bits = bits << Byte.SIZE | (key.get(group * GROUP_BYTES + i) & 0xff);
            }
            bits = bits << Byte.SIZE | crc(group, bits);
            for (int i = GROUP_CHARACTERS - 1; i >= 0; i--) {
                text[at++] = ALPHABET.charAt((int) (bits >>> (i * CHARACTER_BITS) & 31));
            }
        }
    }

    /**
     * Reads text that somebody typed into the 32 bytes of {@code key}.
     *
     * @throws KeySourceException naming the first group that is mistyped; never any of the characters
     */
    static void read(byte[] text, ByteBuffer key) throws KeySourceException {
        int characters = 0;
        long bits = 0;
        for (byte character : text) {
            if (character == '-' || character == ' ' || character == '\t' || character == '\r') {
                continue;
            }
            int group = characters / GROUP_CHARACTERS;
            int value = valueOf(character);
            if (group == GROUPS) {
                throw wrong("is longer than 64 characters");
            }
            if (value < 0) {
                throw wrong("has a character in group " + (group + 1)
                        + " that is neither a digit nor a letter of its alphabet");
            }
            bits = bits << CHARACTER_BITS | value;
            characters++;
            if (characters % GROUP_CHARACTERS == 0) {
                if ((bits & 0xff) != crc(group, bits >>> Byte.SIZE)) {
                    throw wrong("is mistyped in group " + (group + 1) + " of 8");
                }
                key.putInt(group * GROUP_BYTES, (int) (bits >>> Byte.SIZE));
                bits = 0;
            }
        }
        if (characters < GROUPS * GROUP_CHARACTERS) {
            throw wrong("has " + characters + " characters instead of 64; it ends in group "
                    + (characters / GROUP_CHARACTERS + 1));
        }
    }

    private static int valueOf(byte character) {
        if (character < 0) {
            return -1;
        }
        char upper = Character.toUpperCase((char) character);
        return switch (upper) {
            case 'I', 'L' -> 1;
            case 'O' -> 0;
            default -> ALPHABET.indexOf(upper);
        };
    }

    private static int crc(int group, long keyBits) {
        int crc = 0;
        for (int i = GROUP_BYTES; i >= 0; i--) {
            int next = i == GROUP_BYTES ? group : (int) (keyBits >>> (i * Byte.SIZE) & 0xff);
            crc ^= next;
            for (int bit = 0; bit < Byte.SIZE; bit++) {
                crc = (crc & 0x80) == 0 ? crc << 1 : crc << 1 ^ CRC_POLYNOMIAL;
            }
            crc &= 0xff;
        }
        return crc;
    }

    private static KeySourceException wrong(String what) {
        return new KeySourceException(
                Kind.MISCONFIGURED, "the recovery key " + what + "; compare it with what was printed at creation");
    }
}
