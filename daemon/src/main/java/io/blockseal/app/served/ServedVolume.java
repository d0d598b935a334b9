package io.blockseal.app.served;

import io.blockseal.admin.ExportHealth;
import io.blockseal.admin.ExportKeys;
import io.blockseal.admin.KeyHealth;
import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.key.EndableKeySource;
import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.setup.StoreOpening;
import io.blockseal.app.tending.Keeper;
import io.blockseal.app.tending.KekPolling;
import io.blockseal.app.tending.KeyCanary;
import io.blockseal.app.tending.KeyPolicyWatch;
import io.blockseal.app.tending.OverdueKeys;
import io.blockseal.app.tending.Polling;
import io.blockseal.app.tending.RotationResumption;
import io.blockseal.app.verb.RotateDekVerb;
import io.blockseal.config.AccessRule;
import io.blockseal.config.ByteSize;
import io.blockseal.config.KeyConfig;
import io.blockseal.config.KeyPolicy;
import io.blockseal.config.ShredPolicy;
import io.blockseal.config.VolumeConfig;
import io.blockseal.control.Arguments;
import io.blockseal.device.DekGenerations;
import io.blockseal.device.DeviceStack;
import io.blockseal.export.Export;
import io.blockseal.export.ExportBudget;
import io.blockseal.export.ExportContext;
import io.blockseal.export.ExportRegistry;
import io.blockseal.export.LossLedger;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.job.Jobs;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.metrics.DekCacheMetrics;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.metrics.KeyFigures;
import io.blockseal.metrics.Remembered;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.KekWatch;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.ShredOnDiscard;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeOpener;
import io.blockseal.volume.VolumeRefusedException;
import io.blockseal.volume.metadata.VolumeStores;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One volume of the configuration on its way from a path to an export. Opened by the main thread, watched by others. */
public final class ServedVolume implements VolumesClosing.Closable {
    private static final Logger LOG = LoggerFactory.getLogger(ServedVolume.class);

    /** Adding up a large table takes some milliseconds: not for every scraper anew. */
    private static final long KEY_FIGURES_NANOS = 5_000_000_000L;

    private volatile VolumeConfig config;
    private final ExportMetrics metrics;
    private final Remembered<KeyFigures> keyFigures = new Remembered<>(KEY_FIGURES_NANOS, System::nanoTime);
    private final OrderGate gate;
    private final LongSupplier millis;
    private volatile @Nullable Volume volume;
    private volatile @Nullable Export export;
    private @Nullable LossLedger losses;
    private @Nullable RotationResumption resumption;
    private @Nullable Polling polling;
    private volatile @Nullable KeyPolicyWatch keyWatch;
    private volatile @Nullable KeyCanary canary;
    private volatile @Nullable KeyHealth keyMissing;
    private @Nullable Polling checking;
    private @Nullable Polling graceEnding;
    private @Nullable List<EndableKeySource> asked;
    /** Of its sources, those that it holds in {@link #heldIn}. */
    private volatile List<KeySource> held = List.of();

    private @Nullable KeyPlaces heldIn;
    /** That an operator has sent, while it is opened by it. */
    private @Nullable EndableKeySource sent;

    private volatile boolean askingEnded;
    private volatile boolean durable;
    private @Nullable ShredOnDiscard shredding;

    /** {@code millis} tells by how much time goes on: how long its key has been refused. */
    public ServedVolume(VolumeConfig config, int loopCount, LongSupplier millis) {
        this.config = config;
        this.millis = millis;
        this.gate = new OrderGate(config.exportName());
        this.metrics = new ExportMetrics(config.exportName(), loopCount);
    }

