package io.blockseal.store.file;

/**
 * What the system says of an open file.
 *
 * @param kind regular file or block device
 * @param sizeBytes size of the file or device
 * @param allocatedBytes bytes that it occupies; the size for a device
 * @param logicalBlockBytes smallest unit that O_DIRECT may address
 * @param place where its bytes are in the end
 */
record FileFacts(Kind kind, long sizeBytes, long allocatedBytes, int logicalBlockBytes, Place place) {
    enum Kind {
        REGULAR,
        BLOCK_DEVICE,
        OTHER
    }

    enum Place {
        /** tmpfs or ramfs, where nothing waits for a disk. */
        MEMORY,
        /** A disk of this machine, see {@link Locality}. */
        DISK,
        /** Behind a network or another process. */
        ELSEWHERE
    }

    boolean inMemory() {
        return place == Place.MEMORY;
    }
}
