package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Terminal;
import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.key.NewKey;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.tending.Keeper;
import io.blockseal.app.verb.CallKeys;
import io.blockseal.app.verb.SentKeys;
import io.blockseal.app.verb.VerbCall;
import io.blockseal.app.verb.VolumeHead;
import io.blockseal.app.verb.VolumeVerb;
import io.blockseal.config.KeyConfig;
import io.blockseal.control.Arguments;
import io.blockseal.control.ControlClient;
import io.blockseal.control.JobReply;
import io.blockseal.job.JobControl;
import io.blockseal.job.JobOutcome;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.memory.MemorySource;
import io.blockseal.store.StoreInUseException;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeInfo;
import io.blockseal.volume.metadata.VolumeStores;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Does a verb to the volume that a command names, and prints what it says. */
final class VerbRun {
    private final Verb command;
    private final EngineOptions engine;
    private final Path path;
    private final @Nullable VolumeOptions volume;
    private KeyOptions keys = new KeyOptions();
    private @Nullable NewKeyOptions newKey;
    private ControlOptions control = new ControlOptions();
    private boolean json;
    private boolean detach;
    private boolean askFirst;
    private @Nullable Here here;
    private Sending sending = arguments -> {};

    /** What a command does itself, if no daemon serves the volume, where that is not the verb on the open volume. */
    interface Here {
        JobOutcome run() throws Exception;
    }

    /** What is asked for only if a daemon is to have it. */
    interface Sending {
        void add(Arguments arguments) throws Exception;
    }

    VerbRun(Verb command, EngineOptions engine, VolumeOptions volume) {
        this(command, engine, volume.path(), volume);
    }

    /** Of a command that does it in its own way if no daemon does: {@link #here}. */
    VerbRun(Verb command, EngineOptions engine, Path path) {
        this(command, engine, path, null);
    }

    private VerbRun(Verb command, EngineOptions engine, Path path, @Nullable VolumeOptions volume) {
        this.command = command;
        this.engine = engine;
        this.path = path;
        this.volume = volume;
    }

    private VolumeOptions volume() {
        return Objects.requireNonNull(volume, "how to open the volume");
    }

    /** Prints JSON, if so wanted. */
    VerbRun json(boolean wanted) {
        json = wanted;
        return this;
    }

    /** By the daemon that is found there, if one serves the volume. */
    VerbRun control(ControlOptions options) {
        control = options;
        return this;
    }

    /** Leaves long work to the daemon at once, and prints the job's number. */
    VerbRun detach(boolean wanted) {
        detach = wanted;
        return this;
    }

    /** If no daemon does it, in this way. */
    VerbRun here(Here own) {
        here = own;
        return this;
    }

    /** With what is added if a daemon does it. */
    VerbRun sending(Sending more) {
        sending = more;
        return this;
    }

    /** By a daemon that serves the volume, if there is one, although it could be done here as well. */
    VerbRun askingFirst(boolean wanted) {
        askFirst = wanted;
        return this;
    }

    /** With these keys to open the volume by. */
    VerbRun keys(KeyOptions options) {
        keys = options;
        return this;
    }

    /** With a new key, if one is named. */
    VerbRun newKey(NewKeyOptions options) {
        newKey = options;
        return this;
    }

    /** Does it. How the command ends. */
    int run(VolumeVerb verb, Arguments arguments) throws Exception {
        try (arguments) {
            // Who names no key can only mean a volume that is open already.
            boolean keyless = verb.needs() != VolumeVerb.Needs.HEAD && !keys.given();
            ControlOptions.Serving serving =
                    keyless || askFirst || verb.isForServedOnly() ? control.findNamed(path) : control.findFirst(path);
            if (serving != null) {
                return runThere(serving, verb, arguments);
            }
            try {
                return runHere(verb, arguments);
            } catch (StoreInUseException inUse) {
                return runThere(control.findHolder(path, inUse), verb, arguments);
            }
        }
    }

