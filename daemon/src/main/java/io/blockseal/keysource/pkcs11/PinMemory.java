package io.blockseal.keysource.pkcs11;

import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;
import org.jspecify.annotations.Nullable;

/**
 * What is remembered of PINs for as long as the process lives: a mark of each, its HMAC under a key that was made at random,
 * so that nothing that lies in memory can be compared with a list of PINs elsewhere. A token locks itself after a few wrong
 * ones, and then it is an operator's errand to a safe; so none that it has refused is shown to it again, however often
 * volumes ask. From any thread.
 */
final class PinMemory {
    /** What a token has said to one. */
    enum Refusal {
        /** That it is wrong. */
        WRONG,
        /** Something that nobody but its vendor knows; it may have been that. */
        UNKNOWN
    }

    private static final String HMAC = "HmacSHA256";
    private static final int KEY_BYTES = 32;

    /** A token as it is plugged in now, whatever sources call it. */
    private record Place(LoadedModule module, String manufacturer, String serial, String label, long slot) {}

    private final SecretKeySpec key;
    private final Map<Place, ProvenPin> proven = new HashMap<>();
    private final Map<String, Refusal> refused = new HashMap<>();

    PinMemory() {
        byte[] random = new byte[KEY_BYTES];
        new SecureRandom().nextBytes(random);
        this.key = new SecretKeySpec(random, HMAC);
    }

    /** What stands for a PIN of a token, to be compared by {@link #isSame}. */
    byte[] mark(TokenInfo token, byte[] pin) {
        try {
            Mac hmac = Mac.getInstance(HMAC);
            hmac.init(key);
            hmac.update((token.manufacturer() + "\n" + token.serial() + "\n" + token.label() + "\n")
                    .getBytes(StandardCharsets.UTF_8));
            return hmac.doFinal(pin);
        } catch (GeneralSecurityException impossible) {
            throw new IllegalStateException(impossible);
        }
    }

    /** By which PIN we are logged in to a token. */
    synchronized ProvenPin proven(LoadedModule module, TokenInfo token) {
        return proven.computeIfAbsent(
                new Place(module, token.manufacturer(), token.serial(), token.label(), token.slot()),
                place -> new ProvenPin());
    }

    /** Whether two marks are of the same PIN; takes as long for any two. */
    static boolean isSame(byte[] one, byte[] other) {
        return MessageDigest.isEqual(one, other);
    }

    /** What the token has said to the PIN of that mark since we started; null if it did not refuse it. */
    synchronized @Nullable Refusal refusal(byte[] mark) {
        return refused.get(HexFormat.of().formatHex(mark));
    }

    /** It has refused it. */
    synchronized void refused(byte[] mark, Refusal refusal) {
        refused.put(HexFormat.of().formatHex(mark), refusal);
    }
}
