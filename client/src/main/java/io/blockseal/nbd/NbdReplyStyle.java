package io.blockseal.nbd;

/** Which headers a connection uses after the handshake. */
public enum NbdReplyStyle {
    /** Compact requests, simple replies. */
    SIMPLE(NbdLimits.REQUEST_BYTES, NbdLimits.SIMPLE_REPLY_BYTES),
    /** Compact requests, chunks with 20-byte headers; simple replies stay legal but for READ and BLOCK_STATUS. */
    STRUCTURED(NbdLimits.REQUEST_BYTES, NbdLimits.STRUCTURED_REPLY_BYTES),
    /** Extended requests, chunks with 32-byte headers and nothing else. */
    EXTENDED(NbdLimits.EXTENDED_REQUEST_BYTES, NbdLimits.EXTENDED_REPLY_BYTES);

    private final int requestHeaderBytes;
    private final int replyHeaderBytes;

    NbdReplyStyle(int requestHeaderBytes, int replyHeaderBytes) {
        this.requestHeaderBytes = requestHeaderBytes;
        this.replyHeaderBytes = replyHeaderBytes;
    }

    /** Length of a request header. */
    public int requestHeaderBytes() {
        return requestHeaderBytes;
    }

    /** Length of the header of a reply or of a chunk. */
    public int replyHeaderBytes() {
        return replyHeaderBytes;
    }

    /** Says whether replies consist of chunks. */
    public boolean isChunked() {
        return this != SIMPLE;
    }
}