    /**
     * Opens the stores and the volume, and has {@code exports} offer it. What is shredded behind the guests' backs is on
     * threads of {@code keeper}. If an operator has sent a key, it opens by that {@code instead} of those of its
     * configuration, which are asked afterwards as ever.
     */
    void open(
            Foundation foundation,
            VolumeOpener opener,
            KeyPlaces keys,
            @Nullable KeySource instead,
            Keeper keeper,
            int dekCacheKeysPerLoop,
            ExportRegistry exports)
            throws CommandException, StoreException, MalformedVolumeException, VolumeRefusedException,
                    KeySourceException, WrongKeyException {
        StoreOptions how = new StoreOptions(config.readOnly(), config.direct());
        // Whoever reads the log finds it by the name that clients, orders and metrics have for it.
        VolumeStores stores = StoreOpening.open(
                        foundation.files(), config.path(), config.meta(), config.metaMirror(), how, name())
                .loggedAs(name());
        OpenOptions options = new OpenOptions(
                config.readOnly(),
                config.expectIdentity(),
                config.keySlot(),
                config.acceptRollback(),
                config.trustIdentity(),
                dekCacheKeysPerLoop);
        Volume opened = null;
        List<KeySource> opening;
        try {
            opening = sources(keys);
            opened = instead == null
                    ? opener.open(stores, opening, options)
                    : opener.openOnRequest(stores, List.of(endable(instead)), options);
        } finally {
            forgetSent();
            if (opened == null) {
                stores.close();
            }
        }
        volume = opened;
        requireSensible(config.keyPolicy(), opened);
        opened.noteEncipheredEvery(config.keyPolicy().bytesForgettable());
        resumption = RotationResumption.of(name(), opened);
        if (config.isKeyOutside()) {
            KeyCanary looking = new KeyCanary(name(), opened, opening, config.keyCheck(), millis, () -> askingEnded);
            canary = looking;
            checking = instead == null
                    ? Polling.beginLater(looking::look, looking::pauseSeconds, keeper, keeper)
                    // Its source has not given the key: how it stands is to be known now.
                    : Polling.begin(looking::look, looking::pauseSeconds, keeper, keeper);
            graceEnding = Polling.beginLater(looking::endGrace, looking::gracePauseSeconds, keeper, keeper);
        }
        if (config.autoRewrap() && !opened.shape().readOnly()) {
            polling = KekPolling.begin(name(), new KekWatch(opened, opening), config.rewrapPollSeconds(), keeper);
        }
        DeviceStack stack = DeviceStack.build(opened);
        boolean readOnly = config.readOnly() || opened.shape().readOnly();
        if (config.shred() == ShredPolicy.ON_DISCARD && !readOnly) {
            shredding = new ShredOnDiscard(opened, keeper, keeper);
        } else if (config.shred() == ShredPolicy.OFF) {
            opened.refuseShredding();
        }
        LossLedger ledger = new LossLedger(opened.dataStore()::lossCount, metrics.loopCount());
        losses = ledger;
        List<ExportContext> contexts = List.of(new ExportContext(DekGenerations.CONTEXT, new DekGenerations(opened)));
        Export made = new Export(
                config.exportName(),
                config.description(),
                stack.top(),
                readOnly,
                metrics,
                ledger,
                contexts,
                new ExportBudget(
                        config.limit().requestsPerSecond(), config.limit().bytesPerSecond()));
        offer(made, exports);
    }

    private synchronized void offer(Export made, ExportRegistry exports) throws CommandException {
        // Whoever takes it out of service may have waited for this try in vain.
        if (askingEnded) {
            throw new CommandException(ExitCode.IN_USE, name() + ": is being taken out of service");
        }
        exports.add(made);
        // Not before: whoever sees it open may connect.
        export = made;
    }

    private void requireSensible(KeyPolicy policy, Volume opened) throws CommandException {
        long least = KeyPolicy.bytesLeast(opened.shape().rangeBytes());
        if (policy.bytesMax() < least) {
            throw new CommandException(
                    ExitCode.CONFIG,
                    config.path() + ": max-bytes-per-key is " + ByteSize.exact(policy.bytesMax())
                            + ", but its ranges have "
                            + ByteSize.exact(opened.shape().rangeBytes())
                            + ": a rotation would soon ask for the next one. Give at least " + ByteSize.exact(least)
                            + ".");
        }
    }

    /**
     * Keeps its DEKs within the limits of the configuration from now on, if there are any; close that before the jobs.
     *
     * @param rotations begins what is to be done for those beyond a limit
     */
    public @Nullable Polling watchKeys(KeyPolicyWatch.Rotations rotations, Jobs jobs, Keeper keeper) {
        Volume open = volume;
        KeyPolicy policy = config.keyPolicy();
        if (open == null || !isKeyPolicyInForce(open)) {
            return null;
        }
        KeyPolicyWatch watch = new KeyPolicyWatch(name(), open, policy, jobs, rotations);
        keyWatch = watch;
        return Polling.begin(watch::look, policy.pollSeconds(), keeper, keeper);
    }

