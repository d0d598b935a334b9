package io.blockseal.nbd;

import io.netty.buffer.ByteBuf;
import org.jspecify.annotations.Nullable;

/**
 * What a client learns about an export by INFO or GO, put together from the single answers.
 *
 * <p>Kept while the answers come in; not for more than one thread.
 */
public final class NbdExportDescription {
    private boolean described;
    private long sizeBytes;
    private int transmissionFlags;
    private @Nullable String canonicalName;
    private @Nullable String description;
    private @Nullable NbdBlockSizes blockSizes;

    /** Takes size and flags from an answer to EXPORT_NAME, 10 bytes at {@code index}. */
    public void decodeExportNameReply(ByteBuf buffer, int index) {
        described = true;
        sizeBytes = buffer.getLong(index);
        transmissionFlags = buffer.getUnsignedShort(index + 8);
    }

    /**
     * Takes in one INFO answer of {@code length} payload bytes at {@code index}; the caller has checked that they are
     * there. Kinds that we do not know are passed over.
     *
     * @return an empty text, or what is wrong with the answer
     */
    public String decodeInfo(ByteBuf buffer, int index, int length) {
        if (length < 2) {
            return "an information is shorter than 2 bytes";
        }
        NbdInfo info = NbdInfo.of(buffer.getUnsignedShort(index));
        if (info == null) {
            return "";
        }
        return switch (info) {
            case EXPORT -> {
                if (length != 12) {
                    yield "INFO_EXPORT has " + length + " bytes, not 12";
                }
                decodeExportNameReply(buffer, index + 2);
                yield "";
            }
            case NAME -> {
                NbdDecoded<String> text = NbdString.decode(buffer, index + 2, length - 2);
                canonicalName = text.isValid() ? text.value() : null;
                yield text.isValid() ? "" : "INFO_NAME: " + text.problem();
            }
            case DESCRIPTION -> {
                NbdDecoded<String> text = NbdString.decode(buffer, index + 2, length - 2);
                description = text.isValid() ? text.value() : null;
                yield text.isValid() ? "" : "INFO_DESCRIPTION: " + text.problem();
            }
            case BLOCK_SIZE -> {
                if (length != 2 + NbdBlockSizes.BYTES) {
                    yield "INFO_BLOCK_SIZE has " + length + " bytes, not 14";
                }
                NbdDecoded<NbdBlockSizes> sizes = NbdBlockSizes.decode(buffer, index + 2);
                blockSizes = sizes.isValid() ? sizes.value() : null;
                yield sizes.isValid() ? "" : "INFO_BLOCK_SIZE: " + sizes.problem();
            }
        };
    }

    /** Says whether size and flags have come in; without them a server must not acknowledge. */
    public boolean isDescribed() {
        return described;
    }

    /** Size of the export, unsigned. */
    public long sizeBytes() {
        return sizeBytes;
    }

    /** See {@link NbdTransmissionFlags}. */
    public int transmissionFlags() {
        return transmissionFlags;
    }

    /** The server's own name for the export, if it told. */
    public @Nullable String canonicalName() {
        return canonicalName;
    }

    /** A text for people, if the server told. */
    public @Nullable String description() {
        return description;
    }

    /** Size constraints, if the server told. */
    public @Nullable NbdBlockSizes blockSizes() {
        return blockSizes;
    }
}
