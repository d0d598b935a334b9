package io.blockseal.app.desk;

import io.blockseal.app.audit.ControlNotes;
import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Failures;
import io.blockseal.app.console.JsonText;
import io.blockseal.app.reload.Reload;
import io.blockseal.app.served.OrderGate;
import io.blockseal.app.served.ServedErasure;
import io.blockseal.app.served.ServedVolume;
import io.blockseal.app.transfer.TransferRoom;
import io.blockseal.app.verb.ResumableVerb;
import io.blockseal.app.verb.SentKeys;
import io.blockseal.app.verb.Serving;
import io.blockseal.app.verb.VerbCall;
import io.blockseal.app.verb.Verbs;
import io.blockseal.app.verb.VolumeHead;
import io.blockseal.app.verb.VolumeVerb;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.audit.Operator;
import io.blockseal.config.ByteSize;
import io.blockseal.control.Arguments;
import io.blockseal.control.Caller;
import io.blockseal.control.ControlAnswer;
import io.blockseal.control.ControlTarget;
import io.blockseal.control.JobText;
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
import io.blockseal.memory.MemorySource;
import io.blockseal.volume.Volume;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What stands behind the control socket: finds the volume and the verb, does short ones on a few threads of its own, makes
 * jobs of long ones, and writes down who wanted what. The control loop only leaves its orders here.
 */
