package io.blockseal.config;

import io.blockseal.config.ConfigRules.Violation;
import io.blockseal.config.KeyConfig.Kind;
import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.nodes.Node;

/**
 * Reads the daemon's YAML file into records and refuses whatever it does not understand, naming line, column, value and
 * fix; all problems of a file at once. Works on YAML's node tree, which knows where everything stands.
 */
public final class ConfigReader {
    private static final int FILE_BYTES_MAX = 1 << 20;
    private static final Pattern INDEXED = Pattern.compile("(\\w+)\\[(\\d+)](?:\\.(.+))?");
    private static final List<Kind> KEY_KINDS = Arrays.stream(Kind.values())
            .filter(kind -> kind != Kind.PASSPHRASE_PROMPT)
            .toList();

    private final ProblemList problems;
    private final List<YamlSection> volumeSections = new ArrayList<>();
    private @Nullable YamlSection tlsSection;

    private ConfigReader(String file) {
        this.problems = new ProblemList(file);
    }

    /** What the file says, with defaults for the rest. */
    public static DaemonConfig read(Path file) throws ConfigException {
        ConfigReader reader = new ConfigReader(file.toString());
        return reader.parse(reader.load(file));
    }

    /** The same from a text; {@code file} is what messages call it. */
    static DaemonConfig read(String file, String text) throws ConfigException {
        return new ConfigReader(file).parse(text);
    }

    private String load(Path file) throws ConfigException {
        String text = "";
        try {
            if (Files.size(file) > FILE_BYTES_MAX) {
                problems.add(null, "the file is larger than 1 MiB", "Name a configuration file.");
            } else {
                text = Files.readString(file, StandardCharsets.UTF_8);
            }
        } catch (NoSuchFileException missing) {
            problems.add(null, "there is no such file", "Check the path given to --config.");
        } catch (CharacterCodingException notText) {
            problems.add(null, "the file is not UTF-8 text", "Name a YAML file.");
        } catch (IOException unreadable) {
            boolean denied = unreadable instanceof AccessDeniedException;
            String why = denied ? "the user " + System.getProperty("user.name") + " may not" : unreadable.toString();
            problems.add(null, "the file cannot be read: " + why, "Check its permissions.");
        }
        problems.throwIfAny();
        return text;
    }

    private DaemonConfig parse(String text) throws ConfigException {
        Node root = compose(text);
        problems.throwIfAny();
        if (root == null) {
            problems.add(null, "the file is empty", "Start from config/blockseal.yaml.");
            problems.throwIfAny();
            return DaemonConfig.DEFAULTS;
        }
        YamlSection file = new YamlSection("", root, problems);
        DaemonConfig config = daemon(file);
        file.finish();
        volumeSections.forEach(YamlSection::finish);
        YamlSection tls = tlsSection;
        if (tls != null) {
            tls.finish();
        }
        problems.throwIfAny();
        for (Violation violation : ConfigRules.violations(config)) {
            problems.add(place(file, violation.key()), violation.what(), violation.fix());
        }
        problems.throwIfAny();
        return config;
    }

    private @Nullable Node compose(String text) {
        LoaderOptions options = new LoaderOptions();
        options.setNestingDepthLimit(16);
        options.setMaxAliasesForCollections(0);
        options.setCodePointLimit(FILE_BYTES_MAX);
        try {
            return new Yaml(options).compose(new StringReader(text));
        } catch (MarkedYAMLException broken) {
            String what = broken.getProblem() == null ? "not YAML" : "not YAML: " + broken.getProblem();
            problems.add(broken.getProblemMark(), what, "Check indentation, colons and quotes around this place.");
        } catch (YAMLException | IllegalArgumentException broken) {
            // The library lets the latter out, undeclared, for a tag that ends in a blank.
            problems.add(null, "not YAML: " + broken.getMessage(), "Start from config/blockseal.yaml.");
        }
        return null;
    }

