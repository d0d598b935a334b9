package io.blockseal.app.desk;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Failures;
import io.blockseal.app.served.ConfiguredKeys;
import io.blockseal.app.served.ServedVolume;
import io.blockseal.app.transfer.TransferRoom;
import io.blockseal.app.verb.ResumableVerb;
import io.blockseal.app.verb.SentKeys;
import io.blockseal.app.verb.Serving;
import io.blockseal.app.verb.UnlockVerb;
import io.blockseal.app.verb.VerbCall;
import io.blockseal.app.verb.Verbs;
import io.blockseal.app.verb.VolumeHead;
import io.blockseal.app.verb.VolumeVerb;
import io.blockseal.control.Arguments;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.export.Export;
import io.blockseal.job.Job;
import io.blockseal.job.JobControl;
import io.blockseal.job.JobMemo;
import io.blockseal.job.JobOutcome;
import io.blockseal.job.JobRefusedException;
import io.blockseal.job.JobRequest;
import io.blockseal.job.JobWork;
import io.blockseal.job.Jobs;
import io.blockseal.keysource.KeySource;
import io.blockseal.memory.MemorySource;
import io.blockseal.volume.Volume;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Verbs done to volumes that are served: short ones at once, long ones as jobs, whoever wants them: an operator, the daemon
 * itself, or a job of before the last stop. From any thread but a loop's.
 */
public final class VerbJobs {
    private static final Logger LOG = LoggerFactory.getLogger(VerbJobs.class);

    private final Jobs jobs;
    private final CryptoEngine engine;
    private final MemorySource memory;
    private final TransferRoom transfers;
    private final Map<String, VolumeVerb> verbs = Verbs.all();
    private volatile Waiting waiting = (served, key) -> false;

    /** Opens volumes that wait for their keys. */
    @FunctionalInterface
    public interface Waiting {
        /** Opens one by that key; false if it does not wait. */
        boolean open(ServedVolume served, KeySource key) throws Exception;
    }

    /** Long ones are to be done by {@code jobs}; what is copied goes through {@code transfers}. */
    public VerbJobs(Jobs jobs, CryptoEngine engine, MemorySource memory, TransferRoom transfers) {
        this.jobs = jobs;
        this.engine = engine;
        this.memory = memory;
        this.transfers = transfers;
    }

    /** Those that wait for their keys are opened by this if an operator sends one. */
    public void openWaitingBy(Waiting opener) {
        waiting = opener;
    }

    /** The verb of that name, or null. */
    @Nullable
    VolumeVerb verb(String word) {
        return verbs.get(word);
    }

    Jobs jobs() {
        return jobs;
    }

    /** Jobs on it are counted from now on. */
    void expect(ServedVolume served) {
        verbs.values().stream().filter(VolumeVerb::isLong).forEach(verb -> jobs.expect(served.name(), verb.name()));
    }

    /** Has a long one done for an operator; {@code keys} are the job's from now on, unless this throws. */
    Job submit(VolumeVerb verb, ServedVolume served, Arguments arguments, SentKeys keys) throws Exception {
        return served.gate().pass(() -> {
            requireOpen(served);
            return jobs.submit(request(verb, served, arguments, keys, JobRequest.OPERATOR));
        });
    }

    /** Does it now, on this thread. */
    JobOutcome run(VolumeVerb verb, ServedVolume served, Arguments arguments, SentKeys keys, JobControl control)
            throws Exception {
        return served.gate().pass(() -> runNow(verb, served, arguments, keys, control));
    }

    /** Begins a long verb that nobody asked for but the daemon itself; {@code by} is what its job says of that. */
    public Job begin(VolumeVerb verb, ServedVolume served, Arguments arguments, String by) throws JobRefusedException {
        SentKeys none = new SentKeys(arguments, engine);
        try {
            return jobs.submit(request(verb, served, arguments, none, by));
        } catch (JobRefusedException refused) {
            none.close();
            throw refused;
        }
    }

