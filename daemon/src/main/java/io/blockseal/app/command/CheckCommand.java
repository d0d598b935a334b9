package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Progress;
import io.blockseal.app.console.Terminal;
import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.tending.Keeper;
import io.blockseal.app.verb.CheckText;
import io.blockseal.app.verb.CheckVerb;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.control.Arguments;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.job.JobOutcome;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.check.CheckReport;
import io.blockseal.volume.check.VolumeChecker;
import io.blockseal.volume.metadata.VolumeStores;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal check}: looks at all metadata of a volume, served or not; changes nothing unless told to. */
@Command(
        name = "check",
        header = "Check the metadata of a volume, and repair it if told to.",
        description = {
            "",
            "With a key every MAC is verified and every range key unwrapped; without one only what a checksum can tell."
                    + " Guest data is not looked at: XTS has nothing to check it by.",
            "",
            "A volume that is served is checked by its daemon, as a job, while guests use it, and needs no key: every"
                    + " copy on the disk is compared with what the daemon has in memory, and that is verified.",
            "",
            "Nothing is changed without --repair. With it, and a key, what has an intact copy is put right from that:"
                    + " nothing is guessed, and what has none is named and left alone. Serving the volume repairs the"
                    + " same when it begins; a daemon that serves it already writes what is damaged anew from its"
                    + " memory.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal check demo.bsl --key-file demo.key",
            "  blockseal check demo.bsl --json",
            "  blockseal check demo --control /run/blockseal/control.sock",
            "  blockseal check demo.bsl --repair --key-file demo.key",
            "",
            "Exit code 0: nothing found, or nothing after --repair; 4: something found, also if it can be",
            "repaired.",
            ""
        })
public final class CheckCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Mixin
    private final VolumeOptions.Any volume = new VolumeOptions.Any();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(
            names = "--repair",
            description = "Put right what has an intact copy; needs a key, unless the volume is served.")
    private boolean repair;

    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Option(
            names = "--detach",
            description = "If a daemon serves the volume: print the number of its job and leave it to that.")
    private boolean detach;

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        return new VerbRun(this, engine, volume)
                .control(control)
                .detach(detach)
                .json(json)
                .keys(keys)
                .here(this::closed)
                .askingFirst(!keys.given())
                .run(new CheckVerb(), new Arguments().flag(CheckVerb.REPAIR, repair));
    }

    /** Of a volume that nobody serves. */
    private JobOutcome closed() throws Exception {
        if (repair && !keys.given()) {
            throw new CommandException(
                    ExitCode.USAGE, "--repair needs a key: without one nobody can tell which of two copies is right.");
        }
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine())) {
            CheckReport report = check(foundation, places);
            CheckReport after = null;
            String refusal = null;
            if (repair && report.repairable()) {
                refusal = repair(foundation, places, report);
                after = check(foundation, places);
            }
            return CheckText.outcome(volume.path().toString(), false, report, after, refusal);
        }
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
}
