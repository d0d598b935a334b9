package io.blockseal.keysource.kmip;

import io.blockseal.crypto.KeyWrap;
import java.nio.ByteBuffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * What a key slot holds (docs/format.md, "KMIP"): the volume key under a KEK of one random secret and the volume, and that
 * secret as the server has enciphered it.
 *
 * @param cipher by what
 * @param wrappedKey the volume key, by HKDF and KWP
 * @param sealed the secret, as the server has enciphered it
 */
record WrappedBlob(ServerCipher cipher, byte[] wrappedKey, Sealed sealed) {
    /** How long the secret is. */
    static final int SECRET_BYTES = 32;

    /**
     * The answer of the server.
     *
     * @param iv the initialisation vector, which was ours
     * @param ciphertext as long as what was enciphered
     * @param tag empty if the mode has none
     */
    record Sealed(byte[] iv, byte[] ciphertext, byte[] tag) {}

    private static int bytes(ServerCipher cipher) {
        return 1 + KeyWrap.KWP_BYTES + cipher.ivBytes() + SECRET_BYTES + cipher.tagBytes();
    }

    /** Takes it apart; null if it is none. */
    static @Nullable WrappedBlob decode(byte[] blob) {
        ServerCipher cipher = blob.length == 0 ? null : ServerCipher.of(blob[0] & 0xff);
        if (cipher == null || blob.length != bytes(cipher)) {
            return null;
        }
        int iv = 1 + KeyWrap.KWP_BYTES;
        int ciphertext = iv + cipher.ivBytes();
        int tag = ciphertext + SECRET_BYTES;
        return new WrappedBlob(
                cipher,
                Arrays.copyOfRange(blob, 1, iv),
                new Sealed(
                        Arrays.copyOfRange(blob, iv, ciphertext),
                        Arrays.copyOfRange(blob, ciphertext, tag),
                        Arrays.copyOfRange(blob, tag, blob.length)));
    }

    /** As it stands in the key slot. */
    byte[] encode() {
        return ByteBuffer.allocate(bytes(cipher))
                .put((byte) cipher.code())
                .put(wrappedKey)
                .put(sealed.iv)
                .put(sealed.ciphertext)
                .put(sealed.tag)
                .array();
    }
}
