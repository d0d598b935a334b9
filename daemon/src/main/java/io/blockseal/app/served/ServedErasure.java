package io.blockseal.app.served;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Failures;
import io.blockseal.app.console.JsonText;
import io.blockseal.app.erase.DoomedKeys;
import io.blockseal.app.erase.EraseEvidence;
import io.blockseal.app.erase.EraseText;
import io.blockseal.app.erase.Eraser;
import io.blockseal.app.verb.SentKeys;
import io.blockseal.app.verb.VerbCall;
import io.blockseal.audit.AuditField;
import io.blockseal.block.Errno;
import io.blockseal.config.VolumeConfig;
import io.blockseal.control.Arguments;
import io.blockseal.control.Caller;
import io.blockseal.control.ControlAnswer;
import io.blockseal.export.ExportRegistry;
import io.blockseal.job.JobOutcome;
import io.blockseal.job.Jobs;
import io.blockseal.keysource.KeySource;
import io.blockseal.store.StoreException;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeErasure;
import io.blockseal.volume.VolumeInfo;
import io.blockseal.volume.VolumeLock;
import io.blockseal.volume.VolumeRefusedException;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Erases a volume that is being served, by two orders: {@code erase-plan} says what would be erased and changes nothing, so
 * that whoever asks can be sure, and {@code erase} does it. Clients are sent away, the keys leave the memory, and then what
 * opens the volume is destroyed. A job on the volume stands in the way: somebody wanted it. What goes wrong before the last
 * step leaves the volume in service. On the threads of the control desk.
 */
public final class ServedErasure {
    /** Sends the clients of an export away. */
    @FunctionalInterface
    public interface Clients {
        /** Whether none of them uses its device any more. */
        boolean dismiss(String export);
    }

    private static final Logger LOG = LoggerFactory.getLogger(ServedErasure.class);
    private static final String PLAN = "erase-plan";
    private static final String ERASE = "erase";
    private static final String UUID = "uuid";
    private static final String DESTROY_KEK = "destroyKek";
    private static final Set<String> ALWAYS_KNOWN = Set.of(VerbCall.CALLED);
    private static final Duration PATIENCE = Duration.ofSeconds(30);

    private final ExportRegistry exports;
    private final Clients clients;
    private final Jobs jobs;

    public ServedErasure(ExportRegistry exports, Clients clients, Jobs jobs) {
        this.exports = exports;
        this.clients = clients;
        this.jobs = jobs;
    }

    /** Whether the word is one of the two orders. */
    public static boolean understands(String word) {
        return word.equals(PLAN) || word.equals(ERASE);
    }

    /** Does as the word says. What is thrown was refused, and nothing was destroyed. */
    public ControlAnswer answer(String word, ServedVolume served, Arguments arguments, SentKeys keys, Caller caller)
            throws Exception {
        String given = arguments.text(VerbCall.CALLED);
        String called = given == null ? served.config().path().toString() : given;
        String uuid = word.equals(ERASE) ? arguments.requireText(UUID) : null;
        List<KeySource> doomed = arguments.flag(DESTROY_KEK) ? keys.everyOpening() : List.of();
        arguments.requireAllKnown(ALWAYS_KNOWN);
        Wish wish = new Wish(called, uuid, doomed, caller);
        served.gate().requireErasable();
        jobs.requireNone(served.name(), called, ERASE);
        // Whatever could be refused is refused before anybody is sent away.
        Plan plan = wish.plan(served);
        return uuid == null ? ControlAnswer.of(plan.outcome()) : erase(served, wish);
    }

    /** What somebody wants. */
    private record Wish(String called, @Nullable String uuid, List<KeySource> doomed, Caller caller) {
        Plan plan(ServedVolume served) throws Exception {
            Volume volume = served.opened();
            if (volume == null || volume.state() == Volume.State.CLOSED) {
                throw new CommandException(
                        ExitCode.IN_USE, served.name() + ": is not open just now; try again when it is.");
            }
            VolumeConfig config = served.config();
            if (config.metaMirror() != null && volume.mirror() == Volume.Mirror.NONE) {
                throw new CommandException(
                        ExitCode.FAILURE, config.metaMirror() + ": the mirror cannot be opened; nothing was erased.");
            }
            VolumeErasure erasure = VolumeErasure.plan(volume);
            VolumeInfo info = erasure.info();
            if (uuid != null) {
                EraseText.requireUuid(called, info.uuid().toString(), uuid);
            }
            DoomedKeys keys = new DoomedKeys(called);
            for (KeySource source : doomed) {
                keys.add(source.kind(), source, erasure);
            }
            EraseEvidence evidence = new EraseEvidence(
                    info, EraseEvidence.Wisher.of(caller), config.path(), config.meta(), config.metaMirror());
            return new Plan(called, erasure, keys, evidence);
        }
    }

    /** What can be done. */
    private record Plan(String called, VolumeErasure erasure, DoomedKeys keys, EraseEvidence evidence) {
        JobOutcome outcome() {
            String question = EraseText.before(called, erasure.info(), keys);
            return JobOutcome.done(question, JsonText.of(document -> {
                document.writeStringField("uuid", erasure.info().uuid().toString());
                document.writeStringField("label", erasure.info().label());
                document.writeStringField("text", question);
                document.writeFieldName("record");
                document.writeRawValue(evidence.json().strip());
            }));
        }
    }

