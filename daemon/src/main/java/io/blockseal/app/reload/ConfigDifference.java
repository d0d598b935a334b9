package io.blockseal.app.reload;

import io.blockseal.config.DaemonConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** Which settings of the whole daemon two configurations have differently, by their names in the file. */
final class ConfigDifference {
    /** Those that are decided when the daemon is started. Of {@code max-exports} each file is judged by its own. */
    static final Map<String, Function<DaemonConfig, Object>> FIXED = fixed();

    private ConfigDifference() {}

    private static Map<String, Function<DaemonConfig, Object>> fixed() {
        Map<String, Function<DaemonConfig, Object>> all = new LinkedHashMap<>();
        all.put("listen", DaemonConfig::listen);
        all.put("unix", DaemonConfig::unixSockets);
        all.put("unix-mode", DaemonConfig::unixMode);
        all.put("socket-activation", DaemonConfig::socketActivation);
        all.put("insecure-plaintext", DaemonConfig::insecurePlaintext);
        all.put("tls", DaemonConfig::tls);
        all.put("admin", config -> Objects.requireNonNullElse(config.admin(), ""));
        all.put("control", DaemonConfig::control);
        all.put("engine", DaemonConfig::engine);
        all.put("require-locked-keys", DaemonConfig::requireLockedKeys);
        all.put("lock-memory", DaemonConfig::lockMemory);
        all.put("buffers", DaemonConfig::bufferBytes);
        all.put("dek-cache", DaemonConfig::dekCacheEntries);
        all.put("loops", DaemonConfig::loops);
        all.put("max-connections", DaemonConfig::connectionsMax);
        all.put("max-connections-per-address", DaemonConfig::connectionsPerAddressMax);
        all.put("tcp-keepalive-seconds", DaemonConfig::tcpKeepaliveSeconds);
        all.put("tcp-user-timeout-seconds", DaemonConfig::tcpUserTimeoutSeconds);
        all.put("handshake-seconds", DaemonConfig::handshakeSeconds);
        all.put("drain-seconds", DaemonConfig::drainSeconds);
        all.put("storage-seconds", DaemonConfig::storageSeconds);
        all.put("state-dir", config -> Objects.requireNonNullElse(config.stateDir(), ""));
        all.put("audit-log", config -> Objects.requireNonNullElse(config.audit().file(), ""));
        all.put(
                "audit-syslog",
                config -> Objects.requireNonNullElse(config.audit().syslog(), ""));
        return all;
    }

    /** Of those that are decided when the daemon is started. */
    static List<String> ofSettings(DaemonConfig one, DaemonConfig other) {
        return FIXED.entrySet().stream()
                .filter(each ->
                        !each.getValue().apply(one).equals(each.getValue().apply(other)))
                .map(Map.Entry::getKey)
                .toList();
    }
}
