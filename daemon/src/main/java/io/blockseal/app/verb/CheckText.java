package io.blockseal.app.verb;

import com.fasterxml.jackson.core.JsonGenerator;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.JsonText;
import io.blockseal.job.JobOutcome;
import io.blockseal.volume.check.CheckReport;
import io.blockseal.volume.check.CheckReport.Finding;
import java.io.IOException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** What a check found, for people and for programs: the same of a volume that is served and of one that is not. */
public final class CheckText {
    private final String called;
    private final boolean served;

    private CheckText(String called, boolean served) {
        this.called = called;
        this.served = served;
    }

    /**
     * What there is to say.
     *
     * @param after what a check found after a repair, or null if there was none
     * @param refusal why the repair was refused, or null
     */
    public static JobOutcome outcome(
            String called, boolean served, CheckReport report, @Nullable CheckReport after, @Nullable String refusal) {
        CheckText text = new CheckText(called, served);
        ExitCode end = (after == null ? report : after).healthy() ? ExitCode.OK : ExitCode.DAMAGED;
        return new JobOutcome(end.number(), text.text(report, after, refusal), text.json(report, after, refusal));
    }

    private String text(CheckReport report, @Nullable CheckReport after, @Nullable String refusal) {
        if (after == null) {
            return text(report);
        }
        return "before the repair:\n" + text(report) + (refusal == null ? "" : "not repaired: " + refusal + "\n")
                + "after the repair:\n" + text(after);
    }

    private String text(CheckReport report) {
        StringBuilder text = new StringBuilder();
        for (Finding finding : report.findings()) {
            text.append(finding.severity().name().toLowerCase(Locale.ROOT))
                    .append(": ")
                    .append(finding.message().startsWith(finding.block()) ? "" : place(finding) + ": ")
                    .append(finding.message())
                    .append('\n');
        }
        String depth = report.authenticated() ? "" : ", by checksums only: name a key to verify it";
        text.append(called)
                .append(": ")
                .append(verdict(report))
                .append(" (")
                .append(report.activeRanges())
                .append(" ranges in use")
                .append(depth)
                .append(")\n");
        return text.toString();
    }

    private static String place(Finding finding) {
        return finding.field().isEmpty() ? finding.block() : finding.block() + ", " + finding.field();
    }

    private String verdict(CheckReport report) {
        if (report.healthy()) {
            return "nothing is wrong";
        }
        if (report.damaged()) {
            return "DAMAGED, restore it from a backup or read docs/errors.md";
        }
        return served
                ? "what is damaged on the disk is whole in the daemon's memory; --repair writes it anew"
                : "one of two copies is damaged; --repair, or serving the volume, puts it right";
    }

    private String json(CheckReport report, @Nullable CheckReport after, @Nullable String refusal) {
        return JsonText.of(document -> {
            document.writeStringField("volume", called);
            write(document, report);
            if (refusal != null) {
                document.writeStringField("notRepaired", refusal);
            }
            if (after != null) {
                document.writeObjectFieldStart("after");
                write(document, after);
                document.writeEndObject();
            }
        });
    }

    private static void write(JsonGenerator document, CheckReport report) throws IOException {
        document.writeBooleanField("healthy", report.healthy());
        document.writeBooleanField("damaged", report.damaged());
        document.writeBooleanField("authenticated", report.authenticated());
        document.writeNumberField("activeRanges", report.activeRanges());
        document.writeArrayFieldStart("findings");
        for (Finding finding : report.findings()) {
            document.writeStartObject();
            document.writeStringField("severity", finding.severity().name().toLowerCase(Locale.ROOT));
            document.writeStringField("block", finding.block());
            document.writeStringField("field", finding.field());
            document.writeStringField("message", finding.message());
            document.writeEndObject();
        }
        document.writeEndArray();
    }
}