    /** By the daemon that serves it. */
    private int runThere(ControlOptions.Serving serving, VolumeVerb verb, Arguments arguments) throws Exception {
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine())) {
            arguments.text(VerbCall.CALLED, path.toString());
            sending.add(arguments);
            if (keys.given() || verb.wantsKey()) {
                sendKeys(places, verb, arguments);
            }
            NewKeyToSend made = newKey == null || !newKey.given() ? null : newKey.toSend(places, path);
            if (made != null) {
                arguments.group(SentKeys.NEW_KEY, made.arguments());
            }
            byte[] body = arguments.encode();
            ControlClient.Reply reply;
            try {
                reply = serving.client().post(serving.path("/" + verb.name()), !json && !verb.isLong(), body);
            } finally {
                Arrays.fill(body, (byte) 0);
            }
            if (!reply.ok()) {
                CommandException refused = JobWatch.refused(reply);
                // Of what failed for another reason it is not known how far it came.
                if (made != null && refused.exitCode() != ExitCode.FAILURE) {
                    made.key().discard();
                }
                throw refused;
            }
            if (verb.isLong()) {
                return watch(serving, JobReply.parse(reply.body()), made == null ? null : made.key());
            }
            print(new JobOutcome(reply.exitCode(), reply.body(), reply.body()), made == null ? null : made.key());
            return reply.exitCode();
        }
    }

    private void sendKeys(KeyPlaces places, VolumeVerb verb, Arguments arguments)
            throws CommandException, KeySourceException {
        List<KeyConfig> sent = verb.takesSeveralKeys() ? keys.each() : List.of(keys.one());
        if (sent.size() > SentKeys.KEYS_MAX) {
            throw new CommandException(ExitCode.USAGE, sent.size() + " keys; a volume has 16 key slots.");
        }
        for (int i = 0; i < sent.size(); i++) {
            String name = i == 0 ? SentKeys.KEY : SentKeys.another(i + 1);
            arguments.group(name, places.toSend(sent.get(i), "Passphrase of " + path));
        }
    }

    private int watch(ControlOptions.Serving serving, JobReply job, @Nullable NewKey made) throws Exception {
        if (detach) {
            if (made != null) {
                NewKeyOptions.showOnce(made, command.err());
            }
            command.out().println(job.id());
            command.out().flush();
            return ExitCode.OK.number();
        }
        if (made == null) {
            return JobWatch.watch(serving.client(), job.id(), json, command.out(), command.err());
        }
        try (NewKeyNews news = news(made)) {
            try {
                return JobWatch.watch(serving.client(), job.id(), json, command.out(), command.err(), news);
            } catch (CommandException failed) {
                news.failed(failed.exitCode());
                throw failed;
            }
        }
    }

    /** Beside a document it goes to standard error: whatever reads that must not have to pick a secret out of it. */
    private NewKeyNews news(NewKey made) {
        return new NewKeyNews(made, path, json ? command.err() : command.out());
    }

    private int runHere(VolumeVerb verb, Arguments arguments) throws Exception {
        Here own = here;
        if (own != null) {
            JobOutcome outcome = own.run();
            print(outcome, null);
            return outcome.exitCode();
        }
        requireThere();
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine());
                Keeper keeper = new Keeper()) {
            GivenKeys given = new GivenKeys(places);
            JobOutcome outcome;
            if (verb.isLong()) {
                try (ForegroundJob job = ForegroundJob.begin(command.err(), Terminal.isError(), verb.name())) {
                    outcome = runOn(foundation, keeper, verb, arguments, given, job);
                }
            } else {
                outcome = runOn(foundation, keeper, verb, arguments, given, JobControl.ALONE);
            }
            print(outcome, given.made);
            return outcome.exitCode();
        }
    }

    /** Before anybody is asked for a key. */
    private void requireThere() throws CommandException {
        if (!Files.exists(path)) {
            throw new CommandException(
                    ExitCode.FAILURE,
                    path + ": no such file, and no daemon that could be asked serves a volume of that name."
                            + "\n  Look for it (blockseal status), or make it: blockseal create " + path);
        }
    }

    private JobOutcome runOn(
            Foundation foundation,
            Keeper keeper,
            VolumeVerb verb,
            Arguments arguments,
            CallKeys given,
            JobControl control)
            throws Exception {
        if (verb.needs() == VolumeVerb.Needs.HEAD) {
            return verb.run(call(() -> head(foundation), null, arguments, foundation.memory(), given, control));
        }
        boolean readOnly = verb.needs() == VolumeVerb.Needs.READ;
        List<KeySource> sources = verb.takesSeveralKeys() ? given.everyOpening() : List.of(given.opening());
        try (Volume open = volume().open(foundation, path, sources, keys, readOnly, keeper)) {
            return verb.run(call(() -> VolumeHead.of(open), open, arguments, foundation.memory(), given, control));
        }
    }

    private VerbCall call(
            VerbCall.Head head,
            @Nullable Volume open,
            Arguments arguments,
            MemorySource memory,
            CallKeys given,
            JobControl control) {
        return new VerbCall(path.toString(), head, open, null, arguments, memory, given, control);
    }

    private VolumeHead head(Foundation foundation) throws Exception {
        VolumeStores stores = volume().stores(foundation, StoreOptions.PEEK);
        try {
            return new VolumeHead(
                    VolumeInfo.read(stores.metadata()),
                    stores.data().sizeBytes(),
                    stores.data().allocatedBytes());
        } finally {
            stores.close();
        }
    }

    private void print(JobOutcome outcome, @Nullable NewKey made) throws KeySourceException {
        PrintWriter out = command.out();
        out.print(json ? outcome.json() : outcome.text());
        out.flush();
        if (made != null && outcome.ok()) {
            // Beside a document it goes to standard error: whatever reads that must not have to pick a secret out of
            // it.
            NewKeyOptions.showOnce(made, json ? command.err() : out);
        }
    }

    /** The keys of the command's options; each is opened once. */
    private final class GivenKeys implements CallKeys {
        private final KeyPlaces places;
        private @Nullable NewKey made;

        GivenKeys(KeyPlaces places) {
            this.places = places;
        }

        @Override
        public KeySource opening() throws CommandException, KeySourceException {
            return volume().key(places, keys);
        }

        @Override
        public List<KeySource> everyOpening() throws CommandException, KeySourceException {
            return volume().keys(places, keys);
        }

        @Override
        public boolean hasNew() {
            return newKey != null && newKey.given();
        }

        @Override
        public void taken(NewKey key) throws KeySourceException {
            news(key).taken();
            // It is shown.
            made = null;
        }

        @Override
        public NewKey made() throws CommandException, KeySourceException {
            NewKey known = made;
            if (known == null) {
                known = (newKey == null ? new NewKeyOptions() : newKey).make(places, path);
                made = known;
            }
            return known;
        }
    }
}
