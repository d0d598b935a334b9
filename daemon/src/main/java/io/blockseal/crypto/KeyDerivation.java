package io.blockseal.crypto;

import java.nio.ByteBuffer;
import java.util.List;

/** Keys from keys, and MACs under them. From any thread. */
public interface KeyDerivation {
    /** HKDF-SHA-256 (RFC 5869), extract then expand, of {@code inputKey} into 32 bytes in the slot {@code outputKey}. */
    void hkdf(int inputKey, byte[] salt, byte[] info, int outputKey);

    /** HKDF-SHA-256 whose output is no secret, such as an identity tag: {@code lengthBytes} at most 32. */
    byte[] hkdfPublic(int inputKey, byte[] salt, byte[] info, int lengthBytes);

    /** HMAC-SHA-256 over the pieces, one after the other: 32 bytes. */
    byte[] hmac(int key, byte[]... pieces);

    /** The same over the remaining bytes of each piece. The native engine leaves no copy of them. */
    byte[] hmac(int key, List<ByteBuffer> pieces);
}
