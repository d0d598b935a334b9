package io.blockseal.keysource.pkcs11;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Set;

/**
 * PINs that tokens have refused since we started. A token locks itself after a few wrong ones, and then it is an
 * operator's errand to a safe; so none of these is shown to it again, however often volumes ask. From any thread.
 */
final class RefusedPins {
    private final Set<String> digests = new HashSet<>();

    synchronized boolean contains(TokenInfo token, byte[] pin) {
        return digests.contains(digest(token, pin));
    }

    synchronized void add(TokenInfo token, byte[] pin) {
        digests.add(digest(token, pin));
    }

    private String digest(TokenInfo token, byte[] pin) {
        try {
            MessageDigest sha256 = MessageDigest.getInstance("SHA-256");
            sha256.update((token.manufacturer() + "\n" + token.serial() + "\n" + token.label() + "\n")
                    .getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(sha256.digest(pin));
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException(impossible);
        }
    }
}
