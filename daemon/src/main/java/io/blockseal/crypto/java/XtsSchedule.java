package io.blockseal.crypto.java;

import java.security.GeneralSecurityException;
import javax.crypto.Cipher;
import org.jspecify.annotations.Nullable;

/**
 * One key expanded for one thread: AES of K1 both ways, and of K2. Kept when its key goes, to be keyed anew: making a
 * {@code Cipher} costs more than keying one.
 */
final class XtsSchedule {
    private final Cipher encrypt;
    private final Cipher decrypt;
    private final Cipher tweak;
    private volatile @Nullable HeapKey key;
    private int version;

    XtsSchedule() {
        try {
            encrypt = Cipher.getInstance("AES/ECB/NoPadding");
            decrypt = Cipher.getInstance("AES/ECB/NoPadding");
            tweak = Cipher.getInstance("AES/ECB/NoPadding");
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK has no AES", e);
        }
    }

    boolean isOf(HeapKey heapKey) {
        return key == heapKey && version == heapKey.version();
    }

    void rekey(HeapKey heapKey) {
        version = heapKey.version();
        try {
            encrypt.init(Cipher.ENCRYPT_MODE, heapKey.half(0));
            decrypt.init(Cipher.DECRYPT_MODE, heapKey.half(0));
            tweak.init(Cipher.ENCRYPT_MODE, heapKey.half(1));
        } catch (GeneralSecurityException e) {
            throw new IllegalStateException("this JDK's AES takes no 256-bit key", e);
        }
        key = heapKey;
    }

    Cipher data(boolean encrypting) {
        return encrypting ? encrypt : decrypt;
    }

    Cipher tweak() {
        return tweak;
    }

    @Nullable
    HeapKey key() {
        return key;
    }
}
