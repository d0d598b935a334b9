package io.blockseal.keysource.kmip;

/** What we ask for (KMIP 1.4, 9.1.3.2.27). {@code Get}, which would show the KEK, is not among it. */
enum Operation {
    /** Which keys have a name. */
    LOCATE(0x08, "Locate"),
    /** What a key is like. */
    GET_ATTRIBUTES(0x0B, "Get Attributes"),
    /** Which versions of the protocol the server speaks. */
    DISCOVER_VERSIONS(0x1E, "Discover Versions"),
    /** Enciphers under a key. */
    ENCRYPT(0x1F, "Encrypt"),
    /** Deciphers. */
    DECRYPT(0x20, "Decrypt");

    private final int code;
    private final String words;

    Operation(int code, String words) {
        this.code = code;
        this.words = words;
    }

    /** The number on the wire. */
    int code() {
        return code;
    }

    @Override
    public String toString() {
        return words;
    }
}
