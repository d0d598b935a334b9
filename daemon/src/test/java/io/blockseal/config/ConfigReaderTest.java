package io.blockseal.config;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConfigReaderTest {
    private static final String MINIMAL = """
            unix: [s.sock]
            volumes:
              - path: a.bsl
                key-file: a.key
            """;

    @Nested
    class AFileThatIsRight {
        @Test
        void getsTheDefaultsForAllThatItLeavesOut() throws ConfigException {
            DaemonConfig config = ConfigReader.read("f", MINIMAL);

            DaemonConfig defaults = DaemonConfig.DEFAULTS;
            assertEquals(List.of(Path.of("s.sock")), config.unixSockets());
            assertEquals(
                    List.of(new VolumeConfig(
                            Path.of("a.bsl"),
                            "a",
                            "",
                            false,
                            List.of(),
                            IoLimit.NONE,
                            false,
                            null,
                            null,
                            ShredPolicy.ON_DISCARD,
                            List.of(new KeyConfig(KeyConfig.Kind.KEY_FILE, "a.key")),
                            -1,
                            null,
                            false,
                            false,
                            false,
                            900,
                            KeyPolicy.NONE,
                            KeyCheck.DEFAULT)),
                    config.volumes());
            assertEquals(withoutExamples(defaults), withoutExamples(config));
        }

        @Test
        void isHeardInEveryKey() throws ConfigException {
            DaemonConfig config = ConfigReader.read("f", """
                    listen: ["127.0.0.1:1", "[::]:2"]
                    unix: one.sock
                    unix-mode: 0660
                    socket-activation: true
                    insecure-plaintext: true
                    tls: {mode: required, certificate: c, key: k, client-ca: a, verify-clients: false, psk-file: p}
                    admin: localhost:3
                    engine: java
                    require-locked-keys: true
                    lock-memory: true
                    control: c.sock
                    control-uids: [7, 1000]
                    buffers: 512M
                    dek-cache: 100
                    loops: 3
                    max-connections: 5
                    max-connections-per-address: 51
                    max-exports: 54
                    tcp-keepalive-seconds: 52
                    tcp-user-timeout-seconds: 53
                    handshake-seconds: 6
                    drain-seconds: 7
                    storage-seconds: 8
                    state-dir: /s
                    audit-log: /a
                    audit-syslog: auto
                    log-level: debug
                    volumes:
                      - {path: a.bsl, name: "7", description: d, read-only: true, direct: true, meta: m, meta-mirror: mm,
                         shred: manual, key-fd: 9,
                         key-slot: 4, expect-identity: "00112233445566778899AABBCCDDEEFF",
                         max-key-age: 90d, max-bytes-per-key: 1TiB, rotation-rate: 100MiB/s, rotation-poll-seconds: 600,
                         key-check-seconds: 60, revocation-grace-seconds: 600, on-revocation: freeze,
                         auto-rewrap: true, rewrap-poll-seconds: 60, max-iops: 5000,
                         max-bandwidth: 200M, access: [
                         {subject: "CN=a,O=b", uid: [7, 8], mode: read-write},
                         {anyone: true, mode: read-only}]}
                    """);

            assertEquals(
                    new DaemonConfig(
                            List.of(new TcpAddress("127.0.0.1", 1), new TcpAddress("::", 2)),
                            List.of(Path.of("one.sock")),
                            UnixMode.GROUP,
                            true,
                            true,
                            new TlsConfig(
                                    TlsConfig.Mode.REQUIRED,
                                    Path.of("c"),
                                    Path.of("k"),
                                    Path.of("a"),
                                    false,
                                    Path.of("p")),
                            new TcpAddress("localhost", 3),
                            new ControlConfig(true, Path.of("c.sock"), Set.of(7, 1000)),
                            EngineChoice.JAVA,
                            true,
                            true,
                            512L << 20,
                            100,
                            3,
                            5,
                            51,
                            54,
                            52,
                            53,
                            6,
                            7,
                            8,
                            Path.of("/s"),
                            new AuditConfig(Path.of("/a"), Path.of("/dev/log")),
                            LogLevel.DEBUG,
                            List.of(new VolumeConfig(
                                    Path.of("a.bsl"),
                                    "7",
                                    "d",
                                    true,
                                    List.of(
                                            new AccessRule(
                                                    "f:31:6",
                                                    Map.of("subject", List.of("CN=a,O=b"), "uid", List.of("7", "8")),
                                                    false,
                                                    AccessRule.Mode.READ_WRITE),
                                            new AccessRule("f:32:6", Map.of(), true, AccessRule.Mode.READ_ONLY)),
                                    new IoLimit(5000, 200L << 20),
                                    true,
                                    Path.of("m"),
                                    Path.of("mm"),
                                    ShredPolicy.MANUAL,
                                    List.of(new KeyConfig(KeyConfig.Kind.KEY_FD, "9")),
                                    4,
                                    "00112233445566778899aabbccddeeff",
                                    false,
                                    false,
                                    true,
                                    60,
                                    new KeyPolicy(Duration.ofDays(90), 1L << 40, 100L << 20, 600),
                                    new KeyCheck(60, 600, KeyCheck.OnRevocation.FREEZE)))),
                    config);
        }
    }

    @Nested
    class AnAddressBeyondLoopback {
        private DaemonConfig with(String line) throws ConfigException {
            return ConfigReader.read("f", "listen: [0.0.0.0:1, 127.0.0.1:2]\n" + line + "\n" + MINIMAL);
        }

        private TlsConfig.Mode modeOn(DaemonConfig config, int address) {
            return config.tls().modeOn(config.listen().get(address));
        }

        @Test
        void hasToHaveTlsOnceThereIsACertificate() throws ConfigException {
            DaemonConfig config = with("tls: {certificate: c, key: k}");
            assertEquals(TlsConfig.Mode.REQUIRED, modeOn(config, 0));
            assertEquals(TlsConfig.Mode.OPTIONAL, modeOn(config, 1));
            assertEquals(TlsConfig.Mode.OPTIONAL, config.tls().modeOnUnixSockets());
        }

        @Test
        void mayNotLetClientsChooseUnlessSomebodySaysSo() throws ConfigException {
            for (String mode : List.of("off", "optional")) {
                String tls = "tls: {mode: " + mode + ", certificate: c, key: k}";
                assertTrue(assertThrows(ConfigException.class, () -> with(tls))
                        .getMessage()
                        .contains("plain TCP on 0.0.0.0:1"));
                DaemonConfig config = with(tls + "\ninsecure-plaintext: true");
                assertEquals(mode, modeOn(config, 0).word());
                assertEquals(mode, config.tls().modeOnUnixSockets().word());
            }
        }

        @Test
        void isNotTheOnlyOneWhereTlsIsRequired() throws ConfigException {
            DaemonConfig config = with("tls: {mode: required, certificate: c, key: k}");
            assertEquals(TlsConfig.Mode.REQUIRED, modeOn(config, 1));
            assertEquals(TlsConfig.Mode.OPTIONAL, config.tls().modeOnUnixSockets());
        }
    }

    @Nested
    class ANewerVersionOfTheKey {
        private boolean isTaken(String key) throws ConfigException {
            return ConfigReader.read("f", "unix: s\nvolumes: [{path: a, " + key + "}]")
                    .volumes()
                    .get(0)
                    .autoRewrap();
        }

        /** Where somebody else turns keys over nobody ought to have to tell us. */
        @Test
        void isTakenByItselfFromASourceOutside() throws ConfigException {
            assertTrue(isTaken("key-source: 'exec:/kms'"));
            assertFalse(isTaken("key-source: 'exec:/kms', auto-rewrap: false"));
        }

        /** A group is the same source as the text of a URI of URIs, without its percent signs. */
        @Test
        void isTakenFromSourcesOfWhichAllAreNeeded() throws ConfigException {
            String parts = "key-source: ['exec:/x', {all-of: ['exec:/kms?arg=a&arg=50%25', 'passphrase:']}]";
            assertTrue(isTaken(parts));
            assertEquals(
                    List.of("exec:/x", "all-of:?source=exec:/kms?arg=a%26arg=50%2525&source=passphrase:"),
                    ConfigReader.read("f", "unix: s\nvolumes: [{path: a, " + parts + "}]")
                            .volumes()
                            .get(0)
                            .keys()
                            .stream()
                            .map(KeyConfig::place)
                            .toList());
        }

        /** What is watched stays in memory, for which there is no reason here. */
        @Test
        void isNotLookedForWhereThereAreNone() throws ConfigException {
            assertFalse(isTaken("key-file: a.key"));
            assertTrue(isTaken("key-file: a.key, auto-rewrap: true"));
        }
    }

    @Nested
    class TheSampleFile {
        private static final Path SAMPLE = Path.of("..", "config", "blockseal.yaml");

        @Test
        void loadsAndSaysTheDefaultsThatTheCodeHas() throws ConfigException {
            assertEquals(withoutExamples(DaemonConfig.DEFAULTS), withoutExamples(ConfigReader.read(SAMPLE)));
        }

        @Test
        void namesEveryKeyThatTheReaderKnows() throws Exception {
            String sample = Files.readString(SAMPLE);
            for (String section : List.of(
                    "surely-unknown: 1\n" + MINIMAL,
                    "tls: {surely-unknown: 1}\n" + MINIMAL,
                    MINIMAL + "    surely-unknown: 1\n",
                    MINIMAL + "    access: [{mode: none, surely-unknown: 1}]\n")) {
                String known = messageOf(section).replaceAll("(?s).*Known here: (.*)\\.$", "$1");
                for (String key : known.split(", ")) {
                    assertTrue(
                            sample.matches("(?s).*\\n\\s*(# *)?(- )?" + key + ":.*"),
                            "the sample lacks the key " + key);
                }
            }
        }
    }

    /** An export with an access list would be opened anew, and its clients sent away, by a comment above it. */
    @Test
    void aRuleIsTheSameWhereverItStands() throws ConfigException {
        String rules = "    access: [{uid: 7, mode: none}, {anyone: true, mode: read-only}]\n";
        DaemonConfig config = ConfigReader.read("f", MINIMAL + rules);
        assertEquals(
                config,
                ConfigReader.read(
                        "g", "\n# more\n" + MINIMAL + "   " + rules.strip().indent(1)));
        for (String other : List.of("{uid: 8, mode: none}", "{uid: 7, mode: read-only}", "{gid: 7, mode: none}")) {
            DaemonConfig another = ConfigReader.read("f", MINIMAL + rules.replace("{uid: 7, mode: none}", other));
            assertFalse(config.equals(another), other);
            assertEquals(
                    config,
                    another.withVolumes(List.of(another.volumes()
                            .get(0)
                            .withAccess(config.volumes().get(0).access()))));
        }
    }

    @Nested
    class AFileThatIsWrong {
        /** Columns: what is added, the place that must be named, words that must be said. */
        @ParameterizedTest(name = "{0}")
        @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                        reed-only: true                  | f:1:1  | unknown key 'reed-only'
                        logs-level: info                 | f:1:1  | Did you mean 'log-level'?
                        max_connections: 3               | f:1:1  | Did you mean 'max-connections'?
                        engine: fast                     | f:1:9  | 'fast' is none of: auto, native, java
                        log-level: loud                  | f:1:12 | 'loud' is none of: error, warn, info, debug
                        insecure-plaintext: yes          | f:1:21 | 'yes' is neither true nor false
                        require-locked-keys: [true]      | f:1:22 | require-locked-keys is a list
                        dek-cache: many                  | f:1:12 | 'many' is not a whole number from 64 to 1048576
                        dek-cache: 1                     | f:1:12 | '1' is not a whole number from 64
                        dek-cache:                       | f:1:11 | dek-cache is nothing
                        buffers: 1M                      | f:1:10 | '1M' is not between 40M and 64G
                        buffers: 64MB                    | f:1:10 | '64MB' is not a size
                        buffers: -1                      | f:1:10 | '-1' is not a size
                        "buffers": 0                     | f:1:12 | '0' is not between
                        loops: 0                         | f:1:8  | '0' is neither auto nor a whole number
                        admin: 9809                      | f:1:8  | '9809' is not an address
                        admin: h:99999                   | f:1:8  | 'h:99999' has no port
                        listen: ::1:10809                | f:1:9  | '::1:10809' is not an address
                        listen: 0.0.0.0:10809            | f:1:9  | insecure-plaintext: true
                        listen: [127.0.0.1:7,127.0.0.1:7]| f:1:22 | named twice
                        tls: {mode: on}                  | f:1:13 | 'on' is none of: auto, off, optional, required
                        tls: {mode: required}            | f:1:7  | TLS is required, but there is nothing
                        tls: {certificate: c}            | f:1:7  | only one of them is named
                        tls: {verify-clients: true}      | f:1:7  | who may sign it
                        tls: {client-ca: c}              | f:1:7  | no certificate of ours
                        tls: {certficate: c}             | f:1:7  | Did you mean 'certificate'?
                        unix-mode: 0777                  | f:1:12 | '0777' is none of: 0600, 0660, 0666
                        unix-mode: 0666                  | f:4:5  | every user of this machine could use export 'a'
                        listen: no                       | f:1:9  | YAML reads as true or false
                        state-dir: ""                    | f:1:12 | it is empty
                        buffers: 64M, 3                  | f:1:10 | '64M, 3' is not a size
                        """)
        void isRefusedWithPlaceValueAndFix(String line, String place, String words) {
            String message = messageOf(line.strip() + "\n" + MINIMAL);
            assertTrue(message.startsWith(place.strip() + ": "), message);
            assertTrue(message.contains(words.strip()), message);
            assertTrue(message.lines().skip(1).anyMatch(fix -> fix.startsWith("  ")), "no fix: " + message);
        }

        @ParameterizedTest(name = "{0}")
        @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
                        recovery-key-file: r             | f:5:5  | has a recovery key beside other keys
                        key-file: b.key                  | f:5:5  | key 'key-file' is there twice, first in line 4
                        credential: ../x                 | f:5:17 | is not a credential's name
                        credential: [b, b]               | f:5:5  | has the key credential b twice
                        key-source: ["exec:/a", {}]       | f:5:29 | is a group of keys
                        key-source: {all-of: "file:/a"}   | f:5:17 | all-of has 1 part, and needs 2 to 4
                        key-source: {all-of: ["a:", "b:", "c:", "d:", "e:"]} | f:5:17 | all-of has 5 parts
                        key-source: {all-of: ["exec:/a", b]} | f:5:17 | 'b' in all-of is not the URI
                        key-source: {all-of: ["exec:/a", {}]} | f:5:38 | key-source.all-of is a group of keys
                        key-source: {all-off: ["exec:/a", "fd:3"]} | f:5:17 | is a group of keys
                        key-source: {all-of: ["exec:/a", "fd:3"], x: 1} | f:5:47 | unknown key 'x' in key-source
                        credential: {all-of: ["exec:/a", "fd:3"]} | f:5:17 | is a group of keys
                        name: ""                         | f:5:5  | has 0 bytes
                        name: no                         | f:5:11 | Put it into quotes
                        name: {a: b}                     | f:5:11 | is a group of keys
                        meta: ./a.bsl                    | f:5:5  | same file
                        meta-mirror: ./a.bsl             | f:5:5  | same file
                        max-key-age: 90                  | f:5:18 | '90' is not an age
                        max-key-age: 30m                 | f:5:18 | '30m' is less than 1h
                        max-bytes-per-key: 64M           | f:5:24 | '64M' is less than 1G
                        rotation-rate: 0                 | f:5:20 | nothing would ever be done at '0'
                        trust-identity: true             | f:5:5  | trust-identity
                        path2: x                         | f:5:5  | Did you mean 'path'?
                        access: []                       | f:5:5  | nobody could open the export
                        access:                          | f:5:12 | volumes[0].access[0] is nothing
                        access: everybody                | f:5:13 | volumes[0].access[0] is one value
                        access: [{subject: CN=a}]        | f:5:14 | does not say what may be done
                        access: [{uid: 1, mode: rw}]     | f:5:29 | 'rw' is none of: none, read-only, read-write
                        access: [{usr: 1, mode: none}]   | f:5:15 | unknown key 'usr' in volumes[0].access[0]
                        access: [{mode: none, psk: no}]  | f:5:32 | Put it into quotes
                        access: [{mode: none, dns: ""}]  | f:5:32 | it is empty
                        """)
        void namesThePlaceInsideAVolumeToo(String line, String place, String words) {
            String message = messageOf(MINIMAL + "    " + line.strip() + "\n");
            assertTrue(message.startsWith(place.strip() + ": "), message);
            assertTrue(message.contains(words.strip()), message);
        }

        @Test
        void mayNotServeClientsAndAdminPagesOnOneAddress() {
            String message = messageOf("listen: 127.0.0.1:7\nadmin: 127.0.0.1:7\n" + MINIMAL);
            assertTrue(message.startsWith("f:2:1: address 127.0.0.1:7 is named by 'listen' as well"), message);
        }

        @Test
        void mayNotSpreadItsBuffersTooThin() {
            String message = messageOf("loops: 4\nbuffers: 128M\n" + MINIMAL);
            assertTrue(message.startsWith("f:2:1: 128M of buffers for 4 loops"), message);
            assertTrue(message.contains("at least 160M"), message);
        }

        @Test
        void hasAllOfItsProblemsToldAtOnceInTheOrderOfTheFile() {
            ConfigException thrown = assertThrows(
                    ConfigException.class,
                    () -> ConfigReader.read("f", "buffers: x\nvolumes:\n  - path: p\nengine: y\nhello: 1\n"));
            assertEquals(
                    List.of("f:1:10", "f:3:5", "f:4:9", "f:5:1"),
                    thrown.problems().stream()
                            .map(ConfigException.Problem::place)
                            .toList());
        }

        @Test
        void mayNotOfferOneNameOrOneVolumeTwice() {
            String twice = MINIMAL + "  - path: ./a.bsl\n    name: a\n    key-file: k\n";
            String message = messageOf(twice);
            assertTrue(message.contains("f:5:5: volume ./a.bsl is named twice"), message);
            assertTrue(message.contains("f:6:5: export name 'a' is taken"), message);
        }

        @Test
        void mayNotServeMoreThanItsOwnLimitOfExports() throws ConfigException {
            String two = MINIMAL + "  - path: ./b.bsl\n    key-file: k\n";
            assertEquals(2, ConfigReader.read("f", "max-exports: 2\n" + two).exportsMax());
            String message = messageOf("max-exports: 1\n" + two);
            assertTrue(message.startsWith("f:"), message);
            assertTrue(message.contains("2 volumes to serve, and max-exports is 1"), message);
        }

        @Test
        void isNamedWhenItIsNotYamlAtAll() {
            assertTrue(messageOf("a: [1\nb").startsWith("f:2:"), messageOf("a: [1\nb"));
            assertTrue(messageOf("").contains("the file is empty"));
            assertTrue(messageOf("just words").contains("the file is one value"));
            assertTrue(messageOf("- a\n").contains("the file is a list"));
            assertTrue(messageOf("a: 1\n---\nb: 2\n").contains("not YAML"));
        }

        @Test
        void cannotMakeTheReaderSwellUp() {
            String deep = "x: " + "[".repeat(5000);
            assertTrue(messageOf(deep).contains("not YAML"));
            StringBuilder laughs = new StringBuilder("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
            for (int i = 1; i < 12; i++) {
                laughs.append("a" + i + ": &a" + i + " [*a" + (i - 1) + ", *a" + (i - 1) + "]\n");
            }
            assertTrue(messageOf(laughs.toString()).contains("f:"));
        }
    }

    @Nested
    class AFileOnDisk {
        @TempDir
        Path directory;

        @Test
        void mayBeMissingHugeOrNoText() throws Exception {
            Path file = directory.resolve("c.yaml");
            assertTrue(refusalOf(file).contains("there is no such file"));
            Files.write(file, new byte[] {(byte) 0xff, (byte) 0xfe, 0});
            assertTrue(refusalOf(file).contains("not UTF-8"));
            Files.write(file, new byte[(1 << 20) + 1]);
            assertTrue(refusalOf(file).contains("larger than 1 MiB"));
            assertTrue(refusalOf(directory).contains("cannot be read"));
        }

        private String refusalOf(Path file) {
            return assertThrows(ConfigException.class, () -> ConfigReader.read(file))
                    .getMessage();
        }
    }

    /** The page for whoever is on call. */
    @Test
    void itsLimitsHaveTheDefaultsThatTheTableOfLimitsNames() throws Exception {
        String page = Files.readString(Path.of("..", "docs", "operations.md"));
        String table = page.substring(page.indexOf("\n## Limits\n")).split("\n## ")[1];
        StringBuilder text = new StringBuilder();
        int limits = 0;
        for (MatchResult limit : Pattern.compile("`([a-z-]+)` \\((\\d+)\\)")
                .matcher(table)
                .results()
                .toList()) {
            text.append(limit.group(1) + ": " + limit.group(2) + "\n");
            limits++;
        }
        assertEquals(7, limits, "with a number as default");
        assertEquals(
                withoutExamples(DaemonConfig.DEFAULTS),
                withoutExamples(ConfigReader.read("operations.md", text + MINIMAL)));
    }

    @Test
    void hasNoDefaultPlaceToListenOrToBeWatched() {
        assertNull(DaemonConfig.DEFAULTS.admin());
        assertTrue(DaemonConfig.DEFAULTS.listen().isEmpty());
    }

    private static String messageOf(String text) {
        return assertThrows(ConfigException.class, () -> ConfigReader.read("f", text))
                .getMessage();
    }

    private static DaemonConfig withoutExamples(DaemonConfig config) {
        return new DaemonConfig(
                List.of(),
                List.of(),
                config.unixMode(),
                config.socketActivation(),
                config.insecurePlaintext(),
                TlsConfig.NONE,
                null,
                config.control(),
                config.engine(),
                config.requireLockedKeys(),
                config.lockMemory(),
                config.bufferBytes(),
                config.dekCacheEntries(),
                config.loops(),
                config.connectionsMax(),
                config.connectionsPerAddressMax(),
                config.exportsMax(),
                config.tcpKeepaliveSeconds(),
                config.tcpUserTimeoutSeconds(),
                config.handshakeSeconds(),
                config.drainSeconds(),
                config.storageSeconds(),
                config.stateDir(),
                config.audit(),
                config.logLevel(),
                List.of());
    }

    @Test
    void refusesATagThatEndsInABlankInItsOwnWords() {
        ConfigException refused =
                assertThrows(ConfigException.class, () -> ConfigReader.read("blockseal.yaml", "!!a%20 x\n"));
        assertTrue(refused.getMessage().contains("not YAML"), refused.getMessage());
    }
}