    private boolean isKeyPolicyInForce(Volume open) {
        return config.keyPolicy().isWanted() && !open.shape().readOnly();
    }

    /** What {@link RotateDekVerb} is to do for the limits of the configuration, or null if there are none. */
    @Nullable
    public Arguments orderByKeyPolicy() {
        Volume open = volume;
        return open != null && isKeyPolicyInForce(open) ? new OverdueKeys(open, config.keyPolicy()).order() : null;
    }

    /** What was said about it. */
    public VolumeConfig config() {
        return config;
    }

    /** Another access list is in force for it; nothing else has changed in what was said about it. */
    void accessChanged(List<AccessRule> access) {
        config = config.withAccess(access);
    }

    /** The volume, or null until it is open. */
    @Nullable
    public Volume opened() {
        return volume;
    }

    /** The volume, which is open. */
    public Volume requireOpened() {
        return Objects.requireNonNull(volume);
    }

    /** What is offered to clients, or null until it is open. */
    @Nullable
    public Export export() {
        return export;
    }

    /** What is offered to clients of one that is open. */
    public Export requireExport() {
        return Objects.requireNonNull(export);
    }

    /** What orders to it pass through. */
    public OrderGate gate() {
        return gate;
    }

    /** What its requests did. */
    public ExportMetrics metrics() {
        return metrics;
    }

    /** It cannot be opened yet, as its key cannot be had, because of that. */
    void awaitKey(String why) {
        keyMissing = KeyHealth.unopened(KeyHealth.AWAITED, why);
    }

    /** Nobody asks for its key any more, as it does not fit its configuration, because of that. */
    void giveUp(String why) {
        keyMissing = KeyHealth.unopened(KeyHealth.GIVEN_UP, why);
    }

    /** What was said last about why its key cannot be had; null if nothing was. */
    @Nullable
    String awaitsKeyBecause() {
        KeyHealth missing = keyMissing;
        return missing == null ? null : missing.why();
    }

    /** How it is, for whoever watches. */
    public ExportHealth health() {
        Volume now = volume;
        if (now == null || export == null) {
            KeyHealth missing = keyMissing;
            return ExportHealth.unopened(config.exportName(), missing == null ? KeyHealth.NONE : missing);
        }
        if (gate.state() == OrderGate.State.ERASED) {
            return new ExportHealth(config.exportName(), ExportHealth.ERASED, 0, 0, 0, 0);
        }
        KeyPolicyWatch watch = keyWatch;
        KeyCanary looking = canary;
        DekCacheMetrics caches = now.dekCacheMetrics();
        String state =
                switch (now.state()) {
                    case OPEN -> ExportHealth.OPEN;
                    // No key brings one back that is half erased.
                    case LOCKED -> gate.state() == OrderGate.State.HALF_ERASED ? "failed" : "locked";
                    case METADATA_FAILED -> "failed";
                    case CLOSED -> "closed";
                };
        return new ExportHealth(
                config.exportName(),
                state,
                now.shape().sizeBytes(),
                caches.hits(),
                caches.misses(),
                caches.evictions(),
                now.storeLosses(),
                now.storesTroubled(),
                now.ringRequestCount(),
                switch (now.mirror()) {
                    // One that was asked for and could not be opened is missed, too.
                    case NONE -> config.metaMirror() == null ? ExportHealth.Mirror.NONE : ExportHealth.Mirror.DOWN;
                    case UP -> ExportHealth.Mirror.UP;
                    case DOWN -> ExportHealth.Mirror.DOWN;
                },
                now.metadataRecoveries(),
                watch == null ? 0 : watch.overdueRanges(),
                looking == null ? KeyHealth.NONE : looking.health());
    }

    /** How its keys are, or null until it is open and once it is erased. On the admin loop. */
    @Nullable
    public ExportKeys keys() {
        Volume now = volume;
        if (now == null || gate.state() == OrderGate.State.ERASED) {
            return null;
        }
        return ExportKeys.of(config.exportName(), now, keyFigures);
    }

    @Override
    public String name() {
        return config.exportName();
    }

    /** Requests that wait, for a key or for a storage that is in doubt, are told that there is nothing to wait for. */
    public void endWaiting() {
        Volume now = volume;
        if (now != null) {
            now.endWaiting();
        }
        endAsking();
    }

