package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.daemon.Daemon;
import io.blockseal.app.served.ServedAccess;
import io.blockseal.app.setup.LogSetup;
import io.blockseal.config.ByteSize;
import io.blockseal.config.ConfigException;
import io.blockseal.config.ConfigReader;
import io.blockseal.config.ConfigRules;
import io.blockseal.config.ControlConfig;
import io.blockseal.config.DaemonConfig;
import io.blockseal.config.EngineChoice;
import io.blockseal.config.IoLimit;
import io.blockseal.config.KeyCheck;
import io.blockseal.config.KeyConfig;
import io.blockseal.config.KeyPolicy;
import io.blockseal.config.LogLevel;
import io.blockseal.config.ShredPolicy;
import io.blockseal.config.TcpAddress;
import io.blockseal.config.VolumeConfig;
import io.blockseal.keysource.FileTrouble;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code blockseal serve}: from options or a file to a {@link DaemonConfig}, and that to the {@link Daemon}. */
@Command(
        name = "serve",
        header = "Serve volumes over NBD until told to stop.",
        description = {
            "",
            "Prints one line with the address of each export when clients can connect; the log goes to stderr."
                    + " SIGTERM or SIGINT lets requests in flight finish and ends with exit code 0; a second one ends at"
                    + " once.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal serve demo.bsl --key-file demo.key --unix demo.sock",
            "  blockseal serve a.bsl b.bsl --key-file both.key --listen 127.0.0.1:10809 --admin 127.0.0.1:9809",
            "  blockseal serve demo.bsl --key-file demo.key --listen 0.0.0.0:10809 \\",
            "    --tls-certificate server.pem --tls-key server.key --tls-client-ca ca.pem",
            "  blockseal serve --config config/blockseal.yaml",
            "  blockseal serve --config config/blockseal.yaml --check-config",
            ""
        })
public final class ServeCommand extends Verb {
    @Parameters(arity = "0..*", paramLabel = "VOLUME", description = "Volume files or block devices to serve.")
    private List<Path> volumes = new ArrayList<>();

    @Mixin
    private final KeyOptions keys = new KeyOptions();

    @Option(
            names = "--config",
            paramLabel = "FILE",
            description =
                    "Take everything from this YAML file; config/blockseal.yaml explains each key, also those without"
                            + " an option here, such as max-key-age, by which range keys are replaced (default: off).")
    private @Nullable Path config;

    @Option(
            names = "--check-config",
            description =
                    "Read the configuration, try the files that it names without opening a key, say whether it is right,"
                            + " and exit. As the user that serves.")
    private boolean checkConfig;

    @Option(names = "--unix", paramLabel = "SOCKET", description = "Serve on this unix socket. Repeatable.")
    private List<Path> unixSockets = new ArrayList<>();

    @Option(
            names = "--listen",
            paramLabel = "HOST:PORT",
            description = "Serve on this TCP address; port 0 takes a free one. Repeatable.")
    private List<String> listen = new ArrayList<>();

    @Option(
            names = "--socket-activation",
            description = "Serve on the sockets that systemd has opened for this process.")
    private boolean socketActivation;

    @Option(
            names = "--insecure-plaintext",
            description =
                    "Allow --listen beyond loopback without TLS, although guest data crosses the network as plaintext.")
    private boolean insecurePlaintext;

    @Mixin
    private final TlsOptions tls = new TlsOptions();

    @Option(
            names = "--admin",
            paramLabel = "HOST:PORT",
            description = "Serve /metrics, /healthz and /readyz by HTTP on this address.")
    private @Nullable String admin;