    private DaemonConfig daemon(YamlSection file) {
        DaemonConfig otherwise = DaemonConfig.DEFAULTS;
        return new DaemonConfig(
                file.list("listen", TcpAddress::parse),
                file.list("unix", ConfigReader::path),
                file.value("unix-mode", otherwise.unixMode(), UnixMode::parse),
                file.flag("socket-activation", otherwise.socketActivation()),
                file.flag("insecure-plaintext", otherwise.insecurePlaintext()),
                tls(file),
                file.optional("admin", TcpAddress::parse),
                control(file),
                file.value("engine", otherwise.engine(), text -> word(EngineChoice.class, text)),
                file.flag("require-locked-keys", otherwise.requireLockedKeys()),
                file.flag("lock-memory", otherwise.lockMemory()),
                file.value("buffers", otherwise.bufferBytes(), ConfigReader::buffers),
                file.number("dek-cache", otherwise.dekCacheEntries(), 64, 1 << 20),
                file.value("loops", otherwise.loops(), ConfigReader::loops),
                file.number("max-connections", otherwise.connectionsMax(), 1, 65536),
                file.number("max-connections-per-address", otherwise.connectionsPerAddressMax(), 1, 65536),
                file.number("max-exports", otherwise.exportsMax(), 1, 65536),
                file.number("tcp-keepalive-seconds", otherwise.tcpKeepaliveSeconds(), 0, 32767),
                file.number("tcp-user-timeout-seconds", otherwise.tcpUserTimeoutSeconds(), 0, 86400),
                file.number("handshake-seconds", otherwise.handshakeSeconds(), 1, 3600),
                file.number("drain-seconds", otherwise.drainSeconds(), 0, 3600),
                file.number("storage-seconds", otherwise.storageSeconds(), 1, 86400),
                stateDir(file),
                audit(file),
                file.value("log-level", otherwise.logLevel(), text -> word(LogLevel.class, text)),
                volumes(file));
    }

    private TlsConfig tls(YamlSection file) {
        YamlSection section = file.section("tls");
        if (section == null) {
            return TlsConfig.NONE;
        }
        tlsSection = section;
        Path authorities = section.optional("client-ca", ConfigReader::path);
        return new TlsConfig(
                section.value("mode", TlsConfig.Mode.AUTO, text -> word(TlsConfig.Mode.class, text)),
                section.optional("certificate", ConfigReader::path),
                section.optional("key", ConfigReader::path),
                authorities,
                section.flag("verify-clients", authorities != null),
                section.optional("psk-file", ConfigReader::path));
    }

    private static ControlConfig control(YamlSection file) {
        List<Integer> uids = file.list("control-uids", ConfigReader::uid);
        return file.value("control", ControlConfig.of("auto", uids), text -> ControlConfig.of(text, uids));
    }

    private static AuditConfig audit(YamlSection file) {
        return new AuditConfig(
                file.optional("audit-log", AuditConfig::file), file.optional("audit-syslog", AuditConfig::syslog));
    }

    private static int uid(String text) {
        if (!text.matches("\\d{1,9}")) {
            throw new IllegalArgumentException("'" + text + "' is not the number of a user (id -u NAME)");
        }
        return Integer.parseInt(text);
    }

