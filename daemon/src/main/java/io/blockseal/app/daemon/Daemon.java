package io.blockseal.app.daemon;

import io.blockseal.admin.AdminPage;
import io.blockseal.admin.AdminServer;
import io.blockseal.admin.ExportHealth;
import io.blockseal.admin.ExportKeys;
import io.blockseal.admin.HealthPages;
import io.blockseal.admin.MetricsPage;
import io.blockseal.admin.MetricsSources;
import io.blockseal.app.audit.AuditPlaces;
import io.blockseal.app.audit.ClientVisits;
import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Failures;
import io.blockseal.app.console.ListenRefusal;
import io.blockseal.app.console.Version;
import io.blockseal.app.desk.ControlDesk;
import io.blockseal.app.desk.ControlOpening;
import io.blockseal.app.desk.JobFiles;
import io.blockseal.app.desk.VerbJobs;
import io.blockseal.app.host.IoFlusher;
import io.blockseal.app.host.NotifySocket;
import io.blockseal.app.host.ProcessSignals;
import io.blockseal.app.reload.ConfigSource;
import io.blockseal.app.reload.Reload;
import io.blockseal.app.served.FirstTries;
import io.blockseal.app.served.KeyPolicies;
import io.blockseal.app.served.LateOpenings;
import io.blockseal.app.served.ServedAccess;
import io.blockseal.app.served.ServedErasure;
import io.blockseal.app.served.ServedOpenings;
import io.blockseal.app.served.ServedVolume;
import io.blockseal.app.served.UnentitledClients;
import io.blockseal.app.served.VolumeRoster;
import io.blockseal.app.served.VolumesClosing;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.setup.Surroundings;
import io.blockseal.app.setup.Unwinding;
import io.blockseal.app.tending.Keeper;
import io.blockseal.app.tending.KeyPolicyWatch;
import io.blockseal.app.tls.ServedTls;
import io.blockseal.app.transfer.TransferRoom;
import io.blockseal.app.verb.RotateDekVerb;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.block.IoLoop;
import io.blockseal.config.AuditConfig;
import io.blockseal.config.DaemonConfig;
import io.blockseal.config.TcpAddress;
import io.blockseal.config.VolumeConfig;
import io.blockseal.control.ControlServer;
import io.blockseal.export.ExportRegistry;
import io.blockseal.job.JobTally;
import io.blockseal.job.Jobs;
import io.blockseal.keysource.KeySource;
import io.blockseal.memory.BufferArena;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.metrics.RefusalFigures;
import io.blockseal.metrics.ReloadFigures;
import io.blockseal.metrics.TlsFigures;
import io.blockseal.nbd.NbdUri;
import io.blockseal.server.IoLoops;
import io.blockseal.server.NbdServer;
import io.blockseal.server.ServerOptions;
import io.blockseal.server.limit.TcpLife;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.Volume;
import io.netty.channel.epoll.Epoll;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The whole house, built bottom up and taken down top down: engine, loops, admin pages, volumes, server. If any step
 * fails, what stands is taken down in order and the failure goes to the caller. The main thread builds it, waits, and
 * takes it down.
 */