    @Option(
            names = "--control",
            paramLabel = "SOCKET",
            description = "Take orders on this unix socket, from root and this user; auto: the usual place, off: none"
                    + " (default: ${DEFAULT-VALUE}).",
            defaultValue = "auto")
    private String control = "auto";

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "Export name, for each volume in order (default: the file's base name without .bsl).")
    private List<String> names = new ArrayList<>();

    @Option(
            names = "--meta",
            paramLabel = "FILE",
            description = "Where the metadata lies if it is detached, for each volume in order.")
    private List<Path> metas = new ArrayList<>();

    @Option(
            names = "--meta-mirror",
            paramLabel = "FILE",
            description = "Keep the metadata in this file, too, for each volume in order; made if it is missing.")
    private List<Path> metaMirrors = new ArrayList<>();

    @Option(names = "--read-only", description = "Refuse writes.")
    private boolean readOnly;

    @Option(
            names = "--direct",
            description =
                    "Bypass the page cache (O_DIRECT), by io_uring where there is one. For disks that are mounted on"
                            + " this host, and where memory is short; else the page cache is faster.")
    private boolean direct;

    @Option(
            names = "--shred",
            paramLabel = "POLICY",
            converter = ShredWord.class,
            description = {
                "When the keys of ranges may be destroyed: on-discard, once guests have discarded all of a range (the"
                        + " default); manual, when an operator says so; off, not while it is served."
            })
    private ShredPolicy shred = ShredPolicy.ON_DISCARD;

    @Mixin
    private final AuditOptions audit = new AuditOptions();

    @Option(
            names = "--engine",
            paramLabel = "auto|native|java",
            description = "Which cipher engine to run (default: ${DEFAULT-VALUE}).",
            defaultValue = "auto")
    private EngineChoice engine = EngineChoice.AUTO;

    @Option(names = "--require-locked-keys", description = "Refuse to start when keys cannot be kept in locked memory.")
    private boolean requireLockedKeys;

    @Option(
            names = "--lock-memory",
            description =
                    "Keep all of the daemon in memory: nothing of it is swapped out, or read again from the disk.")
    private boolean lockMemory;

    @Option(
            names = "--buffers",
            paramLabel = "SIZE",
            description = "The most memory for guest data in flight, at least 40M (default: 64M for each event loop)."
                    + " There are no more loops than that has room for, at 40M each.")
    private @Nullable String buffers;

    @Option(
            names = "--state-dir",
            paramLabel = "DIR",
            description = "Where each volume's identity and last state are remembered.")
    private @Nullable Path stateDir;

    @Option(names = "--expect-identity", paramLabel = "HEX", description = "Refuse a volume of any other identity.")
    private @Nullable String expectIdentity;

    @Option(
            names = "--trust-identity",
            description = "Take the identity that is found for the right one, and remember it. Read docs/errors.md.")
    private boolean trustIdentity;

    @Option(
            names = "--accept-rollback",
            description = "Open although the metadata was put back from an older copy. Read docs/errors.md.")
    private boolean acceptRollback;

    @Option(
            names = "--log-level",
            paramLabel = "LEVEL",
            description = "error, warn, info or debug (default: ${DEFAULT-VALUE}).",
            defaultValue = "info")
    private LogLevel logLevel = LogLevel.INFO;

    @Override
    public Integer call() throws Exception {
        DaemonConfig wanted = config == null ? fromOptions() : fromFile(config);
        if (checkConfig && config != null) {
            ConfigTrial.run(config, wanted);
            out().println(config + ": the configuration is right (tried as the user " + FileTrouble.us() + ").");
            out().flush();
            return ExitCode.OK.number();
        }
        LogSetup.level(debug() ? LogLevel.DEBUG : wanted.logLevel());
        Path file = config;
        return Daemon.run(wanted, file == null ? null : () -> ConfigReader.read(file), out())
                .number();
    }

    /** What the options say, checked by the same rules as a file. */
    DaemonConfig fromOptions() throws CommandException {
        if (checkConfig) {
            throw usage("--check-config needs --config FILE.");
        }
        if (volumes.isEmpty()) {
            throw usage(
                    "no volume is named.\n  Name one: blockseal serve demo.bsl --key-file demo.key --unix demo.sock");
        }
        DaemonConfig otherwise = DaemonConfig.DEFAULTS;
        DaemonConfig wanted = new DaemonConfig(
                parsed("--listen", listen),
                unixSockets,
                otherwise.unixMode(),
                socketActivation,
                insecurePlaintext,
                tls.config(),
                admin == null ? null : parsed("--admin", List.of(admin)).get(0),
                control(),
                engine,
                requireLockedKeys,
                lockMemory,
                bufferBytes(),
                otherwise.dekCacheEntries(),
                otherwise.loops(),
                otherwise.connectionsMax(),
                otherwise.connectionsPerAddressMax(),
                otherwise.exportsMax(),
                otherwise.tcpKeepaliveSeconds(),
                otherwise.tcpUserTimeoutSeconds(),
                otherwise.handshakeSeconds(),
                otherwise.drainSeconds(),
                otherwise.storageSeconds(),
                stateDir,
                audit.config(),
                logLevel,
                volumes());
        List<ConfigRules.Violation> violations = ConfigRules.violations(wanted);
        if (!violations.isEmpty()) {
            throw usage(violations.stream()
                    .map(violation -> violation.what() + "\n  " + violation.fix())
                    .collect(Collectors.joining("\n")));
        }
        return wanted;
    }

    private ControlConfig control() throws CommandException {
        try {
            return ControlConfig.of(control, List.of());
        } catch (IllegalArgumentException wrong) {
            throw new CommandException(ExitCode.USAGE, "--control: " + wrong.getMessage(), wrong);
        }
    }

    private List<VolumeConfig> volumes() throws CommandException {
        fits("--name", names.size());
        fits("--meta", metas.size());
        fits("--meta-mirror", metaMirrors.size());
        List<List<KeyConfig>> opening = keys.forVolumes(volumes.size());
        List<VolumeConfig> all = new ArrayList<>();
        for (int i = 0; i < volumes.size(); i++) {
            Path path = volumes.get(i);
            all.add(new VolumeConfig(
                    path,
                    names.isEmpty() ? VolumeConfig.defaultExportName(path) : names.get(i),
                    "",
                    readOnly,
                    List.of(),
                    IoLimit.NONE,
                    direct,
                    metas.isEmpty() ? null : metas.get(i),
                    metaMirrors.isEmpty() ? null : metaMirrors.get(i),
                    shred,
                    opening.get(i),
                    keys.keySlot(),
                    expectIdentity,
                    trustIdentity,
                    acceptRollback,
                    opening.get(i).stream().anyMatch(KeyConfig::isOutside),
                    VolumeConfig.REWRAP_POLL_SECONDS,
                    KeyPolicy.NONE,
                    KeyCheck.DEFAULT));
        }
        return all;
    }

    private void fits(String option, int given) throws CommandException {
        if (given != 0 && given != volumes.size()) {
            throw usage(option + " is given " + given + " times for " + volumes.size() + " volumes.\n"
                    + "  Give it once for each volume, in their order, or not at all.");
        }
    }

    private DaemonConfig fromFile(Path file) throws CommandException, ConfigException {
        List<String> alsoGiven = spec().commandLine().getParseResult().matchedOptions().stream()
                .map(option -> option.longestName())
                .filter(name ->
                        !List.of("--config", "--check-config", "--debug").contains(name))
                .toList();
        if (!alsoGiven.isEmpty() || !volumes.isEmpty()) {
            throw usage("--config takes everything from the file, but " + (volumes.isEmpty() ? alsoGiven : volumes)
                    + " is given too.\n  Say it in the file, or leave --config out.");
        }
        DaemonConfig read = ConfigReader.read(file);
        ServedAccess.lists(read);
        return read;
    }

    private long bufferBytes() throws CommandException {
        if (buffers == null) {
            return 0;
        }
        long bytes = Sizes.parse("--buffers", buffers);
        if (bytes < DaemonConfig.BUFFER_BYTES_PER_LOOP_MIN) {
            throw usage("--buffers " + buffers + ": at least " + ByteSize.exact(DaemonConfig.BUFFER_BYTES_PER_LOOP_MIN)
                    + " are needed.");
        }
        return bytes;
    }

    private static List<TcpAddress> parsed(String option, List<String> addresses) throws CommandException {
        List<TcpAddress> parsed = new ArrayList<>();
        for (String address : addresses) {
            try {
                parsed.add(TcpAddress.parse(address));
            } catch (IllegalArgumentException wrong) {
                throw new CommandException(ExitCode.USAGE, option + ": " + wrong.getMessage(), wrong);
            }
        }
        return parsed;
    }

    private static CommandException usage(String message) {
        return new CommandException(ExitCode.USAGE, message);
    }
}