    private List<VolumeConfig> volumes(YamlSection file) {
        List<VolumeConfig> volumes = new ArrayList<>();
        for (YamlSection section : file.sections("volumes")) {
            volumeSections.add(section);
            Path path = section.value("path", Path.of(""), ConfigReader::path);
            if (!section.has("path")) {
                problems.add(section.place("path"), "a volume has no path", "Add 'path: FILE-OR-DEVICE'.");
            }
            String name = section.text("name");
            String description = section.text("description");
            List<KeyConfig> keys = keys(section);
            volumes.add(new VolumeConfig(
                    path,
                    name == null ? VolumeConfig.defaultExportName(path) : name,
                    description == null ? "" : description,
                    section.flag("read-only", false),
                    access(section),
                    new IoLimit(
                            section.value("max-iops", 0L, ConfigReader::iops),
                            section.value("max-bandwidth", 0L, ConfigReader::bandwidth)),
                    section.flag("direct", false),
                    section.optional("meta", ConfigReader::path),
                    section.optional("meta-mirror", ConfigReader::path),
                    section.value("shred", ShredPolicy.ON_DISCARD, text -> word(ShredPolicy.class, text)),
                    keys,
                    section.number("key-slot", -1, 0, 15),
                    section.optional("expect-identity", ConfigReader::identity),
                    false,
                    false,
                    section.flag("auto-rewrap", keys.stream().anyMatch(KeyConfig::isOutside)),
                    section.number("rewrap-poll-seconds", VolumeConfig.REWRAP_POLL_SECONDS, 10, 7 * 86400),
                    keyPolicy(section),
                    keyCheck(section)));
        }
        return volumes;
    }

    private List<AccessRule> access(YamlSection volume) {
        List<AccessRule> rules = new ArrayList<>();
        for (YamlSection section : volume.sections("access")) {
            Map<String, List<String>> wanted = new LinkedHashMap<>();
            for (String word : AccessRule.WORDS) {
                List<String> values = section.list(word, ConfigReader::notEmpty);
                if (section.has(word)) {
                    wanted.put(word, values);
                }
            }
            if (!section.has("mode")) {
                problems.add(
                        section.place("mode"),
                        "an access rule does not say what may be done",
                        "Add 'mode: read-write', read-only or none.");
            }
            rules.add(new AccessRule(
                    problems.place(section.start()),
                    wanted,
                    section.flag("anyone", false),
                    section.value("mode", AccessRule.Mode.NONE, text -> word(AccessRule.Mode.class, text))));
            section.finish();
        }
        if (volume.has("access") && rules.isEmpty()) {
            problems.add(
                    volume.place("access"),
                    "the access list has no rule: nobody could open the export",
                    "Say who may, or leave access out: then whoever reaches the daemon may.");
        }
        return rules;
    }

    private static KeyPolicy keyPolicy(YamlSection section) {
        KeyPolicy otherwise = KeyPolicy.NONE;
        return new KeyPolicy(
                section.value("max-key-age", otherwise.ageMax(), ConfigReader::keyAge),
                section.value("max-bytes-per-key", otherwise.bytesMax(), ConfigReader::bytesPerKey),
                section.value("rotation-rate", otherwise.bytesPerSecond(), ConfigReader::rate),
                section.number("rotation-poll-seconds", otherwise.pollSeconds(), 10, 7 * 86400));
    }

    private static KeyCheck keyCheck(YamlSection section) {
        KeyCheck otherwise = KeyCheck.DEFAULT;
        return new KeyCheck(
                section.number("key-check-seconds", otherwise.pollSeconds(), 1, 86400),
                section.number("revocation-grace-seconds", otherwise.graceSeconds(), 0, 30 * 86400),
                section.value(
                        "on-revocation", otherwise.onRevocation(), text -> word(KeyCheck.OnRevocation.class, text)));
    }

    private static Duration keyAge(String text) {
        if (text.equals("off")) {
            return KeyPolicy.ANY_AGE;
        }
        Duration age = Age.parse(text);
        if (age.compareTo(KeyPolicy.AGE_LEAST) < 0) {
            throw new IllegalArgumentException("'" + text + "' is less than 1h");
        }
        return age;
    }

    private static long bytesPerKey(String text) {
        if (text.equals("off")) {
            return Long.MAX_VALUE;
        }
        long bytes = ByteSize.parse(text);
        if (bytes < KeyPolicy.BYTES_LEAST) {
            throw new IllegalArgumentException("'" + text + "' is less than 1G");
        }
        return bytes;
    }

