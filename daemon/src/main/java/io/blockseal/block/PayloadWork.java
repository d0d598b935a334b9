package io.blockseal.block;

/**
 * What a layer has to do to the bytes of a large WRITE before they are stored, and which may be done on any thread: by
 * whoever makes the call to the storage. So the loop can receive the next payload while another thread enciphers this one.
 *
 * <p>READs have no such thing: the loop deciphers what it is about to send, while that is in its processor's cache.
 */
public interface PayloadWork {
    /** From this length on it pays to let another thread do it. */
    int BYTES_MIN = 128 << 10;

    /**
     * Does it, in the request's memory; once, on any thread, while nobody else touches the request.
     *
     * @return OK, or what the request fails with; it is not stored then
     */
    Errno work(BlockRequest request);
}
