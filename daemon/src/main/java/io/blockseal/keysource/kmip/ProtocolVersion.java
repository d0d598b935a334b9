package io.blockseal.keysource.kmip;

import java.io.IOException;

/**
 * A version of the protocol.
 *
 * @param major 1
 * @param minor 2 or later: that has Encrypt and Decrypt
 */
record ProtocolVersion(int major, int minor) {
    /** The newest that we speak. */
    static final ProtocolVersion NEWEST = new ProtocolVersion(1, 4);
    /** The oldest. */
    static final ProtocolVersion OLDEST = new ProtocolVersion(1, 2);

    /** Whether we speak it. */
    boolean isOurs() {
        return major == NEWEST.major && minor >= OLDEST.minor && minor <= NEWEST.minor;
    }

    /** Whether its Encrypt and Decrypt know associated data and authentication tags. */
    boolean hasAuthenticatedEncryption() {
        return minor >= 4;
    }

    /** From a structure Protocol Version. */
    static ProtocolVersion of(TtlvItem item) throws IOException {
        return new ProtocolVersion(
                item.require(Tag.PROTOCOL_VERSION_MAJOR).number(),
                item.require(Tag.PROTOCOL_VERSION_MINOR).number());
    }

    /** Writes that structure. */
    void write(TtlvWriter to) {
        to.structure(Tag.PROTOCOL_VERSION, in -> in.integer(Tag.PROTOCOL_VERSION_MAJOR, major)
                .integer(Tag.PROTOCOL_VERSION_MINOR, minor));
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}
