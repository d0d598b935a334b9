package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.JsonText;
import io.blockseal.app.console.Terminal;
import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.key.NewKey;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.setup.Surroundings;
import io.blockseal.config.ByteSize;
import io.blockseal.config.KeyConfig;
import io.blockseal.config.KeyConfig.Kind;
import io.blockseal.config.VolumeConfig;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.volume.CreateOptions;
import io.blockseal.volume.VolumeCreator;
import io.blockseal.volume.VolumeCreator.Created;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code blockseal create}: a new volume and the keys that open it. */
@Command(
        name = "create",
        header = "Make a new encrypted volume.",
        description = {
            "",
            "Makes a sparse file of mode 0600, or takes over a block device. Without a key option a passphrase is asked"
                    + " for on the terminal.",
            ""
        },
        footer = {
            "",
            "Examples:",
            "  blockseal create demo.bsl --size 10G --key-file demo.key",
            "  blockseal create demo.bsl --size 1T --passphrase --recovery-key",
            "  blockseal create /dev/sdb --meta sdb.meta --key-file sdb.key --force",
            ""
        })
public final class CreateCommand extends Verb {
    @Mixin
    private final EngineOptions engine = new EngineOptions();

    @Parameters(arity = "1", paramLabel = "VOLUME", description = "File to make, or block device to take over.")
    private Path path = Path.of("");

    @Option(
            names = "--size",
            paramLabel = "SIZE",
            description = "What clients see, such as 10G. Needed for a file; a block device is used whole without it.")
    private @Nullable String size;

    @Option(
            names = "--key-file",
            paramLabel = "FILE",
            description = "Key file. One that is missing is made, with mode 0600.")
    private @Nullable String keyFile;

    @Option(names = "--key-fd", paramLabel = "N", description = "Key from the open file descriptor N.")
    private @Nullable String keyDescriptor;

    @Option(
            names = "--credential",
            paramLabel = "NAME",
            description = "Key from the file NAME in $$CREDENTIALS_DIRECTORY (systemd).")
    private @Nullable String credential;

    @Option(names = "--passphrase", description = "Ask for a new passphrase on the terminal, twice.")
    private boolean passphrase;

    @Option(names = "--passphrase-file", paramLabel = "FILE", description = "New passphrase: the first line of FILE.")
    private @Nullable String passphraseFile;

    @Option(
            names = "--passphrase-fd",
            paramLabel = "N",
            description = "New passphrase: the first line from the open file descriptor N.")
    private @Nullable String passphraseDescriptor;

    @Option(
            names = "--key-source",
            paramLabel = "URI",
            description = "A vault, a module or a program that wraps the volume key: see docs/keysources.md.")
    private @Nullable String keySource;

    @Option(names = "--allow-weak-passphrase", description = "Take a passphrase of fewer than 12 characters.")
    private boolean allowWeak;

    @Option(
            names = "--recovery-key",
            negatable = true,
            description = "Also make a recovery key and print it, this once. By default only if the output is a"
                    + " terminal, where nothing keeps it.")
    private @Nullable Boolean recoveryKey;

    @Option(names = "--meta", paramLabel = "FILE", description = "Keep the metadata in this new file instead.")
    private @Nullable Path meta;

    @Option(
            names = "--meta-mirror",
            paramLabel = "FILE",
            description = "Keep the metadata in this new file, too, so that losing the volume's own loses nothing.")
    private @Nullable Path metaMirror;

    @Option(
            names = "--unit-size",
            paramLabel = "4096|512",
            description = "Bytes that are enciphered under one tweak (default: ${DEFAULT-VALUE}).",
            defaultValue = "4096")
    private int unitSize;

    @Option(
            names = "--range-size",
            paramLabel = "SIZE",
            description = "Bytes that share one key, a power of two from 16M to 16G (default: by size, 64M up to 16T).")
    private @Nullable String rangeSize;

    @Option(names = "--label", paramLabel = "TEXT", description = "A name for people, at most 48 bytes.")
    private String label = "";

    @Option(
            names = "--force",
            description = "Take a block device although it holds a filesystem or something else: that is then lost.")
    private boolean force;

    @Option(
            names = "--state-dir",
            paramLabel = "DIR",
            description = "Where this host remembers the identity of volumes.")
    private @Nullable Path stateDir;

    @Option(names = "--json", description = "Print what was made as JSON.")
    private boolean json;

    @Override
    public Integer call() throws Exception {
        List<KeyConfig> wanted = keys();
        CreateOptions options = options();
        try (Foundation foundation = engine.lay();
                KeyPlaces places = new KeyPlaces(foundation.engine());
                NewStores stores =
                        NewStores.make(foundation.files(), path, meta, metaMirror, options.sizeBytes() > 0)) {
            List<NewKey> made = new ArrayList<>();
            Created created;
            try {
                for (KeyConfig key : wanted) {
                    made.add(places.makeOrOpen(key, "New passphrase of " + path, allowWeak));
                }
                if (wantsRecoveryKey()) {
                    made.add(places.makeRecoveryKey());
                }
                created = new VolumeCreator(foundation.engine(), InstantSource.system())
                        .create(
                                stores.stores(),
                                made.stream().map(NewKey::source).toList(),
                                options);
                stores.keep();
            } catch (Exception failed) {
                made.forEach(NewKey::discard);
                throw failed;
            }
            NewVolume.remember(path, created, stateDir == null ? Surroundings.stateDirectory() : stateDir, err());
            print(created, made);
        }
        return ExitCode.OK.number();
    }

