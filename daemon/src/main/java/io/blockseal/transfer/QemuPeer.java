package io.blockseal.transfer;

import io.blockseal.client.NbdTransport;
import io.blockseal.nbd.NbdUri;
import io.blockseal.transfer.TransferException.Kind;
import io.blockseal.volume.host.StateFile;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A {@code qemu-nbd} of our own that opens a disk image in one of qemu's formats and serves it to us alone, on a unix
 * socket in a directory that nobody else may enter. It ends with the transfer, also if we are killed: it serves one
 * connection.
 *
 * <p>A passphrase goes through its standard input, so that it is in no argument, no environment and no file.
 */
public final class QemuPeer implements AutoCloseable {
    private static final String PROGRAM = "qemu-nbd";
    private static final long START_SECONDS = 60;
    private static final long STOP_SECONDS = 30;
    private static final int POLL_MILLIS = 20;
    private static final int WORDS_MAX = 500;

    private final Path directory;
    private final Process process;
    private final NbdDevice device;

    private QemuPeer(Path directory, Process process, NbdDevice device) {
        this.directory = directory;
        this.process = process;
        this.device = device;
    }

    /**
     * Serves an image.
     *
     * @param format qemu's name of it, such as {@code qcow2} or {@code luks}; it is never guessed
     * @param passphrase opens an encrypted image; null if it is not encrypted. The caller wipes it.
     * @param writable whether it will be written to
     */
    public static QemuPeer open(
            NbdTransport transport, Path image, String format, byte @Nullable [] passphrase, boolean writable)
            throws TransferException {
        if (!format.matches("[a-z0-9-]{1,20}")) {
            throw new TransferException(
                    Kind.REFUSED, format + ": not a format of qemu; they are written like qcow2, luks or vmdk.");
        }
        Path directory = null;
        Process process = null;
        QemuPeer complete = null;
        try {
            directory = Files.createTempDirectory("blockseal-");
            Path socket = directory.resolve("s");
            Path said = directory.resolve("log");
            process = start(command(image, format, passphrase != null, writable, socket), said);
            hand(process, passphrase);
            NbdDevice device = connect(transport, process, image, socket, said);
            complete = new QemuPeer(directory, process, device);
            return complete;
        } catch (IOException failed) {
            throw new TransferException(
                    Kind.REFUSED, image + ": cannot be opened by " + PROGRAM + ": " + StateFile.words(failed), failed);
        } finally {
            if (complete == null) {
                end(process);
                remove(directory);
            }
        }
    }

    private static List<String> command(Path image, String format, boolean encrypted, boolean writable, Path socket)
            throws IOException {
        boolean device = Files.exists(image) && !Files.isRegularFile(image);
        List<String> words = new ArrayList<>(List.of(PROGRAM, "--socket=" + socket, "--cache=writeback"));
        if (encrypted) {
            words.add("--object");
            words.add("secret,id=passphrase,file=/dev/stdin");
        }
        if (writable) {
            words.add("--discard=unmap");
        } else {
            words.add("--read-only");
        }
        words.add("--image-opts");
        String secret =
                encrypted ? (format.equals("luks") ? ",key-secret=" : ",encrypt.key-secret=") + "passphrase" : "";
        // In such a list a comma is written twice.
        words.add("driver=" + format + secret + ",file.driver=" + (device ? "host_device" : "file") + ",file.filename="
                + image.toAbsolutePath().toString().replace(",", ",,"));
        return words;
    }

    private static Process start(List<String> words, Path said) throws TransferException {
        try {
            return new ProcessBuilder(words)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .redirectError(said.toFile())
                    .start();
        } catch (IOException missing) {
            throw new TransferException(
                    Kind.REFUSED,
                    words.get(0) + " cannot be started; the Debian package qemu-utils has it: apt install qemu-utils",
                    missing);
        }
    }

