package io.blockseal.nbd;

import io.netty.buffer.ByteBuf;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * The payload of INFO and GO: name length 4, name, count 2, then 2 bytes for each kind of information asked for.
 *
 * @param exportName the export, empty for the default one
 * @param infos the kinds asked for; kinds unknown to us are left out, as the specification asks
 */
public record NbdInfoRequest(String exportName, Set<NbdInfo> infos) {
    private static final int FIXED_BYTES = 6;

    /** Makes the set unmodifiable. */
    public NbdInfoRequest {
        EnumSet<NbdInfo> copy = EnumSet.noneOf(NbdInfo.class);
        copy.addAll(infos);
        infos = Collections.unmodifiableSet(copy);
    }

    /** Decodes {@code length} payload bytes at {@code index}; the caller has checked that they are there. */
    public static NbdDecoded<NbdInfoRequest> decode(ByteBuf buffer, int index, int length) {
        if (length < FIXED_BYTES) {
            return NbdDecoded.malformed("the option is shorter than " + FIXED_BYTES + " bytes");
        }
        long nameLength = buffer.getUnsignedInt(index);
        if (nameLength > length - FIXED_BYTES) {
            return NbdDecoded.malformed("the export name is longer than the option");
        }
        NbdDecoded<String> name = NbdString.decode(buffer, index + 4, (int) nameLength);
        if (!name.isValid()) {
            return NbdDecoded.malformed("export name: " + name.problem());
        }
        int countIndex = index + 4 + (int) nameLength;
        int count = buffer.getUnsignedShort(countIndex);
        if (FIXED_BYTES + nameLength + 2L * count != length) {
            return NbdDecoded.malformed("the option's length does not fit its number of information requests");
        }
        EnumSet<NbdInfo> infos = EnumSet.noneOf(NbdInfo.class);
        for (int i = 0; i < count; i++) {
            NbdInfo info = NbdInfo.of(buffer.getUnsignedShort(countIndex + 2 + 2 * i));
            if (info != null) {
                infos.add(info);
            }
        }
        return NbdDecoded.of(new NbdInfoRequest(name.value(), infos));
    }

    /** Appends the whole option, header and payload; {@code option} is INFO or GO. */
    public void encode(ByteBuf out, NbdOption option) {
        byte[] name = NbdString.encode(exportName);
        NbdOptionWriter.header(out, option, FIXED_BYTES + name.length + 2 * infos.size());
        out.writeInt(name.length);
        out.writeBytes(name);
        out.writeShort(infos.size());
        for (NbdInfo info : infos) {
            out.writeShort(info.code());
        }
    }
}
