package io.blockseal.app.transfer;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.setup.Foundation;
import io.blockseal.app.setup.Unwinding;
import io.blockseal.block.BlockDevice;
import io.blockseal.block.IoLoop;
import io.blockseal.client.NbdTransport;
import io.blockseal.device.DeviceStack;
import io.blockseal.device.UnitAligner;
import io.blockseal.export.Export;
import io.blockseal.export.LossLedger;
import io.blockseal.keysource.FileTrouble;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.SecretInput;
import io.blockseal.nbd.NbdUri;
import io.blockseal.server.IoLoops;
import io.blockseal.store.BlockStore;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreOptions;
import io.blockseal.store.file.FileStores;
import io.blockseal.transfer.Fingerprint;
import io.blockseal.transfer.NbdDevice;
import io.blockseal.transfer.QemuPeer;
import io.blockseal.transfer.Side;
import io.blockseal.transfer.StreamDevice;
import io.blockseal.transfer.TransferException;
import io.blockseal.volume.Volume;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Locale;
import java.util.UUID;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Opens the two ends of an import or an export by what an operator wrote: a file, a block device, an image in a format of
 * qemu, an address, standard output, an open volume. Closing it closes all of them, and the loop that moves the data.
 */
public final class TransferEnds implements AutoCloseable {
    /** The format of a file that is the disk itself. */
    public static final String RAW = "raw";

    private static final String STANDARD_OUTPUT = "-";
    private static final int TYPE_MASK = 0170000;
    private static final int TYPE_BLOCK = 0060000;
    /** Of this process: its count of changes begins anew with each. */
    private static final String RUN = UUID.randomUUID().toString();

    private final FileStores files;
    private final Unwinding unwinding = new Unwinding();
    private final IoLoop loop;
    private @Nullable NbdTransport transport;

    /** With a loop that somebody else has started, and takes back. */
    TransferEnds(FileStores files, IoLoop loop, AutoCloseable givingBack) {
        this.files = files;
        this.loop = loop;
        unwinding.add("the event loop", givingBack);
    }

    /** Starts the loop. */
    public static TransferEnds open(Foundation foundation) {
        IoLoops loops = IoLoops.start(1, IoLoops.BUFFER_BYTES_DEFAULT, foundation.memory());
        return new TransferEnds(foundation.files(), loops.all().get(0), loops);
    }

    /** The loop that moves the data. */
    public IoLoop loop() {
        return loop;
    }

    /** Whether the operator wrote an address rather than a path. */
    public static boolean isAddress(String text) {
        return text.toLowerCase(Locale.ROOT).matches("nbds?(\\+unix)?:.*");
    }

    /** Whether it is standard output. */
    public static boolean isStandardOutput(String text) {
        return text.equals(STANDARD_OUTPUT);
    }

    /** What two runs of a command must agree on to mean the same target. */
    public static String identity(String text) {
        if (isAddress(text)) {
            return text;
        }
        try {
            return Path.of(text).toRealPath().toString();
        } catch (IOException notYet) {
            return Path.of(text).toAbsolutePath().normalize().toString();
        }
    }

    /** An open volume, which this closes. */
    public Side volume(String name, Volume volume) {
        unwinding.add("volume " + name, volume);
        // A volume that is written to changes by that alone.
        Supplier<Fingerprint> fingerprint = volume.shape().readOnly() ? () -> contents(volume) : () -> identity(volume);
        return volume(name, volume, DeviceStack.build(volume).top(), fingerprint);
    }

    /** A volume that is being served, to be written to by nobody but this. It stays whose it is. */
    public Side servedTarget(String name, Volume volume, Export export) {
        return volume(name, volume, export.device(), () -> identity(volume));
    }

    /**
     * A volume that is being served, to be read. It stays whose it is.
     *
     * @param live whether clients may change it meanwhile
     */
    public Side servedSource(String name, Volume volume, Export export, boolean live) {
        if (live) {
            Fingerprint alike = identity(volume).with("live", "yes");
            return volume(name, volume, export.device(), () -> alike);
        }
        Fingerprint begun = contentsWhileServed(volume, export);
        long mark = export.losses().quietMark();
        // What the daemon itself does to a volume, such as shredding what was discarded, leaves what is read as it is.
        Supplier<Fingerprint> fingerprint =
                () -> mark != LossLedger.BUSY && export.losses().quietMark() == mark
                        ? begun
                        : contentsWhileServed(volume, export);
        return volume(name, volume, export.device(), fingerprint);
    }

