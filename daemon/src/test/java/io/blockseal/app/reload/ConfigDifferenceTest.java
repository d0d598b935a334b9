package io.blockseal.app.reload;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.config.ConfigReader;
import io.blockseal.config.DaemonConfig;
import io.blockseal.config.LogLevel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ConfigDifferenceTest {
    /** Decided by each reload: the volumes, how many there may be, and how much is told. */
    private static final int ADOPTED = 3;

    @TempDir
    private Path directory;

    private DaemonConfig config(String... lines) throws Exception {
        Path file = directory.resolve("c.yaml");
        Files.writeString(file, String.join("\n", lines) + "\nvolumes: [{path: /a.bsl, key-file: /a.key}]\n");
        return ConfigReader.read(file);
    }

    /** Who adds a setting has to decide whether a reload adopts it, or says that it does not. */
    @Test
    void knowsEverySetting() {
        // The audit log has two of them.
        assertEquals(DaemonConfig.class.getRecordComponents().length + 1, ConfigDifference.FIXED.size() + ADOPTED);
    }

    @Test
    void namesSettingsAsTheFileDoes() throws Exception {
        DaemonConfig before = config("unix: /a.sock", "drain-seconds: 7");
        DaemonConfig after = config(
                "unix: /b.sock", "drain-seconds: 8", "admin: 127.0.0.1:9000", "log-level: debug", "audit-log: /a.log");
        assertEquals(
                List.of("unix", "admin", "drain-seconds", "audit-log"), ConfigDifference.ofSettings(before, after));
        assertEquals(LogLevel.DEBUG, after.logLevel());
        assertEquals(List.of(), ConfigDifference.ofSettings(before, before));
    }
}