public final class ControlDesk implements ControlTarget, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlDesk.class);
    private static final int THREADS = 4;
    private static final int WAITING_MAX = 64;
    private static final int CLOSE_SECONDS = 30;

    private final List<ServedVolume> volumes;
    private final Jobs jobs;
    private final CryptoEngine engine;
    private final MemorySource memory;
    private final ServedErasure erasure;
    private final TransferRoom transfers;
    private final Map<String, VolumeVerb> verbs;
    private final ThreadPoolExecutor threads;
    private final ThreadPoolExecutor orders;
    private final ControlNotes notes = new ControlNotes();
    /** Keys of short orders that are under way. */
    private final Set<SentKeys> underWay = ConcurrentHashMap.newKeySet();

    private volatile boolean stopping;
    private volatile @Nullable Reload reload;

    public ControlDesk(
            List<ServedVolume> volumes,
            Jobs jobs,
            CryptoEngine engine,
            MemorySource memory,
            ServedErasure erasure,
            TransferRoom transfers) {
        this.volumes = volumes;
        this.jobs = jobs;
        this.engine = engine;
        this.memory = memory;
        this.erasure = erasure;
        this.transfers = transfers;
        this.verbs = Verbs.all();
        volumes.forEach(each -> expect(each.name()));
        this.threads = pool("control", THREADS);
        this.orders = pool("control-job", 1);
    }

    /** Its jobs are counted from now on. */
    private void expect(String volume) {
        verbs.values().stream().filter(VolumeVerb::isLong).forEach(verb -> jobs.expect(volume, verb.name()));
    }

    private static ThreadPoolExecutor pool(String name, int threadCount) {
        AtomicInteger number = new AtomicInteger();
        ThreadPoolExecutor pool = new ThreadPoolExecutor(
                threadCount, threadCount, 10, TimeUnit.SECONDS, new ArrayBlockingQueue<>(WAITING_MAX), task -> {
                    Thread thread = new Thread(task, name + "-" + number.getAndIncrement());
                    thread.setDaemon(true);
                    return thread;
                });
        pool.allowCoreThreadTimeOut(true);
        return pool;
    }

    @Override
    public Jobs jobs() {
        return jobs;
    }

    @Override
    public Executor orders() {
        return orders;
    }

    @Override
    public JobOutcome volumes() {
        Instant now = Instant.now();
        StringBuilder text = new StringBuilder();
        for (ServedVolume each : volumes) {
            Volume open = each.opened();
            text.append(each.name())
                    .append(": ")
                    .append(each.config().path().toAbsolutePath().normalize())
                    .append(", ")
                    .append(each.health().state());
            if (open != null) {
                text.append(", ")
                        .append(ByteSize.human(open.shape().sizeBytes()))
                        .append(", ")
                        .append(open.uuid());
            }
            text.append('\n')
                    .append(KeyStatusText.of(
                            each.health().key(), each.config().keyCheck().onRevocation(), now));
        }
        return JobOutcome.done(text.toString(), JsonText.of(json -> {
            json.writeArrayFieldStart("volumes");
            for (ServedVolume each : volumes) {
                Volume open = each.opened();
                json.writeStartObject();
                json.writeStringField("name", each.name());
                json.writeStringField(
                        "path",
                        each.config().path().toAbsolutePath().normalize().toString());
                json.writeStringField("state", each.health().state());
                json.writeNumberField("sizeBytes", each.health().sizeBytes());
                json.writeBooleanField("readOnly", each.config().readOnly());
                if (open != null) {
                    json.writeStringField("uuid", open.uuid().toString());
                }
                KeyStatusText.write(
                        json, each.health().key(), each.config().keyCheck().onRevocation(), now);
                json.writeEndObject();
            }
            json.writeEndArray();
        }));
    }

    @Override
    public CompletableFuture<ControlAnswer> call(
            String volume, String word, Arguments arguments, Caller caller, boolean acts) {
        return later(() -> answer(volume, word, arguments, caller, acts), arguments::close);
    }

    /** From now on the configuration can be loaded again. */
    public void reloadBy(Reload reloading) {
        reload = reloading;
    }

    @Override
    public CompletableFuture<ControlAnswer> reload(Caller caller) {
        return later(() -> reloadNow(caller), () -> {});
    }

    /** The answer of {@code work}, on a thread of ours; {@code refused} is run instead if there is none. */
    private CompletableFuture<ControlAnswer> later(Supplier<ControlAnswer> work, Runnable refused) {
        CompletableFuture<ControlAnswer> answer = new CompletableFuture<>();
        try {
            threads.execute(() -> {
                try {
                    answer.complete(work.get());
                } catch (RuntimeException defect) {
                    answer.complete(failure(defect));
                }
            });
        } catch (RejectedExecutionException full) {
            refused.run();
            answer.complete(new ControlAnswer(
                    503,
                    Failures.outcome(new CommandException(
                            ExitCode.FAILURE, "the daemon stops, or has too many orders waiting; try again"))));
        }
        return answer;
    }

    private ControlAnswer reloadNow(Caller caller) {
        Reload reloading = reload;
        ControlAnswer answer;
        if (!isRootOrUs(caller)) {
            answer = new ControlAnswer(
                    403,
                    Failures.outcome(new CommandException(
                            ExitCode.FAILURE,
                            "only root and the daemon's user may have the configuration loaded again, and user "
                                    + Integer.toUnsignedString(caller.uid()) + " is neither")));
        } else if (reloading == null) {
            answer = new ControlAnswer(
                    409,
                    Failures.outcome(new CommandException(
                            ExitCode.USAGE,
                            "this daemon has no configuration file to load again\n  It was started with options; start it"
                                    + " with --config FILE.")));
        } else {
            JobOutcome outcome = reloading.run(
                    AuditField.of("by", "control"),
                    AuditField.of("caller-uid", Integer.toUnsignedString(caller.uid())),
                    AuditField.of("caller-pid", caller.pid()));
            answer = outcome.ok() ? ControlAnswer.of(outcome) : new ControlAnswer(409, outcome);
        }
        record(caller, "reload", "", answer);
        return answer;
    }

    private ControlAnswer answer(String name, String word, Arguments arguments, Caller caller, boolean acts) {
        // Once a job was begun the keys are its own.
        boolean handedOver = false;
        SentKeys keys = new SentKeys(arguments, engine, uri -> isRootOrUs(caller) || isConfigured(uri));
        ControlAnswer answer;
        try {
            VolumeVerb verb = verbs.get(word);
            ServedVolume served = find(name);
            if (served != null && ServedErasure.understands(word)) {
                answer = endable(keys, () -> erasure.answer(word, served, arguments, keys, caller));
            } else if (verb == null || served == null) {
                answer = new ControlAnswer(
                        served == null ? 404 : 400, Failures.outcome(unknown(name, word, served != null)));
            } else if (verb.opensPlaces() && !isRootOrUs(caller)) {
                answer = new ControlAnswer(403, Failures.outcome(notOurs(verb, caller)));
            } else if (verb.isLong()) {
                Job job = served.gate().pass(() -> {
                    requireOpen(served);
                    return jobs.submit(request(verb, served, arguments, keys, JobRequest.OPERATOR));
                });
                handedOver = true;
                answer = new ControlAnswer(202, JobText.one(job));
            } else {
                answer = endable(keys, () -> ControlAnswer.of(run(verb, served, arguments, keys, JobControl.ALONE)));
            }
        } catch (Exception failed) {
            LOG.debug("control: {} of {} failed", word, name, failed);
            answer = failure(failed);
        } finally {
            if (!handedOver) {
                keys.close();
            }
        }
        if (acts) {
            ServedVolume served = find(name);
            record(caller, word, served == null ? name : served.name(), answer);
        }
        return answer;
    }

    /** What an order answers whose key sources are asked no more once we stop. A job decides for itself when it ends. */
    private <T> T endable(SentKeys keys, Callable<T> order) throws Exception {
        underWay.add(keys);
        try {
            if (stopping) {
                keys.endAsking();
            }
            return order.call();
        } finally {
            underWay.remove(keys);
        }
    }

    private static CommandException unknown(String name, String word, boolean volumeKnown) {
        return new CommandException(
                ExitCode.USAGE,
                volumeKnown
                        ? "there is no verb '" + word + "'; see docs/control.md"
                        : "no volume '" + name + "' is served here; see blockseal status");
    }

    /** Whether it is the key source of one of the volumes, which the daemon asks anyway. */
    private boolean isConfigured(String uri) {
        return volumes.stream()
                .flatMap(volume -> volume.config().keys().stream())
                .anyMatch(key -> key.isOutside() && key.place().equals(uri));
    }

    private static boolean isRootOrUs(Caller caller) {
        try {
            return caller.isRootOr(Operator.effectiveUid());
        } catch (IOException unknown) {
            return false;
        }
    }

    /** It would have files read and written that it may not read and write itself. */
    private static CommandException notOurs(VolumeVerb verb, Caller caller) {
        return new CommandException(
                ExitCode.FAILURE,
                verb.name() + " opens files with the rights of the daemon, and user " + caller.uid() + " has others."
                        + "\n  Copy as a client does, with nbd+unix:///EXPORT?socket=SOCKET in the place of the volume; or"
                        + " have root or the daemon's user do it.");
    }

    private static void record(Caller caller, String word, String name, ControlAnswer answer) {
        AuditLog.record(
                AuditEvent.CONTROL_CALL,
                AuditField.of("verb", word),
                AuditField.of("volume", name),
                AuditField.of("exit-code", answer.outcome().exitCode()),
                AuditField.of("caller-uid", caller.uid()),
                AuditField.of("caller-pid", caller.pid()));
    }

    private JobRequest request(VolumeVerb verb, ServedVolume served, Arguments arguments, SentKeys keys, String by) {
        String memo = verb instanceof ResumableVerb resumable ? resumable.toJson(arguments) : null;
        return new JobRequest(verb.name(), served.name(), verb.claims(), memo, by, new JobWork() {
            @Override
            public JobOutcome run(JobControl control) throws Exception {
                try (keys) {
                    return ControlDesk.this.run(verb, served, arguments, keys, control);
                }
            }

            @Override
            public void dropped() {
                keys.close();
            }
        });
    }

    private JobOutcome run(VolumeVerb verb, ServedVolume served, Arguments arguments, SentKeys keys, JobControl control)
            throws Exception {
        return served.gate().pass(() -> runNow(verb, served, arguments, keys, control));
    }

    private JobOutcome runNow(
            VolumeVerb verb, ServedVolume served, Arguments arguments, SentKeys keys, JobControl control)
            throws Exception {
        String called = arguments.text(VerbCall.CALLED);
        requireOpen(served);
        Volume open = served.requireOpened();
        Export export = served.requireExport();
        String name = called == null ? served.config().path().toString() : called;
        Serving serving = new Serving(export, transfers);
        return verb.run(new VerbCall(name, () -> VolumeHead.of(open), open, serving, arguments, memory, keys, control));
    }

    private static void requireOpen(ServedVolume served) throws CommandException {
        Volume open = served.opened();
        if (open == null || served.export() == null || open.state() == Volume.State.CLOSED) {
            throw new CommandException(
                    ExitCode.IN_USE, served.name() + ": is not open just now; try again when it is.");
        }
    }

    /** A path from a command is absolute: it may stand in another directory. */
    private static boolean isSameFile(Path path, String name) {
        try {
            return name.startsWith("/") && Files.isSameFile(path, Path.of(name));
        } catch (IOException | InvalidPathException notThere) {
            return false;
        }
    }

    /** By the name of its export, its UUID, or the path of its file. */
    private @Nullable ServedVolume find(String name) {
        for (ServedVolume each : volumes) {
            Volume open = each.opened();
            // Of one that is erased nothing is left but the name.
            boolean there = each.gate().state() != OrderGate.State.ERASED;
            if (each.name().equals(name)
                    || (there && open != null && open.uuid().toString().equals(name))
                    || (there && isSameFile(each.config().path(), name))) {
                return each;
            }
        }
        return null;
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
        expect(served.name());
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

    @Override
    public ControlAnswer failure(Throwable failure) {
        JobOutcome outcome = Failures.outcome(failure);
        int status =
                switch (Failures.exitCode(failure)) {
                    case USAGE -> 400;
                    case WRONG_KEY -> 403;
                    case IN_USE -> 409;
                    case DAMAGED, FAILURE, CONFIG, KEY_SOURCE, OK, STORAGE -> 500;
                };
        if (failure instanceof JobRefusedException refused) {
            status = switch (refused.reason()) {
                case UNKNOWN -> 404;
                case CONFLICT -> 409;
                case UNAVAILABLE -> 503;
            };
        }
        return new ControlAnswer(status, outcome);
    }

    @Override
    public void audit(Caller caller, boolean admitted, String what) {
        notes.take(caller, admitted, what);
    }

    /** Takes no order any more, and lets those end that were begun; those do not wait for a key source. */
    @Override
    public void close() {
        stopping = true;
        underWay.forEach(SentKeys::endAsking);
        threads.shutdown();
        orders.shutdown();
        try {
            if (!threads.awaitTermination(CLOSE_SECONDS, TimeUnit.SECONDS)
                    || !orders.awaitTermination(1, TimeUnit.SECONDS)) {
                LOG.warn("an order from the control socket did not end within {} s", CLOSE_SECONDS);
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
        notes.close();
    }
}