    /** Of a device nobody can tell when it was last written to: there a copy is gone on with only by the same process. */
    private static Fingerprint contentsWhileServed(Volume volume, Export export) {
        return Files.isRegularFile(Path.of(volume.dataStore().name()))
                ? contents(volume)
                : contents(volume).with("changes", RUN + "/" + export.losses().quietMark());
    }

    private static Side volume(String name, Volume volume, BlockDevice device, Supplier<Fingerprint> fingerprint) {
        BlockStore store = volume.dataStore();
        return Side.disk(name, device, fingerprint)
                .withLosses(volume::storeLosses)
                .withForget(() -> store.dropCache(0, store.sizeBytes()));
    }

    private static Fingerprint identity(Volume volume) {
        return Fingerprint.empty()
                .with("volume", volume.uuid().toString())
                .with("size", String.valueOf(volume.shape().sizeBytes()));
    }

    private static Fingerprint contents(Volume volume) {
        return identity(volume)
                .with("commit", String.valueOf(volume.commitSeq()))
                .with("modified", modified(Path.of(volume.dataStore().name())));
    }

    private static String modified(Path file) {
        try {
            return Files.isRegularFile(file) ? Files.getLastModifiedTime(file).toString() : "unknown";
        } catch (IOException failed) {
            throw new UncheckedIOException(file + ": cannot be looked at", failed);
        }
    }

