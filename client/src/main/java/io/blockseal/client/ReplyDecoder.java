package io.blockseal.client;

import io.blockseal.nbd.NbdDecoded;
import io.blockseal.nbd.NbdLimits;
import io.blockseal.nbd.NbdMagic;
import io.blockseal.nbd.NbdReplyFlags;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdReplyType;
import io.blockseal.nbd.NbdReplyWriter;
import io.blockseal.nbd.NbdString;
import io.netty.buffer.ByteBuf;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes the server's stream apart and gives each piece to the request that it answers.
 *
 * <p>Data of reads go from the socket's buffer straight into the caller's, as they arrive; everything else is small or
 * bounded and waits until it is whole. Any breach of the protocol ends in an exception, after which the decoder must
 * not be used again.
 */
final class ReplyDecoder {
    private enum State {
        /** Waiting for a whole header. */
        HEADER,
        /** Waiting for the offset in front of data. */
        DATA_OFFSET,
        /** Passing data on. */
        DATA,
        /** Waiting for a whole payload that is not data. */
        PAYLOAD
    }

    /** Who knows the requests. */
    interface Requests {
        /** The request with this cookie, or null if none is on its way. */
        @Nullable
        PendingRequest byCookie(long cookie);

        /** The last part of the answer to this request is in. */
        void answered(long cookie) throws NbdProtocolException;
    }

    private static final int MAX_STATUS_BYTES =
            NbdReplyWriter.EXTENDED_STATUS_PREFIX_BYTES + NbdLimits.MAX_EXTENTS * NbdReplyWriter.EXTENDED_EXTENT_BYTES;

    private final NbdReplyStyle style;
    private final Requests requests;
    private State state = State.HEADER;
    private @Nullable PendingRequest current;
    private long cookie;
    private boolean last;
    private int type;
    private long payloadBytes;

    ReplyDecoder(NbdReplyStyle style, Requests requests) {
        this.style = style;
        this.requests = requests;
    }

    /** Consumes what it can; what is left has to come again, with more behind it. */
    void decode(ByteBuf in) throws NbdProtocolException {
        boolean progress = true;
        while (progress) {
            progress = switch (state) {
                case HEADER -> header(in);
                case DATA_OFFSET -> dataOffset(in);
                case DATA -> data(in);
                case PAYLOAD -> payload(in);
            };
        }
    }

    private PendingRequest current() {
        PendingRequest request = current;
        if (request == null) {
            throw new IllegalStateException("no reply has begun");
        }
        return request;
    }

    private boolean header(ByteBuf in) throws NbdProtocolException {
        if (in.readableBytes() < 4) {
            return false;
        }
        int magic = in.getInt(in.readerIndex());
        if (magic == NbdMagic.SIMPLE_REPLY && style != NbdReplyStyle.EXTENDED) {
            return simpleHeader(in);
        }
        if (magic == NbdMagic.STRUCTURED_REPLY && style == NbdReplyStyle.STRUCTURED) {
            return chunkHeader(in);
        }
        if (magic == NbdMagic.EXTENDED_REPLY && style == NbdReplyStyle.EXTENDED) {
            return chunkHeader(in);
        }
        throw new NbdProtocolException("a reply begins with 0x" + Integer.toHexString(magic)
                + ", which is no magic number of " + style + " replies");
    }

    private boolean simpleHeader(ByteBuf in) throws NbdProtocolException {
        if (in.readableBytes() < NbdLimits.SIMPLE_REPLY_BYTES) {
            return false;
        }
        in.skipBytes(4);
        int error = in.readInt();
        PendingRequest request = begin(in.readLong());
        last = true;
        boolean isRead = request instanceof PendingRead;
        if (style.isChunked() && isRead) {
            throw request.unexpected("a simple reply, though " + style + " replies were agreed");
        }
        if (error != 0) {
            request.error(error, "");
            return endOfChunk();
        }
        if (isRead && request.length() > 0) {
            return beginData(request.offset(), request.length());
        }
        return endOfChunk();
    }

    private boolean chunkHeader(ByteBuf in) throws NbdProtocolException {
        if (in.readableBytes() < style.replyHeaderBytes()) {
            return false;
        }
        in.skipBytes(4);
        last = (in.readUnsignedShort() & NbdReplyFlags.DONE) != 0;
        type = in.readUnsignedShort();
        PendingRequest request = begin(in.readLong());
        if (style == NbdReplyStyle.EXTENDED) {
            long offset = in.readLong();
            if (offset != request.offset()) {
                throw request.unexpected("a chunk for offset " + Long.toUnsignedString(offset));
            }
            payloadBytes = in.readLong();
        } else {
            payloadBytes = in.readUnsignedInt();
        }
        checkPayloadLength(request);
        state = type == NbdReplyType.OFFSET_DATA ? State.DATA_OFFSET : State.PAYLOAD;
        return true;
    }

    private PendingRequest begin(long newCookie) throws NbdProtocolException {
        PendingRequest request = requests.byCookie(newCookie);
        if (request == null) {
            throw new NbdProtocolException(
                    "a reply has cookie " + Long.toUnsignedString(newCookie) + ", which no request on its way has");
        }
        cookie = newCookie;
        current = request;
        return request;
    }

