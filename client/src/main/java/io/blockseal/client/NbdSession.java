package io.blockseal.client;

import io.blockseal.nbd.NbdBlockSizes;
import io.blockseal.nbd.NbdMetaContext;
import io.blockseal.nbd.NbdReplyStyle;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What the handshake came to.
 *
 * @param style which headers are in use
 * @param sizeBytes size of the export, unsigned
 * @param transmissionFlags what the export can do, see {@link io.blockseal.nbd.NbdTransmissionFlags}
 * @param blockSizes the server's size constraints, or the specification's defaults
 * @param exportName the server's own name for the export, or the one asked for
 * @param description for people; often empty
 * @param contexts the metadata contexts that BLOCK_STATUS will answer for; empty if none was selected
 */
public record NbdSession(
        NbdReplyStyle style,
        long sizeBytes,
        int transmissionFlags,
        NbdBlockSizes blockSizes,
        String exportName,
        String description,
        List<NbdMetaContext> contexts) {

    /** Makes the list unmodifiable. */
    public NbdSession {
        contexts = List.copyOf(contexts);
    }

    /** Says whether all these {@link io.blockseal.nbd.NbdTransmissionFlags} were advertised. */
    public boolean has(int flags) {
        return (transmissionFlags & flags) == flags;
    }

    /** The context with this identifier, or null if it was not selected. */
    @Nullable
    NbdMetaContext context(int id) {
        for (NbdMetaContext context : contexts) {
            if (context.id() == id) {
                return context;
            }
        }
        return null;
    }
}
