package io.blockseal.nbd;

import io.netty.buffer.ByteBuf;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Appends a server's handshake messages to a buffer. {@code option} is the number as the client sent it, known or not.
 */
public final class NbdOptionReplyWriter {
    private NbdOptionReplyWriter() {}

    /** The server's greeting, 18 bytes. */
    public static void greeting(ByteBuf out, int handshakeFlags) {
        out.writeLong(NbdMagic.GREETING);
        out.writeLong(NbdMagic.OPTION);
        out.writeShort(handshakeFlags);
    }

    /** The answer to EXPORT_NAME: size, flags and, unless NO_ZEROES was negotiated, 124 zero bytes. */
    public static void exportNameReply(ByteBuf out, long sizeBytes, int transmissionFlags, boolean padded) {
        out.writeLong(sizeBytes);
        out.writeShort(transmissionFlags);
        if (padded) {
            out.writeZero(NbdLimits.EXPORT_NAME_PADDING_BYTES);
        }
    }

    /** The header alone; {@code payloadLength} bytes have to follow. */
    public static void header(ByteBuf out, int option, NbdOptionReply type, int payloadLength) {
        out.writeLong(NbdMagic.OPTION_REPLY);
        out.writeInt(option);
        out.writeInt(type.code());
        out.writeInt(payloadLength);
    }

    /** The end of an option that succeeded. */
    public static void ack(ByteBuf out, int option) {
        header(out, option, NbdOptionReply.ACK, 0);
    }

    /** The end of an option that failed; the text is ours and never the peer's, and may be empty. */
    public static void error(ByteBuf out, int option, NbdOptionReply type, String text) {
        if (!type.isError()) {
            throw new IllegalArgumentException(type + " is not an error");
        }
        byte[] bytes = NbdString.encode(text);
        header(out, option, type, bytes.length);
        out.writeBytes(bytes);
    }

    /** One export of a listing, with a description for people or null. */
    public static void server(ByteBuf out, int option, String name, @Nullable String description) {
        byte[] nameBytes = NbdString.encode(name);
        byte[] descriptionBytes = NbdString.encode(Objects.requireNonNullElse(description, ""));
        header(out, option, NbdOptionReply.SERVER, 4 + nameBytes.length + descriptionBytes.length);
        out.writeInt(nameBytes.length);
        out.writeBytes(nameBytes);
        out.writeBytes(descriptionBytes);
    }

    /** Size and flags of an export. */
    public static void infoExport(ByteBuf out, int option, long sizeBytes, int transmissionFlags) {
        infoHeader(out, option, NbdInfo.EXPORT, 10);
        out.writeLong(sizeBytes);
        out.writeShort(transmissionFlags);
    }

    /** The canonical name of an export. */
    public static void infoName(ByteBuf out, int option, String name) {
        infoText(out, option, NbdInfo.NAME, name);
    }

    /** A text about the export for people. */
    public static void infoDescription(ByteBuf out, int option, String description) {
        infoText(out, option, NbdInfo.DESCRIPTION, description);
    }

    /** Size constraints. */
    public static void infoBlockSize(ByteBuf out, int option, NbdBlockSizes sizes) {
        infoHeader(out, option, NbdInfo.BLOCK_SIZE, 12);
        out.writeInt(sizes.minimum());
        out.writeInt(sizes.preferred());
        out.writeInt((int) sizes.maximumPayload());
    }

    /** One metadata context. */
    public static void metaContext(ByteBuf out, int option, int contextId, String name) {
        byte[] bytes = NbdString.encode(name);
        header(out, option, NbdOptionReply.META_CONTEXT, 4 + bytes.length);
        out.writeInt(contextId);
        out.writeBytes(bytes);
    }

    private static void infoText(ByteBuf out, int option, NbdInfo info, String text) {
        byte[] bytes = NbdString.encode(text);
        infoHeader(out, option, info, bytes.length);
        out.writeBytes(bytes);
    }

    private static void infoHeader(ByteBuf out, int option, NbdInfo info, int payloadLength) {
        header(out, option, NbdOptionReply.INFO, 2 + payloadLength);
        out.writeShort(info.code());
    }
}
