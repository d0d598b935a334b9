package io.blockseal.nbd;

import io.netty.buffer.ByteBuf;

/**
 * One export of a listing: name length 4, name, and whatever is left as a description.
 *
 * @param name as the options expect it
 * @param description for people; often empty
 */
public record NbdServerEntry(String name, String description) {

    /** Decodes {@code length} payload bytes at {@code index}; the caller has checked that they are there. */
    public static NbdDecoded<NbdServerEntry> decode(ByteBuf buffer, int index, int length) {
        if (length < 4) {
            return NbdDecoded.malformed("an export entry is shorter than 4 bytes");
        }
        long nameLength = buffer.getUnsignedInt(index);
        if (nameLength > length - 4) {
            return NbdDecoded.malformed("an export name is longer than its entry");
        }
        NbdDecoded<String> name = NbdString.decode(buffer, index + 4, (int) nameLength);
        if (!name.isValid()) {
            return NbdDecoded.malformed("export name: " + name.problem());
        }
        NbdDecoded<String> description =
                NbdString.decode(buffer, index + 4 + (int) nameLength, length - 4 - (int) nameLength);
        return description.isValid()
                ? NbdDecoded.of(new NbdServerEntry(name.value(), description.value()))
                : NbdDecoded.malformed("export description: " + description.problem());
    }
}