    /** Refuses a source that cannot be one, before anything is opened. */
    public static void requireSensible(String text, String format, boolean passphrase) throws CommandException {
        if (isAddress(text)) {
            return;
        }
        if (!Files.exists(Path.of(text))) {
            throw new CommandException(ExitCode.FAILURE, text + ": there is no such file or device to read.");
        }
        requireFileOrDevice(Path.of(text));
        if (format.equals(RAW) && passphrase) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "a passphrase for the source, but it is raw: name its format, such as --source-format luks.");
        }
    }

    /** Opening anything else may wait forever, as a pipe does, or do something, as some devices do. */
    private static void requireFileOrDevice(Path path) throws CommandException {
        if (!Files.isRegularFile(path) && !isBlockDevice(path)) {
            throw new CommandException(
                    ExitCode.FAILURE, path + ": neither a regular file nor a block device; it cannot hold a disk.");
        }
    }

    private static boolean isBlockDevice(Path path) {
        try {
            return ((int) Files.getAttribute(path, "unix:mode") & TYPE_MASK) == TYPE_BLOCK;
        } catch (IOException | UnsupportedOperationException unknown) {
            return false;
        }
    }

    /**
     * Something to read.
     *
     * @param format {@link #RAW}, or a format of qemu
     * @param passphrase opens an encrypted image, or null
     */
    public Side source(String text, String format, @Nullable SecretInput passphrase)
            throws CommandException, StoreException, TransferException, KeySourceException {
        requireSensible(text, format, passphrase != null);
        if (isAddress(text)) {
            return address(text, format);
        }
        Path path = Path.of(text);
        if (!format.equals(RAW)) {
            return image(path, format, passphrase, false);
        }
        BlockStore store = files.open(path, new StoreOptions(true, false));
        unwinding.add(text, store);
        return Side.disk(text, store, fingerprint(path, store.sizeBytes(), true));
    }

    /** Something to write {@code sizeBytes} to. A file is made, or, with {@code force}, made anew. */
    public Side target(String text, String format, long sizeBytes, boolean force, boolean resume)
            throws CommandException, StoreException, TransferException, KeySourceException {
        if (isStandardOutput(text)) {
            StreamDevice stream = new StreamDevice(new FileOutputStream(FileDescriptor.out).getChannel(), sizeBytes);
            unwinding.add("standard output", stream);
            return Side.disk("standard output", stream, Fingerprint::empty)
                    .withTrouble(stream::trouble)
                    .withKind(Side.Kind.STREAM);
        }
        if (isAddress(text)) {
            return address(text, format);
        }
        Path path = Path.of(text);
        boolean there = Files.exists(path, LinkOption.NOFOLLOW_LINKS);
        boolean file = !there || Files.isRegularFile(path);
        if (there) {
            requireFileOrDevice(path);
        }
        if (there && file && !resume) {
            makeRoom(path, force);
        } else if (there && !resume && !format.equals(RAW)) {
            requireNobodys(path, force);
        } else if (!there && resume) {
            throw new CommandException(ExitCode.FAILURE, text + ": there is no such file to go on with.");
        }
        if (!format.equals(RAW)) {
            if (!resume) {
                QemuPeer.create(path, format, sizeBytes);
            }
            return image(path, format, null, true);
        }
        BlockStore store = Files.exists(path)
                ? files.open(path, StoreOptions.BUFFERED)
                : files.create(path, StoreOptions.BUFFERED);
        unwinding.add(text, store);
        if (file && store.sizeBytes() < sizeBytes) {
            store.grow(sizeBytes);
        }
        Side side = Side.disk(text, store, fingerprint(path, store.sizeBytes(), false));
        return (file ? side : side.withoutHoles())
                .withLosses(store::lossCount)
                .withForget(() -> store.dropCache(0, sizeBytes));
    }

    /** A file of somebody's is emptied only if they say so, and never under the hands of whoever has it open. */
    private void makeRoom(Path path, boolean force) throws CommandException, StoreException {
        try {
            if (Files.size(path) == 0) {
                return;
            }
            if (!force) {
                throw new CommandException(
                        ExitCode.FAILURE,
                        path + ": the file exists already and is not empty.\n  Name another, go on with --resume if an"
                                + " export to it was interrupted, or say --force if what it holds may be lost.");
            }
            try (BlockStore held = files.open(path, StoreOptions.BUFFERED);
                    FileChannel channel = FileChannel.open(Path.of(held.name()), StandardOpenOption.WRITE)) {
                channel.truncate(0);
            }
        } catch (IOException failed) {
            throw new CommandException(
                    ExitCode.FAILURE, path + ": cannot be emptied: " + FileTrouble.words(failed) + ".", failed);
        }
    }

    /** An image is made on a device at once, whatever it holds and whoever has it open. */
    private void requireNobodys(Path device, boolean force) throws CommandException, StoreException {
        if (!force) {
            throw new CommandException(
                    ExitCode.FAILURE,
                    device
                            + ": making an image on a device writes over what it holds.\n  Name another, or say --force if"
                            + " that may be lost.");
        }
        files.open(device, StoreOptions.BUFFERED).close();
    }

    private Side address(String text, String format) throws CommandException, TransferException {
        if (!format.equals(RAW)) {
            throw new CommandException(
                    ExitCode.USAGE, text + ": an NBD server has opened the format already; leave it out here.");
        }
        NbdUri uri;
        try {
            uri = NbdUri.parse(text);
        } catch (IllegalArgumentException wrong) {
            throw new CommandException(ExitCode.USAGE, String.valueOf(wrong.getMessage()), wrong);
        }
        NbdDevice device = NbdDevice.connect(transport(), uri);
        unwinding.add(text, device);
        long size = device.geometry().sizeBytes();
        Fingerprint print = Fingerprint.empty().with("address", uri.toString()).with("size", String.valueOf(size));
        return nbd(text, device, () -> print);
    }

    private Side image(Path path, String format, @Nullable SecretInput passphrase, boolean writable)
            throws TransferException, KeySourceException, StoreException {
        // qemu's locks are not ours: an open volume is refused here, whatever format somebody takes it for.
        files.open(path, new StoreOptions(!writable, false)).close();
        byte[] secret = passphrase == null ? null : passphrase.read();
        QemuPeer peer;
        try {
            peer = QemuPeer.open(transport(), path, format, secret, writable);
        } finally {
            if (secret != null) {
                Arrays.fill(secret, (byte) 0);
            }
        }
        unwinding.add(path.toString(), peer);
        long size = peer.device().geometry().sizeBytes();
        Supplier<Fingerprint> file = fingerprint(path, size, !writable);
        return nbd(path.toString(), peer.device(), () -> file.get().with("format", format));
    }

    private static Side nbd(String name, NbdDevice device, Supplier<Fingerprint> fingerprint) {
        BlockDevice bytes = device.geometry().minimumBlockBytes() == 1 ? device : new UnitAligner(device, 1);
        Side side = Side.disk(name, bytes, fingerprint);
        return (device.tellsExtents() ? side : side.withoutHoles())
                .withTrouble(device::trouble)
                .withKind(device.zeroes() ? Side.Kind.DISK : Side.Kind.WITHOUT_ZEROING);
    }

    private NbdTransport transport() {
        NbdTransport running = transport;
        if (running == null) {
            running = NbdTransport.open(1);
            transport = running;
            unwinding.add("the client", running);
        }
        return running;
    }

    private static Supplier<Fingerprint> fingerprint(Path path, long sizeBytes, boolean read) {
        return () -> {
            try {
                long size = Files.isRegularFile(path) && !read ? sizeBytes : sizeNow(path, sizeBytes);
                return Fingerprint.ofFile(path, size, read);
            } catch (IOException failed) {
                throw new UncheckedIOException(path + ": cannot be looked at", failed);
            }
        };
    }

    private static long sizeNow(Path path, long sizeBytes) throws IOException {
        return Files.isRegularFile(path) ? Files.size(path) : sizeBytes;
    }

    @Override
    public void close() {
        unwinding.close();
    }
}
