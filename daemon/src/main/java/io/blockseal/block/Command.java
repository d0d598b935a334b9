package io.blockseal.block;

/** What a request asks a device to do. */
public enum Command {
    /** Fill the request's memory from the device. */
    READ,
    /** Put the request's memory on the device; the layers below may overwrite that memory (encryption is in place). */
    WRITE,
    /** Make every write that was completed before this request was submitted durable. */
    FLUSH,
    /** The contents of the stretch are not needed any more; it reads as zeros afterwards. */
    TRIM,
    /** Make the stretch read as zeros; with {@link BlockRequest#NO_HOLE} it stays provisioned. */
    WRITE_ZEROES,
    /** A hint that the stretch will be read soon. */
    CACHE,
    /** Describe the stretch as extents into {@link BlockRequest#extents()}. */
    BLOCK_STATUS
}
