package io.blockseal.app.command;

import io.blockseal.app.CommandException;
import io.blockseal.app.ExitCode;
import io.blockseal.app.JsonText;
import io.blockseal.config.ByteSize;
import io.blockseal.transfer.TransferOptions;
import io.blockseal.transfer.TransferReport;
import java.util.Locale;
import picocli.CommandLine.Option;

/** What {@code import} and {@code export} have in common: how to copy, and what to say of it. */
public final class TransferChoices {
    @Option(names = "--resume", description = "Go on where this copy was interrupted.")
    private boolean resume;

    @Option(names = "--force", description = "Write over what the target holds: that is then lost.")
    private boolean force;

    @Option(
            names = "--verify",
            negatable = true,
            defaultValue = "true",
            fallbackValue = "true",
            description = "Read everything back and compare SHA-256 sums (the default); --no-verify is faster.")
    private boolean verify;

    @Option(names = "--json", description = "Print the outcome as JSON.")
    private boolean json;

    boolean resume() {
        return resume;
    }

    boolean force() {
        return force;
    }

    /** For the copy itself. */
    TransferOptions options() throws CommandException {
        if (resume && force) {
            throw new CommandException(
                    ExitCode.USAGE, "--resume goes on and --force starts over: name one of the two.");
        }
        return TransferOptions.DEFAULT.resuming(resume).forced(force).verifying(verify);
    }

    /** What it came to. */
    String outcome(String from, String to, TransferReport report) {
        return json ? json(from, to, report) : text(from, to, report);
    }

    private static String json(String from, String to, TransferReport report) {
        return JsonText.of(document -> {
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
        });
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
