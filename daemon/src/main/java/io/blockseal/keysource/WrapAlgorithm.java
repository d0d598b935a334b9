package io.blockseal.keysource;

/** How a key slot's volume key is wrapped; the codes are on disk and never change. */
public enum WrapAlgorithm {
    /** RSA-OAEP, SHA-256 for both hashes. */
    RSA_OAEP_256(1),
    /** AES-256 key wrap with padding (RFC 5649). */
    AES_256_KWP(2),
    /** A string that only the source understands. */
    OPAQUE(3),
    /** Argon2id of a passphrase, then KWP. */
    ARGON2ID_KWP(4),
    /** HKDF of 256 secret bits, then KWP. */
    HKDF_KWP(5),
    /** HKDF of a point that a Tang server helps to (ECMR), then KWP. */
    ECMR_HKDF_KWP(6),
    /** KWP under a KEK of several shares, each of which another source has wrapped. */
    ALL_OF(7);

    private final int code;

    WrapAlgorithm(int code) {
        this.code = code;
    }

    /**
     * Whether anybody can wrap a volume key so that its owner opens it: the wrapping key is public. Such a slot proves
     * nothing of where it comes from.
     */
    public boolean anybodyCanWrap() {
        return this == RSA_OAEP_256 || this == ECMR_HKDF_KWP;
    }

    /** The number on disk. */
    public int code() {
        return code;
    }
}
