package io.blockseal.nbd;

import io.netty.buffer.ByteBuf;

/**
 * A metadata context as a server names it: identifier 4, name.
 *
 * @param id what BLOCK_STATUS chunks carry; valid for one connection
 * @param name such as {@link NbdAllocation#CONTEXT}
 */
public record NbdMetaContext(int id, String name) {

    /** Decodes {@code length} payload bytes at {@code index}; the caller has checked that they are there. */
    public static NbdDecoded<NbdMetaContext> decode(ByteBuf buffer, int index, int length) {
        if (length < 4) {
            return NbdDecoded.malformed("a metadata context is shorter than 4 bytes");
        }
        NbdDecoded<String> name = NbdString.decode(buffer, index + 4, length - 4);
        return name.isValid()
                ? NbdDecoded.of(new NbdMetaContext(buffer.getInt(index), name.value()))
                : NbdDecoded.malformed("metadata context name: " + name.problem());
    }
}
