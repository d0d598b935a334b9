package io.blockseal.nbd;

import io.netty.buffer.ByteBuf;

/**
 * The 16 bytes in front of an option's payload: magic 8, option 4, length 4.
 *
 * @param code the option's number; may be unknown to {@link NbdOption}
 * @param length how many payload bytes follow, unsigned 32-bit
 */
public record NbdOptionHeader(int code, long length) {

    /** Decodes the header at {@code index}; the caller has checked that 16 bytes are there. */
    public static NbdDecoded<NbdOptionHeader> decode(ByteBuf buffer, int index) {
        if (buffer.getLong(index) != NbdMagic.OPTION) {
            return NbdDecoded.malformed("an option does not begin with IHAVEOPT");
        }
        return NbdDecoded.of(new NbdOptionHeader(buffer.getInt(index + 8), buffer.getUnsignedInt(index + 12)));
    }
}