    private static long iops(String text) {
        if (text.equals("off")) {
            return 0;
        }
        if (!text.matches("[1-9][0-9]{0,8}")) {
            throw new IllegalArgumentException(
                    "'" + text + "' is not a number of requests a second, such as 5000, or off");
        }
        return Long.parseLong(text);
    }

    private static long bandwidth(String text) {
        return text.equals("off") ? 0 : ByteSize.parseRate(text);
    }

    private static long rate(String text) {
        return text.equals("off") ? Long.MAX_VALUE : ByteSize.parseRate(text);
    }

    /** All that are named, of whatever kinds: each opens a key slot of its own. */
    private List<KeyConfig> keys(YamlSection section) {
        List<KeyConfig> keys = new ArrayList<>();
        boolean named = false;
        for (Kind kind : KEY_KINDS) {
            named |= section.has(kind.word());
            Function<String, KeyConfig> one = text -> new KeyConfig(kind, notEmpty(text));
            keys.addAll(
                    kind == Kind.KEY_SOURCE
                            ? section.listOrGroups(kind.word(), one, KeyConfig.ALL_OF, KeyConfig::allOf)
                            : section.list(kind.word(), one));
        }
        if (!named) {
            String words = String.join(", ", KEY_KINDS.stream().map(Kind::word).toList());
            problems.add(section.place("path"), "a volume has no key", "Give one of: " + words + ".");
        }
        return keys;
    }

    /** Where a rule's {@code listen[1]} or {@code volumes[0].name} stands in the file. */
    private Mark place(YamlSection file, String key) {
        YamlSection tls = tlsSection;
        if (key.startsWith("tls.") && tls != null) {
            return tls.place(key.substring("tls.".length()));
        }
        Matcher indexed = INDEXED.matcher(key);
        if (!indexed.matches()) {
            return file.place(key);
        }
        int index = Integer.parseInt(indexed.group(2));
        String inner = indexed.group(3);
        return inner == null
                ? file.place(indexed.group(1), index)
                : volumeSections.get(index).place(inner);
    }

    private static @Nullable Path stateDir(YamlSection file) {
        Path path = file.optional("state-dir", ConfigReader::path);
        return path == null || path.equals(Path.of("auto")) ? null : path;
    }

    private static String identity(String text) {
        if (!text.matches("[0-9A-Fa-f]{16,128}")) {
            throw new IllegalArgumentException("'" + text + "' is not an identity; 'blockseal info' prints it");
        }
        return text.toLowerCase(Locale.ROOT);
    }

    private static long buffers(String text) {
        if (text.equals("auto")) {
            return 0;
        }
        long bytes = ByteSize.parse(text);
        if (bytes < DaemonConfig.BUFFER_BYTES_PER_LOOP_MIN || bytes > 64L << 30) {
            throw new IllegalArgumentException("'" + text + "' is not between 40M and 64G");
        }
        return bytes;
    }

    private static int loops(String text) {
        if (text.equals("auto")) {
            return 0;
        }
        if (text.matches("[1-9]|[1-5]\\d|6[0-4]")) {
            return Integer.parseInt(text);
        }
        throw new IllegalArgumentException("'" + text + "' is neither auto nor a whole number from 1 to 64");
    }

    private static Path path(String text) {
        return Path.of(notEmpty(text));
    }

    private static String notEmpty(String text) {
        if (text.isEmpty()) {
            throw new IllegalArgumentException("it is empty");
        }
        return text;
    }

    private static <E extends Enum<E>> E word(Class<E> words, String text) {
        List<String> known =
                Arrays.stream(words.getEnumConstants()).map(ConfigReader::spelt).toList();
        int found = known.indexOf(text);
        if (found < 0) {
            throw new IllegalArgumentException("'" + text + "' is none of: " + String.join(", ", known));
        }
        return words.getEnumConstants()[found];
    }

    private static String spelt(Enum<?> word) {
        return word.name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
