package io.blockseal.nbd;

import io.netty.buffer.ByteBuf;

/**
 * Writes replies and chunks into a buffer at an index. Nothing is allocated, no buffer grows and no index moves; every
 * method answers with the number of bytes it wrote.
 *
 * <pre>
 * simple      magic 4 | error 4 | cookie 8                                       = 16
 * structured  magic 4 | flags 2 | type 2 | cookie 8 | length 4                   = 20
 * extended    magic 4 | flags 2 | type 2 | cookie 8 | offset 8 | length 8        = 32
 * </pre>
 *
 * <p>{@code requestOffset} is the offset that the client sent; an extended header repeats it, a structured one does not
 * have it. The methods for chunks refuse {@link NbdReplyStyle#SIMPLE}.
 */
public final class NbdReplyWriter {
    /** Offset that precedes the data of an OFFSET_DATA chunk. */
    public static final int DATA_PREFIX_BYTES = 8;
    /** Payload of an OFFSET_HOLE chunk: offset 8, hole size 4. */
    public static final int HOLE_BYTES = 12;
    /** Payload of an ERROR chunk without text: error 4, text length 2. */
    public static final int ERROR_BYTES = 6;
    /** Payload of an ERROR_OFFSET chunk without text: error 4, text length 2, offset 8. */
    public static final int ERROR_OFFSET_BYTES = 14;
    /** What precedes the extents of BLOCK_STATUS: context 4. */
    public static final int STATUS_PREFIX_BYTES = 4;
    /** One extent of BLOCK_STATUS: length 4, flags 4. */
    public static final int EXTENT_BYTES = 8;
    /** What precedes the extents of BLOCK_STATUS_EXT: context 4, count 4. */
    public static final int EXTENDED_STATUS_PREFIX_BYTES = 8;
    /** One extent of BLOCK_STATUS_EXT: length 8, flags 8. */
    public static final int EXTENDED_EXTENT_BYTES = 16;

    private NbdReplyWriter() {}

    /** A simple reply; data of a successful READ follow. */
    public static int simpleReply(ByteBuf out, int index, int error, long cookie) {
        out.setInt(index, NbdMagic.SIMPLE_REPLY);
        out.setInt(index + 4, error);
        out.setLong(index + 8, cookie);
        return NbdLimits.SIMPLE_REPLY_BYTES;
    }

    /** The header of a structured chunk; {@code payloadLength} is unsigned 32-bit. */
    public static int structuredHeader(ByteBuf out, int index, int flags, int type, long cookie, long payloadLength) {
        out.setInt(index, NbdMagic.STRUCTURED_REPLY);
        out.setShort(index + 4, flags);
        out.setShort(index + 6, type);
        out.setLong(index + 8, cookie);
        out.setInt(index + 16, (int) payloadLength);
        return NbdLimits.STRUCTURED_REPLY_BYTES;
    }

    /** The header of an extended chunk. */
    public static int extendedHeader(
            ByteBuf out, int index, int flags, int type, long cookie, long requestOffset, long payloadLength) {
        out.setInt(index, NbdMagic.EXTENDED_REPLY);
        out.setShort(index + 4, flags);
        out.setShort(index + 6, type);
        out.setLong(index + 8, cookie);
        out.setLong(index + 16, requestOffset);
        out.setLong(index + 24, payloadLength);
        return NbdLimits.EXTENDED_REPLY_BYTES;
    }

    /** The header of a chunk in this style. */
    public static int chunkHeader(
            NbdReplyStyle style,
            ByteBuf out,
            int index,
            int flags,
            int type,
            long cookie,
            long requestOffset,
            long payloadLength) {
        return switch (style) {
            case STRUCTURED -> structuredHeader(out, index, flags, type, cookie, payloadLength);
            case EXTENDED -> extendedHeader(out, index, flags, type, cookie, requestOffset, payloadLength);
            case SIMPLE -> throw new IllegalArgumentException("a simple reply has no chunks");
        };
    }

    /** A NONE chunk; it is always the last of its reply. */
    public static int none(NbdReplyStyle style, ByteBuf out, int index, long cookie, long requestOffset) {
        return chunkHeader(style, out, index, NbdReplyFlags.DONE, NbdReplyType.NONE, cookie, requestOffset, 0);
    }

