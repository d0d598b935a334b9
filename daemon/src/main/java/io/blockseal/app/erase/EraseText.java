package io.blockseal.app.erase;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.verb.KeySlotText;
import io.blockseal.config.ByteSize;
import io.blockseal.volume.KeySlotInfo;
import io.blockseal.volume.VolumeInfo;
import java.time.Instant;

/** What somebody reads who erases a volume: before, to be sure that it is the right one, and after. */
public final class EraseText {
    private EraseText() {}

    /** What is about to be erased, in whole lines; {@code called} is the volume. */
    public static String before(String called, VolumeInfo info, DoomedKeys keys) {
        StringBuilder text = new StringBuilder();
        text.append("This erases ").append(called).append(" for ever: ");
        text.append(ByteSize.human(info.sizeBytes())).append(", created ");
        text.append(Instant.ofEpochSecond(info.createdSeconds())).append(".\n");
        text.append("  label ").append(info.label().isEmpty() ? "(none)" : info.label());
        text.append("   UUID ").append(info.uuid()).append('\n');
        for (KeySlotInfo slot : info.keySlots()) {
            text.append("  ").append(KeySlotText.of(slot)).append('\n');
        }
        for (String reference : keys.references()) {
            text.append("and destroys ").append(reference).append(", with all other volumes that it opens.\n");
        }
        return text.toString();
    }

    /** Refuses a volume that is not the one that was meant. */
    public static void requireUuid(String called, String uuid, String given) throws CommandException {
        if (!given.strip().equalsIgnoreCase(uuid)) {
            throw new CommandException(
                    ExitCode.FAILURE, called + ": has the UUID " + uuid + ", not " + given + "; nothing was erased.");
        }
    }

    /** What is gone and what remains, in whole lines. */
    public static String after(String called, EraseEvidence evidence) {
        StringBuilder text = new StringBuilder();
        text.append(called).append(": erased. Nothing opens it any more.\n");
        for (String done : evidence.destroyedKeks()) {
            text.append("  ").append(done).append('\n');
        }
        text.append("What remains:\n");
        for (String left : evidence.remains()) {
            text.append("  - ").append(left).append('\n');
        }
        return text.toString();
    }
}
