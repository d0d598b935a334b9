package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Progress;
import io.blockseal.app.console.Terminal;
import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.verb.InfoVerb;
import io.blockseal.app.verb.RangeReportText;
import io.blockseal.control.Arguments;
import io.blockseal.job.JobOutcome;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.header.HeaderBackup;
import io.blockseal.volume.header.HeaderSnapshot;
import io.blockseal.volume.header.RangeReport;
import io.blockseal.volume.metadata.VolumeStores;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDate;
import java.time.ZoneOffset;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal info}: what can be told without a key, also while the volume is served. */
@Command(
        name = "info",
        header = "Tell about a volume, without its key.",
        description = {
            "",
            "Reads the metadata's head only. Without the key nothing of it can be verified: who can write to the store"
                    + " can make it say anything. 'check' with a key verifies.",
            "",
            "With --ranges it reads the table instead, and tells of each range its state, its place, how many keys it"
                    + " has had and how old its key is. The daemon that serves the volume tells it from its memory, which"
                    + " needs no key. Without a daemon, or with a key, the table on the disk is read, also while the volume"
                    + " is served; with a key all of it is verified.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal info demo.bsl --json",
            "  blockseal info demo.bsl --ranges --key-file demo.key",
            "  blockseal info demo.bsl --ranges --since 2026-01-01 --json",
            "  blockseal info demo --ranges --control /run/blockseal/control.sock",
            ""
        })
public final class InfoCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions.Any volume = new VolumeOptions.Any();

    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(names = "--ranges", description = "Tell about each range, and how old the range keys are.")
    private boolean ranges;

    @Option(
            names = "--since",
            paramLabel = "DATE",
            description = "With --ranges: how many range keys were made since that day (2026-01-01, UTC).")
    private @Nullable String since;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        LocalDate from = since();
        if (!ranges && (since != null || keys.given())) {
            throw new CommandException(ExitCode.USAGE, "a key and --since are for --ranges; add that.");
        }
        VerbRun run =
                new VerbRun(this, engine, volume).control(control).json(json).keys(keys);
        if (!ranges) {
            return run.run(new InfoVerb(), new Arguments());
        }
        Arguments arguments = new Arguments().flag(InfoVerb.RANGES, true);
        if (from != null) {
            arguments.text(InfoVerb.SINCE, from.toString());
        }
        // Who names a key wants to know what the disk has.
        return run.here(() -> reportRanges(from)).askingFirst(!keys.given()).run(new InfoVerb(), arguments);
    }

    private @Nullable LocalDate since() throws CommandException {
        try {
            return since == null ? null : LocalDate.parse(since);
        } catch (DateTimeException wrong) {
            throw new CommandException(
                    ExitCode.USAGE, "--since: '" + since + "' is not a day such as 2026-01-01.", wrong);
        }
    }

    /** Of the table on the disk, whoever serves it. */
    private JobOutcome reportRanges(@Nullable LocalDate day) throws Exception {
        Instant now = Instant.now();
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine())) {
            VolumeStores stores = volume.stores(foundation, StoreOptions.PEEK);
            try (Progress progress = new Progress(err(), Terminal.isError(), "Reading " + volume.path())) {
                HeaderBackup snapshot = keys.given()
                        ? HeaderSnapshot.take(
                                foundation.engine(),
                                stores,
                                List.of(volume.key(places, keys)),
                                keys.keySlot(),
                                now.getEpochSecond(),
                                progress::count)
                        : HeaderSnapshot.take(stores, now.getEpochSecond(), progress::count);
                Instant from = day == null
                        ? Instant.EPOCH
                        : day.atStartOfDay(ZoneOffset.UTC).toInstant();
                return RangeReportText.outcome(
                        volume.path().toString(), RangeReport.of(snapshot), keys.given(), now, from);
            } finally {
                stores.close();
            }
        }
    }
}
