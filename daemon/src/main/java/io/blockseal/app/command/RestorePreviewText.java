package io.blockseal.app.command;

import com.fasterxml.jackson.core.JsonGenerator;
import io.blockseal.app.console.JsonText;
import io.blockseal.app.verb.KeySlotText;
import io.blockseal.config.ByteSize;
import io.blockseal.volume.KeySlotInfo;
import io.blockseal.volume.header.RangeRuns;
import io.blockseal.volume.header.RestorePreview;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/** What a restore would do, for people and for programs. */
final class RestorePreviewText {
    private RestorePreviewText() {}

    /** Some lines, the most important ones last. */
    static String of(RestorePreview preview, Path file) {
        StringBuilder text = new StringBuilder();
        line(
                text,
                file + ": commit " + preview.backupCommit() + " of " + Instant.ofEpochSecond(preview.backupSeconds()));
        line(
                text,
                preview.volume() + ": "
                        + (preview.volumeCommit() == 0
                                ? "no root is left of it"
                                : "commit " + preview.volumeCommit() + " of "
                                        + Instant.ofEpochSecond(preview.volumeSeconds())));
        for (String damage : preview.damage()) {
            line(text, "damaged: " + damage);
        }
        if (preview.sizeBytesBefore() != 0 && preview.sizeBytesBefore() != preview.sizeBytes()) {
            line(
                    text,
                    "its size becomes " + ByteSize.human(preview.sizeBytes()) + " (" + preview.sizeBytes()
                            + " bytes) again, now " + ByteSize.human(preview.sizeBytesBefore()));
        }
        slots(text, preview.returningSlots(), "opens the volume again");
        slots(text, preview.leavingSlots(), "opens the volume no longer");
        ranges(text, preview.returning(), "empty now, with data again afterwards");
        ranges(text, preview.lost(), "what was written since the backup is lost");
        ranges(text, preview.emptied(), "of these, zeros afterwards");
        ranges(text, preview.unknown(), "cannot be compared, so what was written since the backup may be lost");
        if (preview.lossCount() == 0) {
            line(text, "no range loses data");
        }
        return text.toString();
    }

    private static void line(StringBuilder text, String line) {
        text.append(line).append('\n');
    }

    private static void slots(StringBuilder text, List<KeySlotInfo> slots, String what) {
        for (KeySlotInfo slot : slots) {
            line(text, what + ": " + KeySlotText.of(slot));
        }
    }

    private static void ranges(StringBuilder text, RangeRuns ranges, String what) {
        if (ranges.count() > 0) {
            line(text, ranges.count() + (ranges.count() == 1 ? " range: " : " ranges: ") + what + ": " + ranges);
        }
    }

    /** One document; {@code goesOn} says whether it will be done. */
    static String json(RestorePreview preview, Path file, boolean goesOn) {
        return JsonText.of(document -> {
            document.writeStringField("volume", preview.volume());
            document.writeStringField("file", file.toString());
            document.writeStringField("uuid", preview.uuid().toString());
            document.writeNumberField("backupCommitSeq", preview.backupCommit());
            document.writeStringField(
                    "backupCommitted",
                    Instant.ofEpochSecond(preview.backupSeconds()).toString());
            document.writeNumberField("commitSeq", preview.volumeCommit());
            document.writeNumberField("sizeBytes", preview.sizeBytes());
            document.writeNumberField("sizeBytesBefore", preview.sizeBytesBefore());
            document.writeNumberField("lossCount", preview.lossCount());
            ranges(document, "lost", preview.lost());
            ranges(document, "emptied", preview.emptied());
            ranges(document, "unknown", preview.unknown());
            ranges(document, "returning", preview.returning());
            slots(document, "keySlotsReturning", preview.returningSlots());
            slots(document, "keySlotsLeaving", preview.leavingSlots());
            slots(document, "keySlotsKept", preview.keptSlots());
            document.writeArrayFieldStart("damage");
            for (String damage : preview.damage()) {
                document.writeString(damage);
            }
            document.writeEndArray();
            document.writeBooleanField("restored", goesOn);
        });
    }

    private static void ranges(JsonGenerator json, String name, RangeRuns ranges) throws IOException {
        json.writeObjectFieldStart(name);
        json.writeNumberField("count", ranges.count());
        json.writeArrayFieldStart("runs");
        for (RangeRuns.Run run : ranges.runs()) {
            json.writeArray(new long[] {run.first(), run.last()}, 0, 2);
        }
        json.writeEndArray();
        json.writeEndObject();
    }

    private static void slots(JsonGenerator json, String name, List<KeySlotInfo> slots) throws IOException {
        KeySlotText.write(json, name, slots);
    }
}
