package io.blockseal.app.verb;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.JsonText;
import io.blockseal.config.ByteSize;
import io.blockseal.job.JobOutcome;
import io.blockseal.volume.VolumeResizer;

/** {@code resize}: makes a volume larger while nobody serves it. */
public final class ResizeVerb implements VolumeVerb {
    /** The new size in bytes. */
    public static final String SIZE_BYTES = "sizeBytes";

    @Override
    public String name() {
        return "resize";
    }

    @Override
    public Needs needs() {
        return Needs.WRITE;
    }

    @Override
    public JobOutcome run(VerbCall call) throws Exception {
        long newSize = call.arguments().requireNumber(SIZE_BYTES, 1, Long.MAX_VALUE);
        call.requireAllKnown();
        if (call.served()) {
            // The devices of its clients, and what is known of its table, have the size of its opening.
            throw new CommandException(
                    ExitCode.IN_USE,
                    call.called() + ": is served, and its clients would not see another size.\n"
                            + "  Stop serving it, resize it, and serve it again.");
        }
        long oldSize = call.volume().shape().sizeBytes();
        if (newSize < oldSize) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "--size " + ByteSize.human(newSize) + ": " + call.called() + " has " + ByteSize.human(oldSize)
                            + " already; a volume never shrinks.");
        }
        VolumeResizer.grow(call.volume(), newSize);
        return JobOutcome.done(
                call.called() + ": " + ByteSize.human(oldSize) + " -> " + ByteSize.human(newSize)
                        + ". Serve it again, then grow the filesystem in it.\n",
                JsonText.of(document -> {
                    document.writeStringField("volume", call.called());
                    document.writeNumberField("sizeBytes", newSize);
                    document.writeNumberField("sizeBytesBefore", oldSize);
                }));
    }
}