    private void checkPayloadLength(PendingRequest request) throws NbdProtocolException {
        boolean fits =
                switch (type) {
                    case NbdReplyType.NONE -> payloadBytes == 0;
                    case NbdReplyType.OFFSET_DATA ->
                        payloadBytes > NbdReplyWriter.DATA_PREFIX_BYTES
                                && payloadBytes - NbdReplyWriter.DATA_PREFIX_BYTES <= request.dataBytes();
                    case NbdReplyType.OFFSET_HOLE -> payloadBytes == NbdReplyWriter.HOLE_BYTES;
                    case NbdReplyType.BLOCK_STATUS ->
                        style == NbdReplyStyle.STRUCTURED
                                && isStatusLength(NbdReplyWriter.STATUS_PREFIX_BYTES, NbdReplyWriter.EXTENT_BYTES);
                    case NbdReplyType.BLOCK_STATUS_EXT ->
                        style == NbdReplyStyle.EXTENDED
                                && isStatusLength(
                                        NbdReplyWriter.EXTENDED_STATUS_PREFIX_BYTES,
                                        NbdReplyWriter.EXTENDED_EXTENT_BYTES);
                    default ->
                        // Error types that we do not know begin like ERROR and may have more fields behind the text.
                        NbdReplyType.isError(type)
                                && payloadBytes >= NbdReplyWriter.ERROR_BYTES
                                && payloadBytes <= NbdLimits.MAX_OPTION_BYTES;
                };
        if (!fits) {
            throw request.unexpected(
                    "a chunk of type " + type + " and " + Long.toUnsignedString(payloadBytes) + " bytes");
        }
        if (type == NbdReplyType.NONE && !last) {
            throw request.unexpected("an empty chunk that is not the last");
        }
    }

    private boolean isStatusLength(int prefix, int extent) {
        return payloadBytes > prefix && payloadBytes <= MAX_STATUS_BYTES && (payloadBytes - prefix) % extent == 0;
    }

    private boolean dataOffset(ByteBuf in) throws NbdProtocolException {
        if (in.readableBytes() < NbdReplyWriter.DATA_PREFIX_BYTES) {
            return false;
        }
        return beginData(in.readLong(), payloadBytes - NbdReplyWriter.DATA_PREFIX_BYTES);
    }

    private boolean beginData(long offset, long length) throws NbdProtocolException {
        current().beginData(offset, length);
        payloadBytes = length;
        state = State.DATA;
        return true;
    }

    private boolean data(ByteBuf in) throws NbdProtocolException {
        int available = (int) Math.min(in.readableBytes(), payloadBytes);
        current().data(in, available);
        payloadBytes -= available;
        return payloadBytes == 0 && endOfChunk();
    }

    private boolean payload(ByteBuf in) throws NbdProtocolException {
        if (in.readableBytes() < payloadBytes) {
            return false;
        }
        ByteBuf payload = in.readSlice((int) payloadBytes);
        PendingRequest request = current();
        switch (type) {
            case NbdReplyType.NONE -> {}
            case NbdReplyType.OFFSET_HOLE -> request.hole(payload.readLong(), payload.readUnsignedInt());
            case NbdReplyType.BLOCK_STATUS -> request.status(payload.readInt(), compactExtents(payload));
            case NbdReplyType.BLOCK_STATUS_EXT -> {
                int contextId = payload.readInt();
                if (payload.readUnsignedInt() != payload.readableBytes() / NbdReplyWriter.EXTENDED_EXTENT_BYTES) {
                    throw request.unexpected("a wrong count of extents");
                }
                request.status(contextId, extendedExtents(payload));
            }
            default -> error(request, payload);
        }
        return endOfChunk();
    }

    private static List<NbdExtent> compactExtents(ByteBuf payload) {
        List<NbdExtent> extents = new ArrayList<>();
        while (payload.isReadable()) {
            extents.add(new NbdExtent(payload.readUnsignedInt(), payload.readUnsignedInt()));
        }
        return extents;
    }

    private static List<NbdExtent> extendedExtents(ByteBuf payload) {
        List<NbdExtent> extents = new ArrayList<>();
        while (payload.isReadable()) {
            extents.add(new NbdExtent(payload.readLong(), payload.readLong()));
        }
        return extents;
    }

    private void error(PendingRequest request, ByteBuf payload) throws NbdProtocolException {
        int error = payload.readInt();
        int textLength = payload.readUnsignedShort();
        boolean withOffset = type == NbdReplyType.ERROR_OFFSET;
        if (textLength > payload.readableBytes() - (withOffset ? 8 : 0)) {
            throw request.unexpected("an error text longer than its chunk");
        }
        // Shipped servers echo bytes that are no UTF-8; a bad text is no reason to lose a good connection.
        NbdDecoded<String> text = NbdString.decode(payload, payload.readerIndex(), textLength);
        payload.skipBytes(textLength);
        if (withOffset) {
            request.errorAt(error, text.isValid() ? text.value() : "", payload.readLong());
        } else {
            request.error(error, text.isValid() ? text.value() : "");
        }
    }

    private boolean endOfChunk() throws NbdProtocolException {
        state = State.HEADER;
        current = null;
        if (last) {
            requests.answered(cookie);
        }
        return true;
    }
}
