package io.blockseal.keysource.recovery;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.Secret;
import io.blockseal.keysource.HkdfKek;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContract;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Random;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/** The last key there is must open the volume years later, typed by somebody tired. */
class RecoveryKeySourceTest extends KeySourceContract {
    private final String text;

    RecoveryKeySourceTest() throws KeySourceException {
        try (RecoveryKeySource fresh = RecoveryKeySource.generate(engine)) {
            text = new String(fresh.show());
        }
    }

    @Override
    protected KeySource source() {
        return typed(text);
    }

    @Override
    protected KeySource otherSource() throws KeySourceException {
        try (RecoveryKeySource fresh = RecoveryKeySource.generate(engine)) {
            return typed(new String(fresh.show()));
        }
    }

    private RecoveryKeySource typed(String typed) {
        return RecoveryKeySource.typed(engine, () -> typed.getBytes(StandardCharsets.UTF_8));
    }

    private String refusal(String typed) {
        try (RecoveryKeySource source = typed(typed)) {
            return assertThrows(KeySourceException.class, source::show).getMessage();
        }
    }

    @Test
    void isNotTriedUnlessAskedFor() {
        assertEquals(0, source().slotPriority());
    }

    @Test
    void doesNotTakeAKeyFilesSlotForItsOwn() {
        assertFalse(source().mayOpen(new WrappedKey(WrapAlgorithm.HKDF_KWP, "file:/k", "", new byte[0], new byte[40])));
        assertTrue(
                source().mayOpen(new WrappedKey(WrapAlgorithm.HKDF_KWP, "recovery:", "", new byte[0], new byte[40])));
    }

    @Test
    void opensWhatTheFreshKeyWrapped() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                RecoveryKeySource fresh = RecoveryKeySource.generate(engine)) {
            WrappedKey wrapped = fresh.wrap(volumeKey, binding);
            try (KeySource later = typed(new String(fresh.show()));
                    Secret opened = later.unwrap(wrapped, binding)) {
                assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
            }
        }
    }

    @Test
    void hasAKekOfItsOwnLabel() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                Secret secret = Secret.random(engine.keys(), 32)) {
            byte[] recovery = new HkdfKek(engine, HkdfKek.LABEL_RECOVERY).wrap(secret, volumeKey, binding);
            byte[] file = new HkdfKek(engine, HkdfKek.LABEL_FILE).wrap(secret, volumeKey, binding);
            assertFalse(java.util.Arrays.equals(recovery, file));
        }
    }

    @Nested
    class Text {
        @Test
        void isEightGroupsOfEight() {
            assertTrue(
                    text.matches("([0-9A-HJKMNP-TV-Z]{8}-){7}[0-9A-HJKMNP-TV-Z]{8}"),
                    "not the form that is documented");
        }

        @Test
        void isWrittenAsDocumented() {
            ByteBuffer key = ByteBuffer.allocate(32);
            char[] written = new char[RecoveryText.LENGTH];
            RecoveryText.write(key, written);
            // CRC-8 of 01 00 00 00 00 with polynomial 0x2F is 0xAD, which is 5 and D: the group's number counts.
            assertEquals("00000000-0000005D", new String(written, 0, 17));
        }

        @Test
        void comesBackWhateverTheCaseAndTheBlanks() throws KeySourceException {
            String sloppy = " "
                    + text.toLowerCase(java.util.Locale.ROOT)
                            .replace('-', ' ')
                            .replace('0', 'o')
                            .replace('1', 'l') + "\r";
            try (RecoveryKeySource source = typed(sloppy);
                    RecoveryKeySource joined = typed(text.replace("-", ""))) {
                assertArrayEquals(text.toCharArray(), source.show());
                assertArrayEquals(text.toCharArray(), joined.show());
            }
        }

        @Test
        void findsEveryWrongCharacterAndNamesItsGroup() {
            String alphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
            for (int i = 0; i < text.length(); i++) {
                if (text.charAt(i) == '-') {
                    continue;
                }
                for (char c : alphabet.toCharArray()) {
                    if (c != text.charAt(i)) {
                        String message = refusal(text.substring(0, i) + c + text.substring(i + 1));
                        assertTrue(message.contains("mistyped in group " + (i / 9 + 1) + " of 8"), message);
                    }
                }
            }
        }

        @Test
        void takesNoLetterForAnotherBecauseItsLowBitsAreTheSame() {
            byte[] typed = text.getBytes(StandardCharsets.US_ASCII);
            ByteBuffer key = ByteBuffer.allocate(RecoveryText.KEY_BYTES);
            for (char letter : "ILO".toCharArray()) {
                byte[] odd = typed.clone();
                odd[0] = (byte) (letter | 0x80);
                KeySourceException refused = assertThrows(KeySourceException.class, () -> RecoveryText.read(odd, key));
                assertTrue(refused.getMessage().contains("group 1"), refused.getMessage());
            }
        }

        @Test
        void findsSwappedNeighbours() {
            for (int i = 0; i + 1 < text.length(); i++) {
                char a = text.charAt(i);
                char b = text.charAt(i + 1);
                if (a != b && a != '-' && b != '-') {
                    String message = refusal(text.substring(0, i) + b + a + text.substring(i + 2));
                    assertTrue(message.contains("group " + (i / 9 + 1)), message);
                }
            }
        }

        @Test
        void findsSwappedGroups() {
            String[] groups = text.split("-");
            String first = groups[2];
            groups[2] = groups[5];
            groups[5] = first;
            assertTrue(refusal(String.join("-", groups)).contains("group 3"));
        }

        @Test
        void saysWhenItIsTooShortOrTooLong() {
            assertTrue(refusal(text.substring(0, 70)).contains("has 63 characters instead of 64; it ends in group 8"));
            assertTrue(refusal("").contains("has 0 characters"));
            assertTrue(refusal(text + "0").contains("longer than 64"));
            assertTrue(refusal(text.substring(0, 9) + "U" + text.substring(10)).contains("group 2"));
            assertTrue(refusal("ü" + text).contains("group 1"));
        }

        @Test
        void survivesAnyBytes() {
            Random random = new Random(7);
            for (int i = 0; i < 2000; i++) {
                byte[] bytes = new byte[random.nextInt(100)];
                random.nextBytes(bytes);
                assertThrows(KeySourceException.class, () -> RecoveryText.read(bytes, ByteBuffer.allocate(32)));
            }
        }
    }
}
