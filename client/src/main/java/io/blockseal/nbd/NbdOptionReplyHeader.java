package io.blockseal.nbd;

import io.netty.buffer.ByteBuf;

/**
 * The 20 bytes in front of an option reply's payload: magic 8, option 4, reply type 4, length 4.
 *
 * @param option the number of the option that is answered
 * @param type the reply's number; may be unknown to {@link NbdOptionReply}
 * @param length how many payload bytes follow, unsigned 32-bit
 */
public record NbdOptionReplyHeader(int option, int type, long length) {

    /** Decodes the header at {@code index}; the caller has checked that 20 bytes are there. */
    public static NbdDecoded<NbdOptionReplyHeader> decode(ByteBuf buffer, int index) {
        if (buffer.getLong(index) != NbdMagic.OPTION_REPLY) {
            return NbdDecoded.malformed("an option reply does not begin with its magic number");
        }
        return NbdDecoded.of(new NbdOptionReplyHeader(
                buffer.getInt(index + 8), buffer.getInt(index + 12), buffer.getUnsignedInt(index + 16)));
    }
}
