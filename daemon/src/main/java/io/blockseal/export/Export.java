package io.blockseal.export;

import io.blockseal.block.BlockDevice;
import io.blockseal.metrics.ExportMetrics;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * A name that clients may ask for and the device behind it.
 *
 * @param name 1 to 4096 bytes of UTF-8, matched byte for byte
 * @param description for LIST and INFO; may be empty
 * @param device what is served; opened before and closed after the export is registered
 * @param readOnly whether writes are refused here, whatever the device allows
 * @param metrics where this export's requests are counted
 * @param losses whom of its clients has to be told of what the store lost
 * @param contexts metadata contexts beside {@code base:allocation}
 * @param budget what its clients may ask of it in a second
 * @param clients who has it open
 */
public record Export(
        String name,
        String description,
        BlockDevice device,
        boolean readOnly,
        ExportMetrics metrics,
        LossLedger losses,
        List<ExportContext> contexts,
        ExportBudget budget,
        ExportClients clients) {
    private static final int STRING_BYTES_MAX = 4096;

    /** Refuses what could not be sent to a client. */
    public Export {
        if (name.isEmpty()) {
            throw new IllegalArgumentException(
                    "an export name must not be empty; that is how clients ask for the default");
        }
        requireSendable("export name", name);
        requireSendable("export description", description);
        contexts = List.copyOf(contexts);
    }

    /** That nobody has open yet. */
    public Export(
            String name,
            String description,
            BlockDevice device,
            boolean readOnly,
            ExportMetrics metrics,
            LossLedger losses,
            List<ExportContext> contexts,
            ExportBudget budget) {
        this(name, description, device, readOnly, metrics, losses, contexts, budget, new ExportClients());
    }

    /** Likewise, without contexts of its own and without a limit. */
    public Export(
            String name,
            String description,
            BlockDevice device,
            boolean readOnly,
            ExportMetrics metrics,
            LossLedger losses) {
        this(name, description, device, readOnly, metrics, losses, List.of(), ExportBudget.UNLIMITED);
    }

    /** Of a device that counts no losses. */
    public Export(String name, String description, BlockDevice device, boolean readOnly, ExportMetrics metrics) {
        this(name, description, device, readOnly, metrics, LossLedger.ofNone(metrics.loopCount()));
    }

    private static void requireSendable(String what, String text) {
        if (text.indexOf('\0') >= 0
                || !StandardCharsets.UTF_8.newEncoder().canEncode(text)
                || text.getBytes(StandardCharsets.UTF_8).length > STRING_BYTES_MAX) {
            throw new IllegalArgumentException(
                    what + " must be at most " + STRING_BYTES_MAX + " bytes of UTF-8 without a NUL");
        }
    }
}
