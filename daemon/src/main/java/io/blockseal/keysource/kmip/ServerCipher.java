package io.blockseal.keysource.kmip;

import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * By which mode of AES the server enciphers. None pads: what it is given is two whole blocks, and a padding that the server
 * checks would tell more to whoever alters a key slot than that it does not open.
 */
enum ServerCipher {
    /** Galois/Counter Mode, with the volume as associated data; wants KMIP 1.4. */
    GCM(9, 12, 16),
    /** Cipher Block Chaining. */
    CBC(1, 16, 0),
    /** Counter Mode. */
    CTR(6, 16, 0);

    private final int code;
    private final int ivBytes;
    private final int tagBytes;

    ServerCipher(int code, int ivBytes, int tagBytes) {
        this.code = code;
        this.ivBytes = ivBytes;
        this.tagBytes = tagBytes;
    }

    /** The number of its Block Cipher Mode (KMIP 1.4, 9.1.3.2.14), on the wire and in key slots. */
    int code() {
        return code;
    }

    /** How long its initialisation vector is. */
    int ivBytes() {
        return ivBytes;
    }

    /** How long its authentication tag is; 0 if it has none. */
    int tagBytes() {
        return tagBytes;
    }

    /** Whether it binds associated data. */
    boolean isAuthenticated() {
        return tagBytes > 0;
    }

    /** By its number; null if there is none. */
    static @Nullable ServerCipher of(int code) {
        for (ServerCipher each : values()) {
            if (each.code == code) {
                return each;
            }
        }
        return null;
    }

    /** The word of the option {@code cipher}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
