package io.blockseal.app.verb;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.JsonText;
import io.blockseal.config.ByteSize;
import io.blockseal.control.ArgumentException;
import io.blockseal.control.Arguments;
import io.blockseal.job.JobOutcome;
import io.blockseal.volume.KeySlotInfo;
import io.blockseal.volume.VolumeInfo;
import io.blockseal.volume.header.RangeReport;
import io.blockseal.volume.table.RangeWord;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;

/** {@code info}: what a volume is; or, if so asked, what its ranges are. */
public final class InfoVerb implements VolumeVerb {
    /** Tells about each range, from the table of the open volume. */
    public static final String RANGES = "ranges";
    /** With those: how many range keys were made since that day of UTC. */
    public static final String SINCE = "since";

    /** The whole answer is made in memory, beside the data of guests. */
    private static final long LISTED_MAX = 100_000;

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
        boolean ranges = call.arguments().flag(RANGES);
        Instant since = since(call.arguments());
        call.requireAllKnown();
        if (ranges) {
            call.requireNamedKeyOpens();
            return RangeReportText.outcome(call.called(), ranges(call), true, Instant.now(), since);
        }
        VolumeHead head = call.head().read();
        ExitCode end = head.info().complaints().isEmpty() ? ExitCode.OK : ExitCode.DAMAGED;
        return new JobOutcome(end.number(), text(call.called(), head), json(call.called(), head));
    }

    private static RangeReport ranges(VerbCall call) throws Exception {
        RangeReport report = RangeReport.of(call.volume());
        long listed = report.rangeCount() - report.count(RangeWord.NONE);
        if (listed > LISTED_MAX) {
            throw new CommandException(
                    ExitCode.FAILURE,
                    call.called() + ": " + listed + " ranges have had a key, and a daemon lists at most " + LISTED_MAX
                            + ".\n  Name a key: the command then reads the table on the disk, also while it is served.");
        }
        return report;
    }

    private static Instant since(Arguments arguments) throws ArgumentException {
        String day = arguments.text(SINCE);
        try {
            return day == null
                    ? Instant.EPOCH
                    : LocalDate.parse(day).atStartOfDay(ZoneOffset.UTC).toInstant();
        } catch (DateTimeException wrong) {
            throw new ArgumentException("'" + SINCE + "' is not a day such as 2026-01-01");
        }
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
