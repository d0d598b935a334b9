package io.blockseal.server.musts;

import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.server.NbdPeer;
import io.blockseal.server.RawNbd;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Another's server, as a check on the cases themselves. */
final class ForeignPeer implements NbdPeer {
    private static final int DISK_BYTES = 32 << 20;
    private static final List<String> FILES = List.of("disk", "other");

    private final String name;
    private final String program;
    private final String otherName;
    private final Map<String, String> knownFailures;
    private final List<String> arguments;
    private @Nullable Path folder;
    private @Nullable Process process;
    private @Nullable SocketAddress address;

    /**
     * In the arguments {@code SOCKET} stands for a unix socket, {@code PORT} for a port of TCP if it shall listen there
     * instead, {@code FOLDER} for a folder with the files {@code disk} and {@code other} of 32 MiB; {@code otherName} is
     * the second if it is served, too.
     */
    private ForeignPeer(
            String name,
            String otherName,
            Map<String, String> knownFailures,
            Stream<String> program,
            String... arguments) {
        List<String> command = program.toList();
        this.name = name;
        this.program = command.get(0);
        this.otherName = otherName;
        this.knownFailures = knownFailures;
        this.arguments =
                Stream.concat(command.stream(), Arrays.stream(arguments)).toList();
    }

    /** Each file in a folder is an export, so that unlike with most of its plugins there are names that do not exist. */
    private static ForeignPeer nbdkit(String name, String... listening) {
        return new ForeignPeer(
                name,
                "other",
                KnownFailures.OF_NBDKIT,
                Stream.concat(Stream.of("nbdkit", "-f"), Arrays.stream(listening)),
                "file",
                "dir=FOLDER");
    }

    private static ForeignPeer qemuNbd(String name, String... listening) {
        return new ForeignPeer(
                name,
                "",
                KnownFailures.OF_QEMU_NBD,
                Stream.concat(Stream.of("qemu-nbd"), Arrays.stream(listening)),
                "-f",
                "raw",
                "-t",
                "-e",
                "32",
                "-x",
                "disk",
                "-A",
                "--discard=unmap",
                "FOLDER/disk");
    }

    static ForeignPeer nbdkit() {
        return nbdkit("nbdkit", "-U", "SOCKET");
    }

    static ForeignPeer qemuNbd() {
        return qemuNbd("qemu-nbd", "-k", "SOCKET");
    }

    /** {@code mode} is "on" or "require"; the folder has certificate and key by the names that all of GnuTLS has. */
    static ForeignPeer nbdkitWithTls(String mode, Path certificates) {
        return nbdkit(
                "nbdkit, TLS " + mode,
                "-i",
                "127.0.0.1",
                "-p",
                "PORT",
                "--tls=" + mode,
                "--tls-certificates=" + certificates);
    }

    /** It insists on TLS if it has any. */
    static ForeignPeer qemuNbdWithTls(Path certificates) {
        return qemuNbd(
                "qemu-nbd, TLS",
                "-b",
                "127.0.0.1",
                "-p",
                "PORT",
                "--object",
                "tls-creds-x509,id=tls,endpoint=server,verify-peer=no,dir=" + certificates,
                "--tls-creds",
                "tls");
    }

    @Override
    public boolean isInstalled() {
        return NbdPeer.hasProgram(program);
    }

    @Override
    public String exportName() {
        return FILES.get(0);
    }

    @Override
    public String otherName() {
        return otherName;
    }

    @Override
    public boolean speaks(NbdReplyStyle style) {
        return style != NbdReplyStyle.EXTENDED;
    }

    @Override
    public Map<String, String> knownFailures() {
        return knownFailures;
    }

    @Override
    public SocketAddress address() throws IOException, InterruptedException {
        Process running = process;
        SocketAddress known = address;
        if (known == null || running == null || !running.isAlive()) {
            known = start(files());
            address = known;
        }
        return known;
    }

    private Path files() throws IOException {
        Path own = folder;
        if (own == null) {
            own = Files.createTempDirectory("peer");
            folder = own;
            Files.createDirectory(own.resolve("exports"));
            for (String file : FILES) {
                Path path = own.resolve("exports").resolve(file);
                try (RandomAccessFile disk = new RandomAccessFile(path.toFile(), "rw")) {
                    disk.setLength(DISK_BYTES);
                }
            }
        }
        return own;
    }

    private SocketAddress start(Path own) throws IOException, InterruptedException {
        Path socket = own.resolve("s");
        Files.deleteIfExists(socket);
        int port = freePort();
        List<String> words = new ArrayList<>();
        for (String word : arguments) {
            words.add(word.replace("SOCKET", socket.toString())
                    .replace("PORT", Integer.toString(port))
                    .replace("FOLDER", own.resolve("exports").toString()));
        }
        Process started = new ProcessBuilder(words)
                .redirectErrorStream(true)
                .redirectOutput(own.resolve("said").toFile())
                .start();
        process = started;
        SocketAddress listening = arguments.contains("SOCKET")
                ? UnixDomainSocketAddress.of(socket)
                : new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
        while (!isListenedOn(listening)) {
            if (!started.isAlive()) {
                throw new IOException(words + " ended: " + Files.readString(own.resolve("said")));
            }
            TimeUnit.MILLISECONDS.sleep(5);
        }
        return listening;
    }

    private static int freePort() throws IOException {
        try (ServerSocket any = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return any.getLocalPort();
        }
    }

    private static boolean isListenedOn(SocketAddress address) {
        try (RawNbd probe = RawNbd.connect(address)) {
            return true;
        } catch (IOException e) {
            return false;
        }
    }

    /** What becomes of connections is its own affair. */
    @Override
    public void settle() {}

    @Override
    public void close() throws IOException {
        if (process != null) {
            process.destroyForcibly();
        }
        if (folder != null) {
            for (String file : List.of("s", "said", "exports/disk", "exports/other", "exports", "")) {
                Files.deleteIfExists(folder.resolve(file));
            }
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