    /** Whoever is outside, or wraps anew by itself, is asked for as long as it is served. */
    private synchronized List<KeySource> sources(KeyPlaces keys) throws KeySourceException {
        if (asked != null) {
            return List.copyOf(asked);
        }
        List<KeySource> named = new ArrayList<>();
        for (KeyConfig key : config.keys()) {
            named.add(keys.open(key, "Passphrase of " + config.path()));
        }
        if (config.isKeyOutside() || config.autoRewrap()) {
            named.forEach(keys::hold);
            heldIn = keys;
            held = List.copyOf(named);
        }
        if (!config.isKeyOutside()) {
            return named;
        }
        asked = named.stream().map(EndableKeySource::new).toList();
        if (askingEnded) {
            asked.forEach(EndableKeySource::end);
        }
        return List.copyOf(asked);
    }

    /** It is closed, and asks its key sources no more. A second call does nothing. */
    public void letGoKeys() {
        KeyPlaces places;
        synchronized (this) {
            places = heldIn;
            heldIn = null;
        }
        if (places != null) {
            held.forEach(places::letGo);
        }
    }

    /** Nobody waits for its key source any more, and it is not offered if it was not before. */
    public synchronized void endAsking() {
        askingEnded = true;
        if (asked != null) {
            asked.forEach(EndableKeySource::end);
        }
        if (sent != null) {
            sent.end();
        }
    }

    /** The sources that it asks again and again while it is served; none if its keys are no sources. */
    synchronized List<KeySource> askedSources() {
        return asked == null ? List.of() : List.copyOf(asked);
    }

    private synchronized KeySource endable(KeySource instead) {
        EndableKeySource endable = new EndableKeySource(instead);
        if (askingEnded) {
            endable.end();
        }
        sent = endable;
        return endable;
    }

    private synchronized void forgetSent() {
        sent = null;
    }

    /** Whoever waits for one of its key sources is called back, and they are not asked until {@link #resumeAsking}. */
    synchronized void suspendAsking() {
        if (asked != null) {
            asked.forEach(EndableKeySource::suspend);
        }
    }

    /** They may be asked again. */
    synchronized void resumeAsking() {
        if (asked != null) {
            asked.forEach(EndableKeySource::resume);
        }
    }

    /** Makes what was written durable, wipes the keys, gives up the lock. No client uses it any more. */
    @Override
    public boolean close() {
        Volume now = volume;
        gate.awaitDecision();
        if (now == null || gate.state() == OrderGate.State.ERASED) {
            return true;
        }
        boolean readOnly = now.shape().readOnly();
        try {
            // First of all: the module of an HSM that never answers must cost no guest its data.
            durable = readOnly || flushed(now);
            stopTending();
            return readOnly || (durable && flushed(now));
        } finally {
            now.close();
        }
    }

    @Override
    public boolean isDurable() {
        return durable;
    }

    /** After it was erased: gives up what it holds, keys, stores and lock. Nobody is served. */
    void dispose() {
        try {
            Objects.requireNonNull(volume).close();
        } catch (RuntimeException failed) {
            LOG.error("volume={}: is erased, but could not be closed", name(), failed);
        }
        letGoKeys();
    }

    /** Ends what is done to it by itself. A second call does nothing. */
    void stopTending() {
        endAsking();
        RotationResumption rotating = resumption;
        if (rotating != null) {
            rotating.close();
        }
        Polling asking = checking;
        if (asking != null) {
            asking.close();
        }
        Polling ending = graceEnding;
        if (ending != null) {
            ending.close();
        }
        Polling looking = polling;
        if (looking != null) {
            looking.close();
        }
        ShredOnDiscard shredder = shredding;
        if (shredder != null) {
            shredder.close();
        }
    }

    private boolean flushed(Volume open) {
        try {
            open.dataStore().flush();
        } catch (StoreException failed) {
            LOG.error(
                    "volume={}: the last flush failed, and what was written since the one before may be lost: {}",
                    name(),
                    failed.getMessage());
            return false;
        }
        LossLedger ledger = losses;
        if (ledger != null && ledger.owesALoss()) {
            LOG.error(
                    "volume={}: a flush failed earlier, and a client that wrote before it has left without being told",
                    name());
            return false;
        }
        return true;
    }
}
