package io.blockseal.app.command;

import io.blockseal.app.ExitCode;
import io.blockseal.app.Foundation;
import io.blockseal.app.JsonText;
import io.blockseal.app.KeyPlaces;
import io.blockseal.app.Progress;
import io.blockseal.app.Terminal;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.CheckReport;
import io.blockseal.volume.CheckReport.Finding;
import io.blockseal.volume.VolumeChecker;
import io.blockseal.volume.VolumeStores;
import java.io.PrintWriter;
import java.util.List;
import java.util.Locale;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal check}: looks at all metadata of a volume that nobody serves, and changes nothing. */
@Command(
        name = "check",
        header = "Check the metadata of a volume; change nothing.",
        description = {
            "",
            "With a key every MAC is verified and every range key unwrapped; without one only what a checksum can tell."
                    + " Guest data is not looked at: XTS has nothing to check it by. Damage to one of two copies is"
                    + " repaired when the volume is next served. The volume must not be served meanwhile.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal check demo.bsl --key-file demo.key",
            "  blockseal check demo.bsl --json",
            "",
            "Exit code 0: nothing found; 4: something found, also if it can be repaired.",
            ""
        })
public final class CheckCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions volume = new VolumeOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        CheckReport report;
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine())) {
            VolumeStores stores = volume.stores(foundation, new StoreOptions(true, false));
            try (Progress progress = new Progress(err(), Terminal.isError(), "Checking " + volume.path())) {
                report = keys.given()
                        ? VolumeChecker.check(
                                foundation.engine(), stores, List.of(volume.key(places, keys)), progress::count)
                        : VolumeChecker.check(foundation.engine(), stores, progress::count);
            } finally {
                stores.close();
            }
        }
        PrintWriter out = out();
        out.print(json ? json(report) : text(report));
        out.flush();
        return (report.healthy() ? ExitCode.OK : ExitCode.DAMAGED).number();
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
                : "one of two copies is damaged; serving the volume repairs it";
    }

    private String json(CheckReport report) {
        return JsonText.of(document -> {
            document.writeStringField("volume", volume.path().toString());
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
        });
    }
}
