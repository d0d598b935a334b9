package io.blockseal.nbd;

import io.netty.buffer.ByteBuf;
import java.nio.ByteBuffer;

/**
 * One request header, decoded into fields. A connection keeps one and decodes into it again and again; nothing is
 * allocated.
 *
 * <pre>
 * compact     magic 4 | flags 2 | type 2 | cookie 8 | offset 8 | length 4   = 28
 * extended    magic 4 | flags 2 | type 2 | cookie 8 | offset 8 | length 8   = 32
 * </pre>
 *
 * <p>Offset and length are unsigned on the wire. A compact length always fits a Java {@code long}; an offset or an
 * extended length of 2^63 and more is a negative {@code long} here: compare with {@link #isWithin} or
 * {@link Long#compareUnsigned}.
 */
public final class NbdRequestHeader {
    private static final int FLAGS = 4;
    private static final int TYPE = 6;
    private static final int COOKIE = 8;
    private static final int OFFSET = 16;
    private static final int LENGTH = 24;

    private int flags;
    private int type;
    private long cookie;
    private long offset;
    private long length;

    /**
     * Decodes the header that lies at {@code index}, in the form that this style uses. The caller has checked that
     * {@link NbdReplyStyle#requestHeaderBytes} are there; the buffer's indexes stay as they are.
     *
     * @return false if the magic number is wrong; the fields then mean nothing and the connection has to be closed
     */
    public boolean decode(NbdReplyStyle style, ByteBuf buffer, int index) {
        return style == NbdReplyStyle.EXTENDED ? decodeExtended(buffer, index) : decodeCompact(buffer, index);
    }

    /** Decodes 28 bytes at {@code index}; false if the magic number is wrong. */
    public boolean decodeCompact(ByteBuf buffer, int index) {
        if (buffer.getInt(index) != NbdMagic.REQUEST) {
            return false;
        }
        fields(buffer.getInt(index + FLAGS), buffer.getLong(index + COOKIE), buffer.getLong(index + OFFSET));
        length = buffer.getUnsignedInt(index + LENGTH);
        return true;
    }

    /** Decodes 32 bytes at {@code index}; false if the magic number is wrong. */
    public boolean decodeExtended(ByteBuf buffer, int index) {
        if (buffer.getInt(index) != NbdMagic.EXTENDED_REQUEST) {
            return false;
        }
        fields(buffer.getInt(index + FLAGS), buffer.getLong(index + COOKIE), buffer.getLong(index + OFFSET));
        length = buffer.getLong(index + LENGTH);
        return true;
    }

    /** As {@link #decodeCompact(ByteBuf, int)}, from a big-endian NIO buffer over any memory. */
    public boolean decodeCompact(ByteBuffer buffer, int index) {
        if (buffer.getInt(index) != NbdMagic.REQUEST) {
            return false;
        }
        fields(buffer.getInt(index + FLAGS), buffer.getLong(index + COOKIE), buffer.getLong(index + OFFSET));
        length = Integer.toUnsignedLong(buffer.getInt(index + LENGTH));
        return true;
    }

    /** As {@link #decodeExtended(ByteBuf, int)}, from a big-endian NIO buffer over any memory. */
    public boolean decodeExtended(ByteBuffer buffer, int index) {
        if (buffer.getInt(index) != NbdMagic.EXTENDED_REQUEST) {
            return false;
        }
        fields(buffer.getInt(index + FLAGS), buffer.getLong(index + COOKIE), buffer.getLong(index + OFFSET));
        length = buffer.getLong(index + LENGTH);
        return true;
    }

    private void fields(int flagsAndType, long newCookie, long newOffset) {
        flags = flagsAndType >>> 16;
        type = flagsAndType & 0xffff;
        cookie = newCookie;
        offset = newOffset;
    }

    /**
     * Writes a header in the form that this style uses, at {@code index}; grows nothing and moves no index.
     *
     * @param length unsigned; for the compact form it must fit 32 bits
     * @return how many bytes were written
     */
    public static int encode(
            NbdReplyStyle style, ByteBuf out, int index, int flags, int type, long cookie, long offset, long length) {
        boolean extended = style == NbdReplyStyle.EXTENDED;
        out.setInt(index, extended ? NbdMagic.EXTENDED_REQUEST : NbdMagic.REQUEST);
        out.setShort(index + FLAGS, flags);
        out.setShort(index + TYPE, type);
        out.setLong(index + COOKIE, cookie);
        out.setLong(index + OFFSET, offset);
        if (extended) {
            out.setLong(index + LENGTH, length);
        } else {
            if (length < 0 || length > NbdLimits.MAX_UNSIGNED_32) {
                throw new IllegalArgumentException(
                        "length " + Long.toUnsignedString(length) + " does not fit a compact request");
            }
            out.setInt(index + LENGTH, (int) length);
        }
        return style.requestHeaderBytes();
    }

    /** The 16 command flags. */
    public int flags() {
        return flags;
    }

    /** The 16-bit command number; may be unknown to {@link NbdCommand}. */
    public int type() {
        return type;
    }

    /** The client's 64 opaque bits. */
    public long cookie() {
        return cookie;
    }

    /** The offset, unsigned. */
    public long offset() {
        return offset;
    }

    /** The length, unsigned. */
    public long length() {
        return length;
    }

    /** Says whether the whole request lies inside an export of {@code sizeBytes}, in unsigned arithmetic. */
    public boolean isWithin(long sizeBytes) {
        return isWithin(offset, length, sizeBytes);
    }

    /** Says whether {@code length} bytes at {@code offset} lie inside {@code sizeBytes}; all three are unsigned. */
    public static boolean isWithin(long offset, long length, long sizeBytes) {
        // Never offset + length: the sum may wrap around.
        return Long.compareUnsigned(offset, sizeBytes) <= 0 && Long.compareUnsigned(length, sizeBytes - offset) <= 0;
    }

    @Override
    public String toString() {
        NbdCommand command = NbdCommand.of(type);
        return (command == null ? "command " + type : command) + " flags=" + flags + " offset="
                + Long.toUnsignedString(offset) + " length=" + Long.toUnsignedString(length);
    }
}