    /** Begins again what was not finished of a volume, which is open, when the daemon stopped. */
    public void takeUp(JobFiles files, ServedVolume served) {
        expect(served);
        for (JobMemo memo : files.of(served.requireOpened().uuid().toString(), served.name())) {
            try {
                takeUp(files, memo, served);
            } catch (Exception refused) {
                LOG.error(
                        "volume={} job={}: {} cannot be taken up again: {}",
                        served.name(),
                        memo.id(),
                        memo.verb(),
                        Failures.message(refused));
            }
        }
    }

    private void takeUp(JobFiles files, JobMemo memo, ServedVolume served) throws Exception {
        if (!(verbs.get(memo.verb()) instanceof ResumableVerb verb)) {
            throw new CommandException(ExitCode.FAILURE, "this release has no such verb that could go on");
        }
        // What the daemon began by itself goes on as its configuration has it now.
        Arguments arguments =
                memo.by().equals(JobRequest.OPERATOR) ? verb.fromJson(memo.memo()) : served.orderByKeyPolicy();
        if (arguments == null) {
            LOG.info(
                    "volume={} job={}: {} by {} is wanted by the configuration no more, and does not go on",
                    served.name(),
                    memo.id(),
                    memo.verb(),
                    memo.by());
            files.forget(memo);
            return;
        }
        SentKeys none = new SentKeys(arguments, engine);
        Job job;
        try {
            job = jobs.takeUp(memo, request(verb, served, arguments, none, memo.by()));
        } catch (JobRefusedException refused) {
            none.close();
            throw refused;
        }
        LOG.info(
                "volume={} job={}: {} goes on ({})",
                served.name(),
                job.id(),
                job.verb(),
                job.state().word());
    }

    private JobRequest request(VolumeVerb verb, ServedVolume served, Arguments arguments, SentKeys keys, String by) {
        String memo = verb instanceof ResumableVerb resumable ? resumable.toJson(arguments) : null;
        return new JobRequest(verb.name(), served.name(), verb.claims(), memo, by, new JobWork() {
            @Override
            public JobOutcome run(JobControl control) throws Exception {
                try (keys) {
                    return VerbJobs.this.run(verb, served, arguments, keys, control);
                }
            }

            @Override
            public void dropped() {
                keys.close();
            }
        });
    }

    private JobOutcome runNow(
            VolumeVerb verb, ServedVolume served, Arguments arguments, SentKeys keys, JobControl control)
            throws Exception {
        String called = arguments.text(VerbCall.CALLED);
        if (verb instanceof UnlockVerb && served.export() == null) {
            return unlockWaiting(served, called == null ? served.name() : called, arguments, keys);
        }
        requireOpen(served);
        Volume open = served.requireOpened();
        Export export = served.requireExport();
        String name = called == null ? served.config().path().toString() : called;
        Serving serving = new Serving(export, transfers);
        JobOutcome outcome = verb.run(
                new VerbCall(name, () -> VolumeHead.of(open), open, serving, arguments, memory, keys, control));
        String complaint = verb.changesKeys() && outcome.ok() ? ConfiguredKeys.complaint(served, engine) : null;
        return complaint == null
                ? outcome
                : new JobOutcome(outcome.exitCode(), outcome.text() + complaint, outcome.json());
    }

    private JobOutcome unlockWaiting(ServedVolume served, String called, Arguments arguments, SentKeys keys)
            throws Exception {
        KeySource key = keys.opening();
        UnlockVerb.requireAllKnown(arguments);
        if (waiting.open(served, key)) {
            return UnlockVerb.opened(called);
        }
        // It may have opened by itself meanwhile.
        requireOpen(served);
        return UnlockVerb.notNeeded(called);
    }

    private static void requireOpen(ServedVolume served) throws CommandException {
        Volume open = served.opened();
        if (open == null || served.export() == null || open.state() == Volume.State.CLOSED) {
            throw new CommandException(
                    ExitCode.IN_USE, served.name() + ": is not open just now; try again when it is.");
        }
    }
}
