package io.blockseal.server;

import io.blockseal.block.Geometry;
import io.blockseal.export.Export;
import io.blockseal.export.ExportOffer;
import io.blockseal.nbd.NbdBlockSizes;
import io.blockseal.nbd.NbdLimits;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdTransmissionFlags;

/**
 * What a client is told about an export, and held to afterwards: one place, so that INFO, GO and EXPORT_NAME tell the
 * same. Asks the device for nothing but its geometry.
 *
 * @param export what was asked for
 * @param sizeBytes size of the export
 * @param transmissionFlags what the client may use
 * @param blockSizes size constraints
 */
record ExportTerms(Export export, long sizeBytes, int transmissionFlags, NbdBlockSizes blockSizes) {

    /** {@code contexts}: whether metadata contexts of it are selected. */
    static ExportTerms of(ExportOffer.Offered offered, NbdReplyStyle style, boolean contexts) {
        Export export = offered.export();
        Geometry geometry = export.device().geometry();
        int preferred = Math.max(
                NbdLimits.MIN_PREFERRED_BLOCK_BYTES,
                Math.max(geometry.minimumBlockBytes(), geometry.preferredBlockBytes()));
        return new ExportTerms(
                export,
                geometry.sizeBytes(),
                flags(offered.readOnly(), geometry, style)
                        | (style == NbdReplyStyle.EXTENDED && contexts ? NbdTransmissionFlags.BLOCK_STATUS_PAYLOAD : 0),
                new NbdBlockSizes(
                        geometry.minimumBlockBytes(),
                        Math.min(preferred, NbdLimits.DEFAULT_MAX_PAYLOAD_BYTES),
                        NbdLimits.DEFAULT_MAX_PAYLOAD_BYTES));
    }

    boolean isReadOnly() {
        return (transmissionFlags & NbdTransmissionFlags.READ_ONLY) != 0;
    }

    private static int flags(boolean readOnly, Geometry geometry, NbdReplyStyle style) {
        int flags = NbdTransmissionFlags.HAS_FLAGS
                | NbdTransmissionFlags.SEND_FLUSH
                | NbdTransmissionFlags.SEND_FUA
                | NbdTransmissionFlags.SEND_CACHE;
        if (readOnly || geometry.readOnly()) {
            flags |= NbdTransmissionFlags.READ_ONLY;
        } else {
            flags |= NbdTransmissionFlags.SEND_WRITE_ZEROES;
            if (geometry.canTrim()) {
                flags |= NbdTransmissionFlags.SEND_TRIM;
            }
            if (geometry.canFastZero()) {
                flags |= NbdTransmissionFlags.SEND_FAST_ZERO;
            }
        }
        if (geometry.canMultiConn()) {
            flags |= NbdTransmissionFlags.CAN_MULTI_CONN;
        }
        if (style.isChunked()) {
            flags |= NbdTransmissionFlags.SEND_DF;
        }
        return flags;
    }
}
