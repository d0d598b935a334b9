package io.blockseal.store.file;

/**
 * What the system says of an open file.
 *
 * @param kind regular file or block device
 * @param sizeBytes size of the file or device
 * @param allocatedBytes bytes that it occupies; the size for a device
 * @param logicalBlockBytes smallest unit that O_DIRECT may address
 * @param inMemory whether it lies on tmpfs or ramfs, where nothing waits for a disk
 */
record FileFacts(Kind kind, long sizeBytes, long allocatedBytes, int logicalBlockBytes, boolean inMemory) {
    enum Kind {
        REGULAR,
        BLOCK_DEVICE,
        OTHER
    }
}
