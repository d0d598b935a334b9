package io.blockseal.volume.metadata;

/** The disk holds metadata that is genuine and yet not what was written last: somebody else's deed, not a failed write. */
final class StrangeMetadataException extends Exception {
    StrangeMetadataException(String message) {
        super(message);
    }
}