    private static void hand(Process process, byte @Nullable [] passphrase) throws IOException {
        try (OutputStream in = process.getOutputStream()) {
            if (passphrase != null) {
                in.write(passphrase);
            }
        } catch (IOException ended) {
            // It did not want to read it; what it says of itself is better than a broken pipe.
            if (process.isAlive()) {
                throw ended;
            }
        }
    }

    private static NbdDevice connect(NbdTransport transport, Process process, Path image, Path socket, Path said)
            throws TransferException, IOException {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
        try {
            while (!Files.exists(socket, LinkOption.NOFOLLOW_LINKS)) {
                boolean ended = process.waitFor(POLL_MILLIS, TimeUnit.MILLISECONDS);
                if (ended || System.nanoTime() > deadline) {
                    throw refused(image, said);
                }
            }
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new TransferException(Kind.REFUSED, image + ": interrupted while opening.", interrupted);
        }
        try {
            return NbdDevice.connect(transport, NbdUri.unix(socket.toString(), ""));
        } catch (TransferException unanswered) {
            // The socket is there before the image is open: what stands in the way of that says more.
            throw endsSoon(process) ? refused(image, said) : unanswered;
        }
    }

    private static boolean endsSoon(Process process) {
        try {
            return process.waitFor(1, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            return false;
        }
    }

    private static TransferException refused(Path image, Path said) throws IOException {
        return new TransferException(
                Kind.REFUSED,
                image + ": qemu-nbd does not open it: " + words(said)
                        + ".\n  Is that its format, and the passphrase right?");
    }

    /** What it said last, without the names of our own. */
    private static String words(Path said) throws IOException {
        String all = Files.exists(said) ? new String(Files.readAllBytes(said), StandardCharsets.UTF_8).strip() : "";
        String last = all.substring(all.lastIndexOf('\n') + 1).replaceAll("\\p{Cntrl}", " ");
        if (last.isEmpty()) {
            return "it says nothing";
        }
        return last.length() > WORDS_MAX ? last.substring(0, WORDS_MAX) : last;
    }

    /** Makes a new, empty image of that size; the caller has seen to it that there is none, or an empty one. */
    public static void create(Path image, String format, long sizeBytes) throws TransferException {
        List<String> words = List.of("qemu-img", "create", "-q", "-f", format, "--", image.toString(), sizeBytes + "");
        Path said = null;
        try {
            // qemu-img would make it for everybody to read.
            if (!Files.exists(image)) {
                Files.createFile(
                        image, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
            }
            said = Files.createTempFile("blockseal-", ".log");
            Process process = start(words, said);
            process.getOutputStream().close();
            if (process.waitFor() != 0) {
                throw new TransferException(Kind.REFUSED, image + ": qemu-img cannot make it: " + words(said) + ".");
            }
        } catch (IOException failed) {
            throw new TransferException(Kind.REFUSED, image + ": cannot be made: " + StateFile.words(failed), failed);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new TransferException(Kind.REFUSED, image + ": interrupted while it was made.", interrupted);
        } finally {
            deleteQuietly(said);
        }
    }

    /** What it serves. */
    public NbdDevice device() {
        return device;
    }

    /** Leaves, and waits until it has written everything and ended. */
    @Override
    public void close() {
        device.close();
        end(process);
        remove(directory);
    }

    private static void end(@Nullable Process process) {
        if (process == null) {
            return;
        }
        try {
            if (!process.waitFor(1, TimeUnit.SECONDS)) {
                process.destroy();
            }
            if (!process.waitFor(STOP_SECONDS, TimeUnit.SECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException interrupted) {
            process.destroyForcibly();
            Thread.currentThread().interrupt();
        }
    }

    private static void remove(@Nullable Path directory) {
        if (directory != null) {
            for (String name : Arrays.asList("s", "log")) {
                deleteQuietly(directory.resolve(name));
            }
            deleteQuietly(directory);
        }
    }

    private static void deleteQuietly(@Nullable Path path) {
        try {
            if (path != null) {
                Files.deleteIfExists(path);
            }
        } catch (IOException stays) {
            // An empty directory of ours in /tmp harms nobody.
            return;
        }
    }
}
