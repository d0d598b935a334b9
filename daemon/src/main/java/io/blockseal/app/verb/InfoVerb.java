package io.blockseal.app.verb;

import io.blockseal.app.ExitCode;
import io.blockseal.app.JsonText;
import io.blockseal.config.ByteSize;
import io.blockseal.job.JobOutcome;
import io.blockseal.volume.KeySlotInfo;
import io.blockseal.volume.VolumeInfo;
import java.time.Instant;

/** {@code info}: what a volume is. */
public final class InfoVerb implements VolumeVerb {
    @Override
    public String name() {
        return "info";
    }

    @Override
    public Needs needs() {
        return Needs.HEAD;
    }

    @Override
    public JobOutcome run(VerbCall call) throws Exception {
        call.requireAllKnown();
        VolumeHead head = call.head().read();
        ExitCode end = head.info().complaints().isEmpty() ? ExitCode.OK : ExitCode.DAMAGED;
        return new JobOutcome(end.number(), text(call.called(), head), json(call.called(), head));
    }

    private static String text(String called, VolumeHead head) {
        VolumeInfo info = head.info();
        StringBuilder text = new StringBuilder();
        line(text, "volume", called + (info.label().isEmpty() ? "" : " (" + info.label() + ")"));
        line(text, "uuid", info.uuid().toString());
        line(text, "identity", info.identity());
        line(text, "format", info.majorVersion() + "." + info.minorVersion());
        line(text, "size", ByteSize.human(info.sizeBytes()) + " (" + info.sizeBytes() + " bytes)");
        line(text, "data unit", info.unitBytes() + " bytes");
        line(text, "ranges", info.rangeCount() + " of " + ByteSize.human(info.rangeBytes()));
        line(
                text,
                "store",
                ByteSize.human(head.storeBytes()) + ", of which " + ByteSize.human(head.allocatedBytes())
                        + " allocated");
        line(text, "metadata", info.detached() ? info.name() + " (detached)" : "in-band");
        line(text, "created", Instant.ofEpochSecond(info.createdSeconds()).toString());
        line(text, "changed", Instant.ofEpochSecond(info.committedSeconds()) + " (commit " + info.commitSeq() + ")");
        line(text, "key slots", String.valueOf(info.keySlots().size()));
        for (KeySlotInfo slot : info.keySlots()) {
            text.append("  ").append(KeySlotText.of(slot)).append('\n');
        }
        for (String complaint : info.complaints()) {
            line(text, "damage", complaint);
        }
        return text.toString();
    }

    private static void line(StringBuilder text, String name, String value) {
        text.append(name).append(" ".repeat(12 - name.length())).append(value).append('\n');
    }

    private static String json(String called, VolumeHead head) {
        VolumeInfo info = head.info();
        return JsonText.of(document -> {
            document.writeStringField("volume", called);
            document.writeStringField("label", info.label());
            document.writeStringField("uuid", info.uuid().toString());
            document.writeStringField("identity", info.identity());
            document.writeStringField("format", info.majorVersion() + "." + info.minorVersion());
            document.writeNumberField("sizeBytes", info.sizeBytes());
            document.writeNumberField("unitBytes", info.unitBytes());
            document.writeNumberField("rangeBytes", info.rangeBytes());
            document.writeNumberField("rangeCount", info.rangeCount());
            document.writeNumberField("storeBytes", head.storeBytes());
            document.writeNumberField("allocatedBytes", head.allocatedBytes());
            document.writeBooleanField("metadataDetached", info.detached());
            document.writeStringField(
                    "created", Instant.ofEpochSecond(info.createdSeconds()).toString());
            document.writeStringField(
                    "changed", Instant.ofEpochSecond(info.committedSeconds()).toString());
            document.writeNumberField("commitSeq", info.commitSeq());
            KeySlotText.write(document, info.keySlots());
            document.writeArrayFieldStart("damage");
            for (String complaint : info.complaints()) {
                document.writeString(complaint);
            }
            document.writeEndArray();
        });
    }
}
