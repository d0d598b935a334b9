package io.blockseal.nbd;

import io.netty.buffer.ByteBuf;

/** Appends a client's options to a buffer. Options with a layout of their own encode themselves. */
public final class NbdOptionWriter {
    private NbdOptionWriter() {}

    /** The header alone; {@code payloadLength} bytes have to follow. */
    public static void header(ByteBuf out, NbdOption option, int payloadLength) {
        out.writeLong(NbdMagic.OPTION);
        out.writeInt(option.code());
        out.writeInt(payloadLength);
    }

    /** An option without payload: ABORT, LIST, STARTTLS, STRUCTURED_REPLY, EXTENDED_HEADERS. */
    public static void bare(ByteBuf out, NbdOption option) {
        header(out, option, 0);
    }

    /** EXPORT_NAME, whose payload is the bare name. */
    public static void exportName(ByteBuf out, String exportName) {
        byte[] name = NbdString.encode(exportName);
        header(out, NbdOption.EXPORT_NAME, name.length);
        out.writeBytes(name);
    }
}
