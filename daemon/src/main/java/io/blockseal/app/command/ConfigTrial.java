package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.Failures;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.setup.StoreOpening;
import io.blockseal.app.setup.Surroundings;
import io.blockseal.app.tls.ServedTls;
import io.blockseal.config.AccessRule;
import io.blockseal.config.ConfigException;
import io.blockseal.config.ConfigException.Problem;
import io.blockseal.config.DaemonConfig;
import io.blockseal.config.KeyConfig;
import io.blockseal.config.TlsConfig;
import io.blockseal.config.VolumeConfig;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.keysource.FileTrouble;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.PrivateFile;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreOptions;
import io.blockseal.volume.VolumeInfo;
import io.blockseal.volume.metadata.VolumeStores;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tries what a configuration names, as far as that goes without opening a key and beside a daemon that serves it: its
 * files are there and are what they should be. What needs descriptors, credentials or an answer from elsewhere is left
 * out, and so are the addresses, which the daemon may have already. Changes nothing.
 */
final class ConfigTrial {
    private static final Logger LOG = LoggerFactory.getLogger(ConfigTrial.class);

    private final Path file;
    private final List<Problem> problems = new ArrayList<>();

    private ConfigTrial(Path file) {
        this.file = file;
    }

    /**
     * Of what {@code file} says.
     *
     * @throws ConfigException with all that a start would stumble over
     */
    static void run(Path file, DaemonConfig config) throws ConfigException {
        ConfigTrial trial = new ConfigTrial(file);
        // How the keys would be locked depends on limits that the daemon has and we have not.
        try (Foundation foundation = Foundation.lay(config.engine(), false, 0)) {
            trial.tryTls(config, foundation);
            trial.tryAudit(config);
            for (VolumeConfig volume : config.volumes()) {
                trial.tryVolume(volume, foundation);
                volume.keys().forEach(key -> trial.tryKey(volume, key));
            }
        } catch (CommandException unfit) {
            trial.problem("", Failures.message(unfit));
        }
        if (!trial.problems.isEmpty()) {
            throw new ConfigException(trial.problems);
        }
    }

    private void tryTls(DaemonConfig config, Foundation foundation) {
        TlsConfig tls = config.tls();
        try {
            Set<String> names = ServedTls.tryOut(tls, foundation.engine().keys());
            if (tls.mode() != TlsConfig.Mode.OFF && tls.pskFile() != null) {
                config.volumes().forEach(volume -> warnOfStrangers(volume, names, tls.pskFile()));
            }
        } catch (CommandException unfit) {
            problem("", Failures.message(unfit));
        }
    }

    /** The file may be written after the rule: it is taken anew while the daemon runs. */
    private void warnOfStrangers(VolumeConfig volume, Set<String> names, Path pskFile) {
        for (AccessRule rule : volume.access()) {
            for (String name : rule.wanted().getOrDefault("psk", List.of())) {
                if (!names.contains(name)) {
                    LOG.warn(
                            "{}: an access rule of export '{}' is for psk '{}', and {} has no key of that name",
                            rule.place(),
                            volume.exportName(),
                            name,
                            pskFile);
                }
            }
        }
    }

    private void tryAudit(DaemonConfig config) {
        Path log = config.audit().file();
        if (log != null) {
            Path folder = PrivateFile.folderOf(log);
            if (!Files.isDirectory(folder)) {
                problem("", "the audit log " + log + " cannot be opened: there is no folder " + folder);
            } else if (!Files.isWritable(folder) || (Files.exists(log) && !Files.isWritable(log))) {
                problem("", "the audit log " + log + " cannot be opened: it and its folder have to be writable");
            }
        }
        Path syslog = config.audit().syslog();
        if (syslog != null && !Files.exists(syslog)) {
            problem("", "the audit log's syslog socket " + syslog + " is not there");
        }
    }

    private void tryVolume(VolumeConfig volume, Foundation foundation) {
        try {
            VolumeStores stores = StoreOpening.open(
                    foundation.files(), volume.path(), volume.meta(), null, StoreOptions.PEEK, volume.exportName());
            try {
                VolumeInfo.read(stores);
            } finally {
                stores.close();
            }
        } catch (StoreException | MalformedVolumeException unfit) {
            problem("export '" + volume.exportName() + "': ", Failures.message(unfit));
        }
    }

    private void tryKey(VolumeConfig volume, KeyConfig key) {
        String trouble =
                switch (key.kind()) {
                    case KEY_FILE -> keyFile(Path.of(key.place()));
                    case PASSPHRASE_FILE -> readable("passphrase file", Path.of(key.place()));
                    case RECOVERY_KEY_FILE -> readable("recovery key file", Path.of(key.place()));
                    case CREDENTIAL -> {
                        Path folder = Surroundings.credentialsDirectory();
                        yield folder == null ? null : readable("credential", folder.resolve(key.place()));
                    }
                    case KEY_FD, PASSPHRASE_FD, PASSPHRASE_PROMPT, KEY_SOURCE -> null;
                };
        if (trouble != null) {
            problem("export '" + volume.exportName() + "': ", trouble);
        }
    }

    private static @Nullable String keyFile(Path path) {
        try {
            PrivateFile.realPathOf(path);
            return null;
        } catch (KeySourceException unfit) {
            return Failures.message(unfit);
        }
    }

    private static @Nullable String readable(String what, Path path) {
        if (!Files.exists(path)) {
            return what + " " + path + " is not there";
        }
        return Files.isReadable(path) ? null : what + " " + path + " may not be read by the user " + FileTrouble.us();
    }

    private void problem(String where, String what) {
        problems.add(new Problem(
                file.toString(),
                where + what,
                "Tried as the user " + FileTrouble.us() + ", who has to be the one that serves."));
    }
}