    /**
     * Header and offset of an OFFSET_DATA chunk; the caller sends {@code dataLength} bytes right behind. They must be
     * at least one.
     */
    public static int offsetData(
            NbdReplyStyle style,
            ByteBuf out,
            int index,
            int flags,
            long cookie,
            long requestOffset,
            long dataOffset,
            int dataLength) {
        int header = chunkHeader(
                style,
                out,
                index,
                flags,
                NbdReplyType.OFFSET_DATA,
                cookie,
                requestOffset,
                (long) DATA_PREFIX_BYTES + dataLength);
        out.setLong(index + header, dataOffset);
        return header + DATA_PREFIX_BYTES;
    }

    /** A whole OFFSET_HOLE chunk; {@code holeLength} is unsigned 32-bit and not zero. */
    public static int offsetHole(
            NbdReplyStyle style,
            ByteBuf out,
            int index,
            int flags,
            long cookie,
            long requestOffset,
            long holeOffset,
            long holeLength) {
        int header = chunkHeader(style, out, index, flags, NbdReplyType.OFFSET_HOLE, cookie, requestOffset, HOLE_BYTES);
        out.setLong(index + header, holeOffset);
        out.setInt(index + header + 8, (int) holeLength);
        return header + HOLE_BYTES;
    }

    /**
     * A whole ERROR chunk.
     *
     * @param text bytes made by {@link NbdString#encode}, ours and never the peer's; may be empty
     */
    public static int error(
            NbdReplyStyle style,
            ByteBuf out,
            int index,
            int flags,
            long cookie,
            long requestOffset,
            int error,
            byte[] text) {
        int header = chunkHeader(
                style, out, index, flags, NbdReplyType.ERROR, cookie, requestOffset, (long) ERROR_BYTES + text.length);
        errorFields(out, index + header, error, text);
        return header + ERROR_BYTES + text.length;
    }

    /** A whole ERROR_OFFSET chunk; as {@link #error}, with the place of the error, inside the request. */
    public static int errorOffset(
            NbdReplyStyle style,
            ByteBuf out,
            int index,
            int flags,
            long cookie,
            long requestOffset,
            int error,
            byte[] text,
            long errorOffset) {
        int header = chunkHeader(
                style,
                out,
                index,
                flags,
                NbdReplyType.ERROR_OFFSET,
                cookie,
                requestOffset,
                (long) ERROR_OFFSET_BYTES + text.length);
        errorFields(out, index + header, error, text);
        out.setLong(index + header + ERROR_BYTES + text.length, errorOffset);
        return header + ERROR_OFFSET_BYTES + text.length;
    }

    private static void errorFields(ByteBuf out, int index, int error, byte[] text) {
        out.setInt(index, error);
        out.setShort(index + 4, text.length);
        out.setBytes(index + ERROR_BYTES, text);
    }

    /**
     * Header and prefix of a BLOCK_STATUS chunk, or of BLOCK_STATUS_EXT if the style is extended; the caller writes
     * {@code extentCount} extents right behind, by {@link #extent}.
     */
    public static int blockStatus(
            NbdReplyStyle style,
            ByteBuf out,
            int index,
            int flags,
            long cookie,
            long requestOffset,
            int contextId,
            int extentCount) {
        boolean extended = style == NbdReplyStyle.EXTENDED;
        int type = extended ? NbdReplyType.BLOCK_STATUS_EXT : NbdReplyType.BLOCK_STATUS;
        int prefix = extended ? EXTENDED_STATUS_PREFIX_BYTES : STATUS_PREFIX_BYTES;
        long payload = prefix + (long) extentCount * extentBytes(style);
        int header = chunkHeader(style, out, index, flags, type, cookie, requestOffset, payload);
        out.setInt(index + header, contextId);
        if (extended) {
            out.setInt(index + header + 4, extentCount);
        }
        return header + prefix;
    }

    /**
     * One extent of a BLOCK_STATUS chunk in this style. A structured extent has 32 bits for its length: the caller
     * clips.
     */
    public static int extent(NbdReplyStyle style, ByteBuf out, int index, long length, long status) {
        if (style == NbdReplyStyle.EXTENDED) {
            out.setLong(index, length);
            out.setLong(index + 8, status);
        } else {
            out.setInt(index, (int) length);
            out.setInt(index + 4, (int) status);
        }
        return extentBytes(style);
    }

    /** Length of one extent in this style. */
    public static int extentBytes(NbdReplyStyle style) {
        return style == NbdReplyStyle.EXTENDED ? EXTENDED_EXTENT_BYTES : EXTENT_BYTES;
    }
}
