package io.blockseal.app.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.ListenRefusal;
import io.blockseal.config.ConfigReader;
import io.blockseal.config.DaemonConfig;
import io.blockseal.export.ExportRegistry;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.server.IoLoops;
import io.blockseal.server.NbdServer;
import io.blockseal.server.ServerOptions;
import io.netty.channel.unix.Errors.NativeIoException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Whoever named an address that cannot be had is told what is wrong with it, and is not sent to look for another daemon. */
@Timeout(60)
class ListenersTest {
    @TempDir
    private Path directory;

    private IoLoops loops;
    private NbdServer server;

    @BeforeEach
    void start() {
        loops = IoLoops.start(1, DaemonConfig.BUFFER_BYTES_PER_LOOP_MIN, new JvmMemorySource());
        server = new NbdServer(loops, new ExportRegistry(), ServerOptions.DEFAULT);
    }

    @AfterEach
    void stop() throws Exception {
        server.close();
        loops.close();
    }

    private void refused(ExitCode code, String message, String where) throws Exception {
        Path file = directory.resolve("c.yaml");
        Files.writeString(file, where + "\ninsecure-plaintext: true\nvolumes:\n  - {path: v.bsl, key-file: v.key}\n");
        DaemonConfig config = ConfigReader.read(file);
        CommandException told = assertThrows(CommandException.class, () -> new Listeners(
                        config, server, null, new HandedSockets(config, ExitCode.CONFIG, List.of()))
                .open());
        assertTrue(told.getMessage().startsWith(message), told::getMessage);
        assertFalse(told.getMessage().contains("failed with error"), told::getMessage);
        assertEquals(code, told.exitCode(), told::getMessage);
    }

    @Test
    void aFolderThatIsNotThere() throws Exception {
        Path folder = directory.resolve("no such");
        refused(
                ExitCode.FAILURE,
                "cannot listen on unix socket " + folder + "/x.sock: there is no folder " + folder + "\n",
                "unix: " + folder + "/x.sock");
        Files.writeString(folder, "a file");
        refused(
                ExitCode.FAILURE,
                "cannot listen on unix socket " + folder + "/x.sock: there is no folder " + folder + "\n",
                "unix: " + folder + "/x.sock");
    }

    @Test
    void aPlaceThatIsTaken() throws Exception {
        Path place = Files.writeString(directory.resolve("x.sock"), "a file");
        refused(
                ExitCode.IN_USE,
                "cannot listen on unix socket " + place + ": something else than a socket is there; remove it,",
                "unix: " + place);
        server.listenUnix(directory.resolve("y.sock"));
        refused(
                ExitCode.IN_USE,
                "cannot listen on unix socket " + directory + "/y.sock: another process listens there; is it another",
                "unix: " + directory + "/y.sock");
        try (ServerSocket other = new ServerSocket(0, 1, InetAddress.getByName("127.0.0.1"))) {
            String address = "127.0.0.1:" + other.getLocalPort();
            refused(ExitCode.IN_USE, "cannot listen on " + address + ": the address is taken\n", "listen: " + address);
        }
    }

    /** 192.0.2.0/24 is kept for documentation. */
    @Test
    void anAddressOfAnotherHost() throws Exception {
        refused(
                ExitCode.FAILURE,
                "cannot listen on 192.0.2.1:10809: this host has no such address\n",
                "listen: 192.0.2.1:10809");
    }

    /** Root, as whom tests may run, is permitted all of it. */
    @Test
    void whatThisUserMayNot() {
        IOException refused = new IOException("x", new NativeIoException("bind", -13));
        CommandException port = ListenRefusal.ofTcp("cannot listen on 127.0.0.1:80", refused);
        assertEquals(ExitCode.FAILURE, port.exitCode());
        assertTrue(
                port.getMessage()
                        .startsWith("cannot listen on 127.0.0.1:80: the system does not permit it\n  Ports below 1024"),
                port::getMessage);
        CommandException folder = ListenRefusal.ofUnix("cannot listen on it", Path.of("/root/x"), refused);
        assertEquals(ExitCode.FAILURE, folder.exitCode());
        assertTrue(
                folder.getMessage().startsWith("cannot listen on it: this user may not make a file in /root\n"),
                folder::getMessage);
    }

    @Test
    void whatNobodyThoughtOf() {
        NativeIoException system = new NativeIoException("bind", -22);
        CommandException told =
                ListenRefusal.ofTcp("cannot listen on it", new IOException(system.getMessage(), system));
        assertEquals("cannot listen on it: Invalid argument", told.getMessage());
        assertEquals(ExitCode.FAILURE, told.exitCode());
    }
}
