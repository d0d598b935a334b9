package io.blockseal.client;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.netty.buffer.ByteBuf;

/** A READ on its way: puts the parts of the answer where they belong in the caller's buffer, in whatever order. */
final class PendingRead extends PendingRequest {
    private final ByteBuf target;
    private final int targetIndex;
    private final CoveredRanges covered;
    private int contentChunks;
    private int writeIndex;

    /** The target has {@code length} bytes from {@code targetIndex}; it stays the caller's. */
    PendingRead(int flags, long offset, int length, ByteBuf target, int targetIndex) {
        super(NbdCommand.READ, flags, offset, length, null);
        this.target = target;
        this.targetIndex = targetIndex;
        this.covered = new CoveredRanges(offset, length);
    }

    @Override
    void beginData(long dataOffset, long dataLength) throws NbdProtocolException {
        writeIndex = place(dataOffset, dataLength);
    }

    @Override
    void data(ByteBuf source, int limit) {
        source.readBytes(target, writeIndex, limit);
        writeIndex += limit;
    }

    @Override
    void hole(long holeOffset, long holeLength) throws NbdProtocolException {
        target.setZero(place(holeOffset, holeLength), (int) holeLength);
    }

    /** Checks a part and answers with its index in the target. */
    private int place(long partOffset, long partLength) throws NbdProtocolException {
        if (!covered.add(partOffset, partLength)) {
            throw unexpected("content of " + Long.toUnsignedString(partLength) + " bytes at "
                    + Long.toUnsignedString(partOffset) + ", which is empty, outside the request, or came twice");
        }
        contentChunks++;
        if (contentChunks > 1 && (flags() & NbdCommandFlags.DF) != 0) {
            throw unexpected("more than one content chunk in spite of DF");
        }
        return targetIndex + (int) (partOffset - offset());
    }

    @Override
    void checkComplete() throws NbdProtocolException {
        if (!covered.isComplete()) {
            throw unexpected("success, but only " + covered.coveredBytes() + " bytes of content");
        }
    }
}