    private ControlAnswer erase(ServedVolume served, Wish wish) throws Exception {
        OrderGate gate = served.gate();
        OrderGate.State before = gate.close("is being erased");
        OrderGate.State after = before;
        try {
            // Before the wait, as one that runs is an order that does not end; and after it, as one may have been
            // begun.
            jobs.requireNone(served.name(), wish.called(), ERASE);
            if (!gate.becomesEmpty(PATIENCE)) {
                throw new CommandException(
                        ExitCode.IN_USE,
                        wish.called() + ": an order to it does not end; nothing was erased. Try again.");
            }
            jobs.requireNone(served.name(), wish.called(), ERASE);
            Plan plan = takeOutOfService(served, wish, before);
            after = OrderGate.State.HALF_ERASED;
            served.stopTending();
            ControlAnswer answer = destroy(plan, wish.caller());
            if (answer.status() == 200) {
                served.dispose();
                exports.withdraw(served.name(), "the volume of this export was erased");
                after = OrderGate.State.ERASED;
            }
            return answer;
        } finally {
            gate.become(after);
        }
    }

    /** Nobody uses it and its keys are wiped when this returns; else it is in service as before. */
    private Plan takeOutOfService(ServedVolume served, Wish wish, OrderGate.State before) throws Exception {
        Volume volume = served.requireOpened();
        boolean wasLocked = volume.state() == Volume.State.LOCKED;
        VolumeLock.Policy policy = volume.whileHeld() == Errno.OK ? VolumeLock.Policy.FREEZE : VolumeLock.Policy.FAIL;
        LOG.warn(
                "volume={} caller-uid={}: is taken out of service, to be erased",
                served.name(),
                Integer.toUnsignedString(wish.caller().uid()));
        boolean withdrawn = false;
        boolean out = false;
        try {
            if (wasLocked) {
                // Requests that wait for its keys would keep their clients.
                volume.lock().lock(VolumeLock.Policy.FAIL);
            }
            exports.withdraw(served.name(), "the volume of this export is being erased");
            withdrawn = true;
            if (!clients.dismiss(served.name())) {
                throw new CommandException(
                        ExitCode.IN_USE,
                        wish.called() + ": requests of its clients do not end, as the storage does not answer; nothing"
                                + " was erased.");
            }
            volume.lock().lock(VolumeLock.Policy.FAIL);
            Plan plan = wish.plan(served);
            out = true;
            return plan;
        } catch (Exception failed) {
            if (!wasLocked && volume.state() == Volume.State.LOCKED) {
                throw new CommandException(
                        Failures.exitCode(failed),
                        Failures.message(failed)
                                + "\n  Nothing was erased, but its clients were sent away and its keys are out of memory:"
                                + " blockseal unlock brings them back.",
                        failed);
            }
            throw failed;
        } finally {
            if (!out && before == OrderGate.State.OPEN) {
                if (withdrawn) {
                    exports.add(served.requireExport());
                }
                if (wasLocked) {
                    lockAsBefore(served.name(), volume, policy);
                }
            }
        }
    }

    /** What went wrong before is what the caller is told. */
    private static void lockAsBefore(String name, Volume volume, VolumeLock.Policy policy) {
        try {
            volume.lock().lock(policy);
        } catch (StoreException | VolumeRefusedException failed) {
            LOG.error("volume={}: {}", name, failed.getMessage());
        }
    }

    private static ControlAnswer destroy(Plan plan, Caller caller) {
        EraseEvidence evidence = plan.evidence();
        Eraser eraser = new Eraser(
                plan.erasure(),
                plan.keys(),
                evidence,
                plan.called(),
                AuditField.of("caller-uid", Integer.toUnsignedString(caller.uid())),
                AuditField.of("caller-pid", caller.pid()));
        try {
            List<String> complaints = eraser.erase();
            String text = EraseText.after(plan.called(), evidence)
                    + "Take it out of the configuration now: with it there, no reload and no start succeeds.\n";
            ExitCode exit = complaints.isEmpty() ? ExitCode.OK : ExitCode.KEY_SOURCE;
            return ControlAnswer.of(new JobOutcome(exit.number(), text, JsonText.of(document -> {
                document.writeStringField("text", text);
                document.writeArrayFieldStart("complaints");
                for (String complaint : complaints) {
                    document.writeString(complaint);
                }
                document.writeEndArray();
                document.writeFieldName("record");
                document.writeRawValue(evidence.json().strip());
            })));
        } catch (StoreException | RuntimeException failed) {
            LOG.error(
                    "volume={}: could not be erased as a whole: {}",
                    plan.erasure().logName(),
                    Failures.message(failed));
            LOG.debug("volume={}", plan.erasure().logName(), failed);
            int exit = Failures.exitCode(failed).number();
            String words = Failures.message(failed);
            return new ControlAnswer(500, new JobOutcome(exit, words + "\n", JsonText.of(document -> {
                document.writeStringField("error", words);
                document.writeNumberField("exitCode", exit);
                document.writeFieldName("record");
                document.writeRawValue(evidence.json().strip());
            })));
        }
    }
}