    private List<KeyConfig> keys() throws CommandException {
        List<KeyConfig> keys = new ArrayList<>();
        add(keys, Kind.KEY_FILE, keyFile);
        add(keys, Kind.KEY_FD, keyDescriptor);
        add(keys, Kind.CREDENTIAL, credential);
        add(keys, Kind.PASSPHRASE_FILE, passphraseFile);
        add(keys, Kind.PASSPHRASE_FD, passphraseDescriptor);
        add(keys, Kind.KEY_SOURCE, keySource);
        if (passphrase || (keys.isEmpty() && Terminal.canAsk())) {
            keys.add(new KeyConfig(Kind.PASSPHRASE_PROMPT, ""));
        }
        if (keys.isEmpty()) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "no key is named, and there is no terminal to ask for a passphrase.\n"
                            + "  Add --key-file FILE, or another of the key options (--help).");
        }
        return keys;
    }

    private static void add(List<KeyConfig> keys, Kind kind, @Nullable String place) throws CommandException {
        if (place != null) {
            keys.add(KeyOptions.key(kind, place));
        }
    }

    private CreateOptions options() throws CommandException {
        if (json && Boolean.TRUE.equals(recoveryKey)) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "--json keeps what it prints, and a recovery key must not be kept.\n"
                            + "  Leave one of the two out, or add the key later: blockseal key add --new-recovery-key.");
        }
        if (unitSize != 512 && unitSize != 4096) {
            throw new CommandException(ExitCode.USAGE, "--unit-size " + unitSize + ": it is 4096 or 512.");
        }
        long bytes = size == null ? 0 : Sizes.parse("--size", size);
        if (size != null && (bytes <= 0 || bytes % unitSize != 0)) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "--size " + size + ": not a positive multiple of the data unit, " + unitSize + " bytes.");
        }
        long range = rangeSize == null ? 0 : Sizes.parse("--range-size", rangeSize);
        return CreateOptions.ofSize(bytes)
                .withUnitBytes(unitSize)
                .withRangeBytes(range)
                .withLabel(label)
                .forced(force);
    }

    private boolean wantsRecoveryKey() {
        return recoveryKey == null ? Terminal.isOutput() && !json : recoveryKey;
    }

    private void print(Created created, List<NewKey> made) throws KeySourceException {
        PrintWriter out = out();
        if (json) {
            printJson(out, created, made);
        } else {
            printText(out, created, made);
        }
        out.flush();
    }

    private void printText(PrintWriter out, Created created, List<NewKey> made) throws KeySourceException {
        out.println("Created " + path + ": " + ByteSize.human(created.sizeBytes()) + ", data units of " + unitSize
                + " bytes, a key for each " + ByteSize.human(created.rangeBytes()) + ".");
        out.println("  uuid        " + created.uuid());
        out.println("  identity    " + created.identity());
        for (int slot = 0; slot < made.size(); slot++) {
            NewKey key = made.get(slot);
            out.println("  key slot " + slot + "  " + key.description());
            if (key.mustBeShown()) {
                out.println("              Shown this once; write it down and keep it away from this machine:");
                out.print("              ");
                key.show(out);
                out.println();
            }
        }
        out.println("Without one of its keys the data is lost: keep a copy of them elsewhere.");
        if (metaMirror == null && NewStores.isDevice(path)) {
            out.println(
                    "Damage to the first 64 MiB of a device can take all of it; a copy of the metadata elsewhere"
                            + " helps:\n  serve it with --meta-mirror FILE, which makes one, and see 'blockseal header backup'.");
        }
        out.println("Serve it: blockseal serve " + path + serveOptions() + " --unix "
                + VolumeConfig.defaultExportName(path) + ".sock");
    }

    private void printJson(PrintWriter out, Created created, List<NewKey> made) {
        out.print(JsonText.of(document -> {
            document.writeStringField("volume", path.toString());
            document.writeStringField("uuid", created.uuid().toString());
            document.writeStringField("identity", created.identity());
            document.writeNumberField("sizeBytes", created.sizeBytes());
            document.writeNumberField("unitBytes", unitSize);
            document.writeNumberField("rangeBytes", created.rangeBytes());
            document.writeArrayFieldStart("keySlots");
            for (int slot = 0; slot < made.size(); slot++) {
                document.writeStartObject();
                document.writeNumberField("slot", slot);
                document.writeStringField("kind", made.get(slot).source().kind());
                document.writeBooleanField("madeFile", made.get(slot).madePath() != null);
                document.writeEndObject();
            }
            document.writeEndArray();
        }));
    }

    private String serveOptions() {
        return (keyFile == null ? "" : " --key-file " + keyFile)
                + (passphraseFile == null ? "" : " --passphrase-file " + passphraseFile)
                + (keySource == null ? "" : " --key-source '" + keySource + "'")
                + (meta == null ? "" : " --meta " + meta)
                + (metaMirror == null ? "" : " --meta-mirror " + metaMirror);
    }
}
