package io.blockseal.app.desk;

import io.blockseal.app.audit.ControlNotes;
import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Failures;
import io.blockseal.app.reload.Reload;
import io.blockseal.app.served.ServedErasure;
import io.blockseal.app.served.ServedVolume;
import io.blockseal.app.verb.SentKeys;
import io.blockseal.app.verb.VolumeVerb;
import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.audit.Operator;
import io.blockseal.control.Arguments;
import io.blockseal.control.Caller;
import io.blockseal.control.ControlAnswer;
import io.blockseal.control.ControlTarget;
import io.blockseal.control.JobText;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.job.Job;
import io.blockseal.job.JobControl;
import io.blockseal.job.JobOutcome;
import io.blockseal.job.JobRefusedException;
import io.blockseal.job.Jobs;
import java.io.IOException;
import java.util.List;
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
 * What stands behind the control socket: finds the volume and the verb, has short ones done on a few threads of its own and
 * long ones as jobs, and writes down who wanted what. The control loop only leaves its orders here.
 */
public final class ControlDesk implements ControlTarget, AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ControlDesk.class);
    private static final int THREADS = 4;
    private static final int WAITING_MAX = 64;
    private static final int CLOSE_SECONDS = 30;

    private final VolumeList volumes;
    private final VerbJobs verbs;
    private final CryptoEngine engine;
    private final ServedErasure erasure;
    private final ThreadPoolExecutor threads;
    private final ThreadPoolExecutor orders;
    private final ControlNotes notes = new ControlNotes();
    /** Keys of short orders that are under way. */
    private final Set<SentKeys> underWay = ConcurrentHashMap.newKeySet();

    private volatile boolean stopping;
    private volatile @Nullable Reload reload;

    /** Of these volumes, to which {@code verbs} does what is wanted, and {@code erasure} the last. */
    public ControlDesk(List<ServedVolume> volumes, VerbJobs verbs, CryptoEngine engine, ServedErasure erasure) {
        this.volumes = new VolumeList(volumes);
        this.verbs = verbs;
        this.engine = engine;
        this.erasure = erasure;
        volumes.forEach(verbs::expect);
        this.threads = pool("control", THREADS);
        this.orders = pool("control-job", 1);
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
        return verbs.jobs();
    }

    @Override
    public Executor orders() {
        return orders;
    }

    @Override
    public JobOutcome volumes() {
        return volumes.status();
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
        SentKeys keys = new SentKeys(arguments, engine, uri -> isRootOrUs(caller) || volumes.isConfigured(uri));
        ControlAnswer answer;
        try {
            VolumeVerb verb = verbs.verb(word);
            ServedVolume served = volumes.find(name);
            if (served != null && ServedErasure.understands(word)) {
                answer = endable(keys, () -> erasure.answer(word, served, arguments, keys, caller));
            } else if (verb == null || served == null) {
                answer = new ControlAnswer(
                        served == null ? 404 : 400, Failures.outcome(unknown(name, word, served != null)));
            } else if (verb.opensPlaces() && !isRootOrUs(caller)) {
                answer = new ControlAnswer(403, Failures.outcome(notOurs(verb, caller)));
            } else if (verb.isLong()) {
                Job job = verbs.submit(verb, served, arguments, keys);
                handedOver = true;
                answer = new ControlAnswer(202, JobText.one(job));
            } else {
                answer = endable(
                        keys, () -> ControlAnswer.of(verbs.run(verb, served, arguments, keys, JobControl.ALONE)));
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
            ServedVolume served = volumes.find(name);
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
