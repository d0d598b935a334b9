package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Failures;
import io.blockseal.app.console.JsonText;
import io.blockseal.audit.AuditVerification;
import io.blockseal.audit.AuditVerification.Problem;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code blockseal audit verify}: whether an audit log is as it was written. Changes nothing. */
@Command(
        name = "verify",
        header = "Find lines of an audit log that were changed, removed, added or moved.",
        description = {
            "",
            "Name the files that belong to one log, the oldest first; those that end in .gz are unpacked. Ends with 0"
                    + " if all is as it was written, with 4 if not, and names each line that is wrong. Lines that were"
                    + " cut off at the end are found by FILE.tip, if it lies beside the last file, and by --expect.",
            "",
            "Whoever may write the log can also make it anew from some line on. Note the last hash elsewhere from time"
                    + " to time, and name it here later: it has to be there still.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal audit verify /var/log/blockseal/audit.log",
            "  blockseal audit verify audit.log.2.gz audit.log.1 audit.log --expect HASH",
            ""
        })
public final class AuditVerifyCommand extends Verb {
    @Parameters(arity = "1..*", paramLabel = "FILE", description = "The files of one log, the oldest first.")
    private List<Path> files = new ArrayList<>();

    @Option(
            names = "--expect",
            paramLabel = "HASH",
            description = "A line with this hash, noted earlier, has to be there.")
    private @Nullable String expect;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws CommandException {
        if (expect != null && !expect.matches("[0-9a-f]{64}")) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "--expect " + expect + ": a hash has 64 hexadecimal digits; audit verify prints one at its end.");
        }
        AuditVerification found = new AuditVerification(expect);
        for (Path file : files) {
            if (!Files.isRegularFile(file)) {
                throw new CommandException(ExitCode.FAILURE, "audit log " + file + ": there is no such file");
            }
        }
        try {
            found.read(files);
        } catch (IOException unreadable) {
            throw new CommandException(
                    ExitCode.FAILURE, "the audit log cannot be read: " + Failures.message(unreadable), unreadable);
        }
        out().print(json ? json(found) : text(found));
        out().flush();
        return (found.isIntact() ? ExitCode.OK : ExitCode.DAMAGED).number();
    }

    private String text(AuditVerification found) {
        StringBuilder text = new StringBuilder();
        for (Problem problem : found.problems()) {
            text.append(problem.file());
            if (problem.line() > 0) {
                text.append(", line ").append(problem.line());
            }
            text.append(": ").append(problem.what()).append('\n');
        }
        if (found.problemCount() > found.problems().size()) {
            text.append("and ")
                    .append(found.problemCount() - found.problems().size())
                    .append(" more\n");
        }
        if (found.lines() == 0) {
            return text.append("no line of an audit log\n").toString();
        }
        text.append(found.isIntact() ? "intact: " : "damaged: ")
                .append(found.lines())
                .append(" lines, number ")
                .append(found.firstSeq())
                .append(" to ")
                .append(found.lastSeq());
        if (found.begunAfter() != null) {
            text.append(", after the one with the hash ").append(found.begunAfter());
        }
        if (found.repairs() > 0) {
            text.append("; see ").append(found.repairs()).append(" log-repaired in it");
        }
        text.append("\nlast hash: ").append(found.lastHash()).append('\n');
        if (!found.isEndKnown()) {
            text.append("lines that were cut off at the end would not be noticed: there is no ")
                    .append(files.get(files.size() - 1).getFileName())
                    .append(".tip beside it; --expect the hash of a line that has to be there\n");
        }
        return text.toString();
    }

    private String json(AuditVerification found) {
        return JsonText.of(document -> {
            document.writeBooleanField("intact", found.isIntact());
            document.writeBooleanField("endKnown", found.isEndKnown());
            document.writeArrayFieldStart("files");
            for (Path file : files) {
                document.writeString(file.toString());
            }
            document.writeEndArray();
            document.writeNumberField("lines", found.lines());
            document.writeNumberField("firstSeq", found.firstSeq());
            document.writeNumberField("lastSeq", found.lastSeq());
            document.writeStringField("lastHash", found.lastHash());
            if (found.begunAfter() != null) {
                document.writeStringField("begunAfter", found.begunAfter());
            }
            document.writeNumberField("repairs", found.repairs());
            document.writeNumberField("problemCount", found.problemCount());
            document.writeArrayFieldStart("problems");
            for (Problem problem : found.problems()) {
                document.writeStartObject();
                document.writeStringField("file", problem.file().toString());
                document.writeNumberField("line", problem.line());
                document.writeStringField("what", problem.what());
                document.writeEndObject();
            }
            document.writeEndArray();
        });
    }
}
