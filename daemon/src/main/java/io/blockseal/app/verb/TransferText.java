package io.blockseal.app.verb;

import com.fasterxml.jackson.core.JsonGenerator;
import io.blockseal.app.console.JsonText;
import io.blockseal.config.ByteSize;
import io.blockseal.job.JobOutcome;
import io.blockseal.transfer.TransferReport;
import java.io.IOException;
import java.util.Locale;

/** What {@code import} and {@code export} say at their end, for people and for programs. */
public final class TransferText {
    private TransferText() {}

    /** Of a copy of a disk that stood still. */
    public static JobOutcome outcome(String from, String to, TransferReport report) {
        return JobOutcome.done(text(from, to, report), JsonText.of(document -> write(document, from, to, report)));
    }

    /** Of a copy that was made although clients could write to its source. */
    static JobOutcome ofLive(String from, String to, TransferReport report, boolean changed) {
        return JobOutcome.done(
                text(from, to, report)
                        + (changed
                                ? "  clients wrote to it meanwhile: the copy is of no single moment\n"
                                : "  no client wrote to it meanwhile: the copy is of one moment\n"),
                JsonText.of(document -> {
                    write(document, from, to, report);
                    document.writeBooleanField("changedMeanwhile", changed);
                }));
    }

    private static void write(JsonGenerator document, String from, String to, TransferReport report)
            throws IOException {
        document.writeStringField("source", from);
        document.writeStringField("target", to);
        document.writeNumberField("bytes", report.lengthBytes());
        document.writeNumberField("dataBytes", report.dataBytes());
        document.writeNumberField("resumedAt", report.resumedAt());
        document.writeBooleanField("verified", report.verified());
        if (!report.sourceSha256().isEmpty()) {
            document.writeStringField("sourceSha256", report.sourceSha256());
        }
        if (report.verified()) {
            document.writeStringField("targetSha256", report.targetSha256());
        }
        document.writeNumberField("copySeconds", report.copyMillis() / 1000.0);
        document.writeNumberField("verifySeconds", report.verifyMillis() / 1000.0);
    }

    private static String text(String from, String to, TransferReport report) {
        StringBuilder text = new StringBuilder();
        text.append(from).append(" -> ").append(to).append(": ").append(ByteSize.human(report.lengthBytes()));
        text.append(", of which ").append(ByteSize.human(report.dataBytes())).append(" data");
        if (report.resumedAt() > 0) {
            text.append(" (gone on with at offset ").append(report.resumedAt()).append(')');
        }
        text.append(String.format(Locale.ROOT, ", in %.1f s%n", report.copyMillis() / 1000.0));
        if (!report.sourceSha256().isEmpty()) {
            text.append("  sha256 as read       ").append(report.sourceSha256()).append('\n');
        }
        if (report.verified()) {
            text.append("  sha256 as read back  ")
                    .append(report.targetSha256())
                    .append(String.format(Locale.ROOT, "  (the same, in %.1f s)%n", report.verifyMillis() / 1000.0));
        } else {
            text.append("  not read back\n");
        }
        return text.toString();
    }
}