public final class Daemon implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(Daemon.class);
    private static final long BUFFER_BYTES_PER_LOOP = 64L << 20;
    private static final int LOOP_GOODBYE_SECONDS = 5;
    /** What the end takes beside requests and storage, at most. */
    private static final int GOODBYE_SECONDS = 15;

    private static final long KEY_RETRY_MILLIS = 1000;
    private static final long KEY_RETRY_MILLIS_MAX = 60_000;
    /** How long an order waits for a try that is under way and has been called back. */
    private static final Duration ORDER_PATIENCE = Duration.ofSeconds(30);

    private static final long DISMISSAL_RETRY_MILLIS = 1000;
    private static final long DISMISSAL_RETRY_MILLIS_MAX = 60_000;

    private final DaemonConfig config;
    private final LongSupplier millis;
    private final Unwinding unwinding = new Unwinding();
    private final ExportRegistry exports = new ExportRegistry();
    /** Changed by whoever loads the configuration again, while others look. */
    private final List<ServedVolume> volumes = new CopyOnWriteArrayList<>();

    private final List<NbdUri> uris = new ArrayList<>();
    private final TlsFigures tlsFigures = new TlsFigures();
    private final RefusalFigures refusals = new RefusalFigures();
    private final FirstTries firstTries = new FirstTries();
    private final ReloadFigures reloads = new ReloadFigures(InstantSource.system());

    private final @Nullable ConfigSource source;
    private volatile @Nullable Jobs jobs;
    private volatile @Nullable Reload reload;
    private @Nullable NbdServer clients;
    private final CompletableFuture<@Nullable Void> stopAsked = new CompletableFuture<>();
    private volatile boolean serving;
    /** At the end: to whoever serves next. */
    private boolean clientsReturn;

    /** At the end: a try to open a volume goes on, and nothing of what it needs may be taken away. */
    private boolean stuckInTry;

    private VolumesClosing.Outcome outcome = VolumesClosing.Outcome.DURABLE;

    private Daemon(DaemonConfig config, @Nullable ConfigSource source, LongSupplier millis) {
        this.config = config;
        this.source = source;
        this.millis = millis;
    }

    /**
     * Serves until a signal asks to stop; prints the addresses when clients can connect.
     *
     * @param source where the configuration is loaded from again at a HUP; null if it is in no file, and then that asks to
     *     stop, too
     */
    public static ExitCode run(DaemonConfig config, @Nullable ConfigSource source, PrintWriter out) throws Exception {
        ProcessSignals signals = ProcessSignals.ofServer("draining", source != null);
        NotifySocket systemd = new NotifySocket(Surroundings.notifySocket());
        Daemon daemon = start(config, source, Daemon::millisNow);
        signals.whenAsked(daemon::stopReload);
        try (daemon) {
            IoFlusher flusher = Surroundings.ioFlusher();
            LOG.info("io-flusher={}: {}", flusher.word(), flusher.explanation());
            if (Surroundings.isRoot()) {
                LOG.warn(
                        "running as root: whoever breaks in here has the host. A user of its own is better, as the unit"
                                + " gives it that scripts/install-service installs (docs/operations.md, \"As a service\")");
            }
            out.println(daemon.addresses());
            out.flush();
            systemd.ready(daemon.status());
            while (signals.await()) {
                systemd.reloading();
                daemon.reload(AuditField.of("by", "signal"));
                systemd.ready(daemon.status());
            }
            if (signals.forReturn()) {
                daemon.closeForReturn();
            }
            systemd.stopping(Duration.ofSeconds(config.drainSeconds() + config.storageSeconds() + GOODBYE_SECONDS));
        }
        if (daemon.outcome != VolumesClosing.Outcome.DURABLE) {
            LOG.error("stopped, but not everything that was written is known to be durable");
            return ExitCode.STORAGE;
        }
        LOG.info("stopped");
        return ExitCode.OK;
    }

    private static long millisNow() {
        return TimeUnit.NANOSECONDS.toMillis(System.nanoTime());
    }

    /** Builds everything; when it returns, clients can connect. */
    public static Daemon start(DaemonConfig config) throws Exception {
        return start(config, null, Daemon::millisNow);
    }

    /** The same, where {@code millis} tells how long keys have been refused. */
    public static Daemon start(DaemonConfig config, @Nullable ConfigSource source, LongSupplier millis)
            throws Exception {
        Daemon daemon = new Daemon(config, source, millis);
        try {
            daemon.build();
            return daemon;
        } catch (Exception | Error failed) {
            daemon.close();
            throw failed;
        }
    }

    private void build() throws Exception {
        HandedSockets handed = HandedSockets.take(config, source == null ? ExitCode.USAGE : ExitCode.CONFIG);
        if (!config.audit().equals(AuditConfig.NONE)) {
            AuditPlaces.keep(config.audit());
            // The last to end: what is taken down may have something to tell.
            unwinding.add("the audit log", AuditLog::end);
        }
        ServedAccess.restrict(exports, config);
        // Both load native code for a tenth of a second; they do not need each other.
        aside().execute(Epoll::isAvailable);
        Foundation foundation = Foundation.lay(config.engine(), config.requireLockedKeys(), config.dekCacheEntries());
        unwinding.add("the key store", foundation);
        ServedTls tls =
                ServedTls.open(config.tls(), tlsFigures, foundation.engine().keys(), source != null);
        if (config.lockMemory()) {
            Foundation.lockMemory();
        }
        int loopCount = loopCount(config.loops(), config.bufferBytes(), IoLoops.defaultCount());
        IoLoops loops = startLoops(foundation, loopCount);
        for (VolumeConfig volume : config.volumes()) {
            volumes.add(new ServedVolume(volume, loopCount, millis));
        }
        HostMemory memory = HostMemory.in(stateDirectory());
        startAdmin(foundation, loops, memory);
        Keeper keeper = startKeeper(foundation, loops);
        ServedOpenings openings =
                new ServedOpenings(foundation, memory, keeper, exports, loopCount, config.dekCacheEntries());
        unwinding.add("the key sources", () -> volumes.forEach(ServedVolume::letGoKeys));
        unwinding.add("the volumes", this::closeVolumes);
        openVolumes(openings, keeper);
        ClientVisits visits = new ClientVisits(tlsFigures, this::requestMetrics);
        unwinding.add("the clients' visits", visits);
        NbdServer server = new NbdServer(loops, exports, serverOptions(), visits, refusals);
        startControl(foundation, server, keeper, openings, loopCount);
        if (tls != null) {
            unwinding.add("the watch over TLS credentials", tls.watch(keeper, keeper));
        }
        // After the server, and before whatever waits for them.
        unwinding.add("requests that wait", () -> volumes.forEach(ServedVolume::endWaiting));
        listen(server, tls, handed);
        serving = true;
        unwinding.add("readiness", () -> serving = false);
    }

    /** As many as were asked for, or else (0) as many as there can be: those that the buffers have room for. */
    static int loopCount(int wanted, long bufferBytes, int most) {
        if (wanted != 0) {
            return wanted;
        }
        return bufferBytes == 0 ? most : (int) Math.min(most, bufferBytes / DaemonConfig.BUFFER_BYTES_PER_LOOP_MIN);
    }

    private IoLoops startLoops(Foundation foundation, int loopCount) {
        long each = config.bufferBytes() == 0 ? BUFFER_BYTES_PER_LOOP : config.bufferBytes() / loopCount;
        IoLoops loops = IoLoops.start(loopCount, each, foundation.memory());
        unwinding.add("the event loops", loops);
        return loops;
    }

    private Keeper startKeeper(Foundation foundation, IoLoops loops) {
        // Loops may have cached keys of a volume that is closed: they forget them after the last volume.
        unwinding.add("the loops' keys", () -> forgetKeys(foundation, loops));
        Keeper keeper = new Keeper();
        unwinding.add("the keeper threads", keeper);
        return keeper;
    }

    /** Opens those that can be opened now. */
    private void openVolumes(ServedOpenings openings, Keeper keeper) throws Exception {
        try (ServedOpenings.Batch batch = openings.begin(volumes.size())) {
            for (ServedVolume volume : volumes) {
                if (volume.config().isKeyOutside()) {
                    exports.withdraw(volume.name(), VolumeRoster.WAITS_FOR_ITS_KEY);
                    firstTries.begin(volume, batch::open, keeper);
                } else {
                    batch.open(volume);
                }
            }
            firstTries.await();
        }
    }

    private Path stateDirectory() {
        Path told = config.stateDir();
        return told == null ? Surroundings.stateDirectory() : told;
    }

    /** Jobs are told to end before their volumes are closed. */
    private void startControl(
            Foundation foundation, NbdServer clients, Keeper keeper, ServedOpenings openings, int loopCount)
            throws Exception {
        TransferRoom transfers = new TransferRoom(foundation.files(), foundation.memory(), stateDirectory());
        unwinding.add("the loops of transfers", transfers);
        JobFiles files = new JobFiles(stateDirectory(), this::uuidOf);
        Jobs started = new Jobs(files, Failures::outcome, Duration.ofSeconds(config.storageSeconds()));
        unwinding.add("the jobs", started);
        jobs = started;
        VerbJobs verbs = new VerbJobs(started, foundation.engine(), foundation.memory(), transfers);
        ControlDesk desk = new ControlDesk(
                volumes,
                verbs,
                foundation.engine(),
                new ServedErasure(exports, name -> clients.dismiss(name, false), started));
        unwinding.add("the control desk", desk);
        KeyPolicies policies = new KeyPolicies();
        unwinding.add("the key policies", policies);
        LateOpenings.Opening tending = volume -> {
            verbs.takeUp(files, volume);
            // After those that were begun before: what they do is not begun twice.
            KeyPolicyWatch.Rotations rotations =
                    (arguments, by) -> verbs.begin(new RotateDekVerb(), volume, arguments, by);
            policies.add(volume, volume.watchKeys(rotations, started, keeper));
        };
        for (ServedVolume volume : volumes) {
            if (!firstTries.isAwaited(volume)) {
                tending.open(volume);
            }
        }
        LateOpenings late = awaitKeys(keeper, volume -> {
            if (volume.export() == null) {
                openLate(openings, volume, null);
            }
            tending.open(volume);
        });
        verbs.openWaitingBy((served, key) -> late.openByOrder(
                served,
                volume -> {
                    openLate(openings, volume, key);
                    tending.open(volume);
                },
                ORDER_PATIENCE));
        ConfigSource file = source;
        if (file != null) {
            UnentitledClients unentitled = new UnentitledClients(
                    clients::dismissUnentitled, keeper, keeper, DISMISSAL_RETRY_MILLIS, DISMISSAL_RETRY_MILLIS_MAX);
            unwinding.add("the clients that are to go", unentitled);
            VolumeRoster roster = new VolumeRoster(
                    volumes,
                    exports,
                    clients::dismiss,
                    unentitled,
                    started,
                    policies,
                    late,
                    openings,
                    tending,
                    volume -> new ServedVolume(volume, loopCount, millis),
                    Duration.ofSeconds(config.storageSeconds()));
            Reload reloading = new Reload(config, file, roster, reloads);
            reload = reloading;
            desk.reloadBy(reloading);
            unwinding.add(
                    "the reload",
                    () -> stuckInTry |= !reloading.haveEnded(Duration.ofSeconds(config.storageSeconds())));
        }
        ControlServer server = ControlOpening.open(config.control(), stateDirectory(), desk);
        if (server != null) {
            unwinding.add("the control server", server);
        }
    }

    /** By the keys of its configuration, or else by {@code sent}. */
    private void openLate(ServedOpenings openings, ServedVolume volume, @Nullable KeySource sent) throws Exception {
        try (ServedOpenings.Batch batch = openings.begin(volumes.size())) {
            if (sent == null) {
                batch.open(volume);
            } else {
                batch.open(volume, sent);
            }
        } catch (CommandException unfit) {
            exports.withdraw(volume.name(), VolumeRoster.DOES_NOT_FIT);
            throw unfit;
        }
    }

    private LateOpenings awaitKeys(Keeper keeper, LateOpenings.Opening opening) {
        LateOpenings late = new LateOpenings(opening, keeper, keeper, KEY_RETRY_MILLIS, KEY_RETRY_MILLIS_MAX);
        unwinding.add(
                "the volumes that wait for their keys",
                () -> stuckInTry |= !late.haveEnded(Duration.ofSeconds(config.storageSeconds())));
        firstTries.handOverTo(late);
        return late;
    }

    private String uuidOf(String exportName) {
        for (ServedVolume each : volumes) {
            Volume open = each.opened();
            if (open != null && each.name().equals(exportName)) {
                return open.uuid().toString();
            }
        }
        throw new IllegalStateException("no volume is open as " + exportName);
    }

    private void closeVolumes() {
        outcome = VolumesClosing.closeAll(volumes, Duration.ofSeconds(config.storageSeconds()));
        if (stuckInTry) {
            LOG.error("a volume is still being opened, as its storage or a PKCS#11 module does not answer; ending"
                    + " without it");
            outcome = VolumesClosing.Outcome.STUCK;
        }
        if (outcome == VolumesClosing.Outcome.STUCK) {
            // Its threads may go on at any moment. Wiped keys or freed buffers under their hands would be worse than
            // leaving all that to the end of the process, which takes the memory away at once.
            unwinding.abandon();
        }
    }

    private static void forgetKeys(Foundation foundation, IoLoops loops) throws InterruptedException {
        CountDownLatch done = new CountDownLatch(loops.all().size());
        for (IoLoop loop : loops.all()) {
            loop.execute(() -> {
                foundation.engine().forgetThread();
                done.countDown();
            });
        }
        if (!done.await(LOOP_GOODBYE_SECONDS, TimeUnit.SECONDS)) {
            LOG.warn("an event loop did not answer within {} s", LOOP_GOODBYE_SECONDS);
        }
    }

    private ServerOptions serverOptions() {
        return ServerOptions.DEFAULT
                .withConnectionsMax(config.connectionsMax())
                .withConnectionsPerAddressMax(config.connectionsPerAddressMax())
                .withTcp(new TcpLife(config.tcpKeepaliveSeconds(), config.tcpUserTimeoutSeconds()))
                .withHandshakeTimeoutMillis(config.handshakeSeconds() * 1000L)
                .withDrainTimeoutMillis(config.drainSeconds() * 1000L);
    }

    private void listen(NbdServer server, @Nullable ServedTls tls, HandedSockets handed) throws CommandException {
        unwinding.add("the server", server);
        clients = server;
        uris.addAll(new Listeners(config, server, tls, handed).open());
    }

    private void startAdmin(Foundation foundation, IoLoops loops, HostMemory memory) throws CommandException {
        TcpAddress address = config.admin();
        if (address == null) {
            return;
        }
        MetricsSources sources = new MetricsSources(
                Version.text(),
                foundation.engine().description().split(" ")[0],
                foundation.engine().protection().word(),
                this::requestMetrics,
                this::health,
                this::keys,
                this::jobTallies,
                tlsFigures,
                refusals,
                reloads,
                () -> sum(loops, BufferArena::leasedBytes),
                () -> sum(loops, arena -> arena.budget().mappedBytes()),
                () -> sum(loops, arena -> arena.budget().limitBytes()),
                memory.anchors()::failures,
                AuditLog::failures,
                AuditLog::waiting);
        // Beside the opening of the volumes: making all its meters takes longer than that.
        CompletableFuture<MetricsPage> metrics = CompletableFuture.supplyAsync(() -> new MetricsPage(sources), aside());
        unwinding.add("the metrics", () -> metrics.join().close());
        HealthPages health = new HealthPages(() -> serving, this::health);
        Map<String, AdminPage> pages = new LinkedHashMap<>();
        pages.put("/metrics", () -> metrics.join().render());
        pages.put("/healthz", health::alive);
        pages.put("/readyz", health::ready);
        try {
            AdminServer server = AdminServer.start(Listeners.resolved(address), pages);
            unwinding.add("the admin server", server);
            LOG.info(
                    "admin pages at http://{}:{}/metrics",
                    address.host(),
                    server.address().getPort());
        } catch (IOException refused) {
            throw ListenRefusal.ofTcp("cannot serve admin pages on " + address, refused);
        }
    }

    /** Runs a task on a thread of its own, which ends with it. */
    private static Executor aside() {
        return task -> {
            Thread thread = new Thread(task, "start");
            thread.setDaemon(true);
            thread.start();
        };
    }

    private static long sum(IoLoops loops, ToLongFunction<BufferArena> figure) {
        return loops.all().stream().map(IoLoop::buffers).mapToLong(figure).sum();
    }

    private Collection<ExportMetrics> requestMetrics() {
        return volumes.stream().map(ServedVolume::metrics).toList();
    }

    private Collection<ExportHealth> health() {
        return volumes.stream().map(ServedVolume::health).toList();
    }

    private Collection<ExportKeys> keys() {
        List<ExportKeys> opened = new ArrayList<>();
        for (ServedVolume volume : volumes) {
            ExportKeys keys = volume.keys();
            if (keys != null) {
                opened.add(keys);
            }
        }
        return opened;
    }

    private Collection<JobTally> jobTallies() {
        Jobs begun = jobs;
        return begun == null ? List.of() : begun.tallies();
    }

    /** Returns when that is done, or as soon as somebody has asked us to stop: it may wait for what cannot be ended. */
    void reload(AuditField by) throws InterruptedException, ExecutionException {
        Reload reloading = reload;
        if (reloading != null) {
            CompletableFuture<?> loading = CompletableFuture.runAsync(() -> reloading.run(by), aside());
            CompletableFuture.anyOf(loading, stopAsked).get();
        }
    }

    /** {@link #close} will leave to whoever serves next what clients ask for then. */
    void closeForReturn() {
        clientsReturn = true;
        NbdServer server = clients;
        if (server != null) {
            server.closeForReturn();
        }
    }

    void stopReload() {
        stopAsked.complete(null);
        Reload reloading = reload;
        if (reloading != null) {
            reloading.stop();
        }
    }

    private String status() {
        return "serving " + volumes.size() + (volumes.size() == 1 ? " volume" : " volumes");
    }

    /** The address of each export, in one line. */
    public String addresses() {
        return String.join(" ", uris.stream().map(NbdUri::toString).toList());
    }

    /** Drains the server, then closes volumes, loops and the rest. */
    @Override
    public void close() {
        // Guests who come back are told of nothing: they ask whoever serves next.
        volumes.forEach(clientsReturn ? ServedVolume::endAsking : ServedVolume::endWaiting);
        stuckInTry = !firstTries.haveEnded(config.storageSeconds());
        unwinding.close();
    }
}
