package io.blockseal.app.command;

import com.fasterxml.jackson.core.JsonGenerator;
import io.blockseal.app.CommandException;
import io.blockseal.app.ExitCode;
import io.blockseal.app.Foundation;
import io.blockseal.app.JsonText;
import io.blockseal.app.Keeper;
import io.blockseal.app.KeyPlaces;
import io.blockseal.app.Progress;
import io.blockseal.app.Terminal;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.CheckReport;
import io.blockseal.volume.CheckReport.Finding;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeChecker;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.VolumeStores;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal check}: looks at all metadata of a volume that nobody serves; changes nothing unless told to. */
@Command(
        name = "check",
        header = "Check the metadata of a volume, and repair it if told to.",
        description = {
            "",
            "With a key every MAC is verified and every range key unwrapped; without one only what a checksum can tell."
                    + " Guest data is not looked at: XTS has nothing to check it by. The volume must not be"
                    + " served meanwhile.",
            "",
            "Nothing is changed without --repair. With it, and a key, what has an intact copy is put right from that:"
                    + " nothing is guessed, and what has none is named and left alone. Serving the volume repairs the"
                    + " same.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal check demo.bsl --key-file demo.key",
            "  blockseal check demo.bsl --json",
            "  blockseal check demo.bsl --repair --key-file demo.key",
            "",
            "Exit code 0: nothing found, or nothing after --repair; 4: something found, also if it can be repaired.",
            ""
        })
public final class CheckCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions volume = new VolumeOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(names = "--repair", description = "Put right what has an intact copy; needs a key.")
    private boolean repair;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        if (repair && !keys.given()) {
            throw new CommandException(
                    ExitCode.USAGE, "--repair needs a key: without one nobody can tell which of two copies is right.");
        }
        CheckReport report;
        CheckReport after = null;
        String refusal = null;
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine())) {
            report = check(foundation, places);
            if (repair && report.repairable()) {
                refusal = repair(foundation, places, report);
                after = check(foundation, places);
            }
        }
        PrintWriter out = out();
        out.print(json ? json(report, after, refusal) : text(report, after, refusal));
        out.flush();
        return ((after == null ? report : after).healthy() ? ExitCode.OK : ExitCode.DAMAGED).number();
    }

    private CheckReport check(Foundation foundation, KeyPlaces places) throws Exception {
        VolumeStores stores = volume.stores(foundation, new StoreOptions(true, false));
        try (Progress progress = new Progress(err(), Terminal.isError(), "Checking " + volume.path())) {
            return keys.given()
                    ? VolumeChecker.check(
                            foundation.engine(), stores, List.of(volume.key(places, keys)), progress::count)
                    : VolumeChecker.check(foundation.engine(), stores, progress::count);
        } finally {
            stores.close();
        }
    }

    /** Opens it for writing, which repairs what can be. Why it was refused, or null. */
    private @Nullable String repair(Foundation foundation, KeyPlaces places, CheckReport report) throws Exception {
        try (Keeper keeper = new Keeper();
                Volume open = volume.open(foundation, volume.key(places, keys), keys, false, keeper)) {
            AuditLog.record(
                    AuditEvent.REPAIR,
                    AuditField.of("volume", volume.path()),
                    AuditField.of("uuid", open.uuid()),
                    AuditField.of("commit", open.commitSeq()),
                    AuditField.of("findings", report.findings().size()));
            return null;
        } catch (VolumeRefusedException | MalformedVolumeException refused) {
            return String.valueOf(refused.getMessage());
        }
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
        text.append(volume.path())
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

    private static String verdict(CheckReport report) {
        if (report.healthy()) {
            return "nothing is wrong";
        }
        return report.damaged()
                ? "DAMAGED, restore it from a backup or read docs/errors.md"
                : "one of two copies is damaged; --repair, or serving the volume, puts it right";
    }

    private String json(CheckReport report, @Nullable CheckReport after, @Nullable String refusal) {
        return JsonText.of(document -> {
            document.writeStringField("volume", volume.path().toString());
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
