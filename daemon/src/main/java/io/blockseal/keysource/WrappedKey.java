package io.blockseal.keysource;

/**
 * A volume key under a KEK, as one key slot stores it.
 *
 * @param algorithm how it was wrapped
 * @param reference where the KEK lives, a URI without a version, at most 256 bytes of UTF-8; no secret
 * @param version the KEK's version at its source, at most 64 bytes; empty if it has none
 * @param parameters what unwrapping needs to know (salt, cost), TLV, at most 128 bytes
 * @param blob the wrapped key, at most 512 bytes
 */
public record WrappedKey(WrapAlgorithm algorithm, String reference, String version, byte[] parameters, byte[] blob) {
    /** Whether it is bytes that only the source at that reference understands. */
    public boolean isOpaqueOf(String place) {
        return algorithm == WrapAlgorithm.OPAQUE && reference.equals(place);
    }
}
