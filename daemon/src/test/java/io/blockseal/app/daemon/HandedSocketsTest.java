package io.blockseal.app.daemon;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.host.InheritedSockets.Inherited;
import io.blockseal.config.ConfigReader;
import io.blockseal.config.DaemonConfig;
import io.blockseal.config.TcpAddress;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whoever names an address that systemd has opened for the daemon is not sent to look for another daemon. */
class HandedSocketsTest {
    private static final String ACTIVATED = "socket-activation: true\n";

    @TempDir
    private Path directory;

    private DaemonConfig config(String addresses) throws Exception {
        Path file = directory.resolve("c.yaml");
        Files.writeString(
                file, addresses + "\ninsecure-plaintext: true\nvolumes:\n  - {path: v.bsl, key-file: v.key}\n");
        return ConfigReader.read(file);
    }

    private HandedSockets handed(String addresses, Inherited... sockets) throws Exception {
        return new HandedSockets(config(addresses), ExitCode.CONFIG, List.of(sockets));
    }

    private static Inherited tcp(String host, int port) throws IOException {
        return new Inherited(3, "net", null, new InetSocketAddress(InetAddress.getByName(host), port));
    }

    private static void refused(String message, HandedSockets handed) {
        CommandException told = assertThrows(CommandException.class, handed::requireOnce);
        assertEquals(message, told.getMessage());
        assertEquals(ExitCode.CONFIG, told.exitCode());
    }

    /** There is no such volume and no such key either. */
    @Test
    void whereThereIsNoSocketNoKeyIsAskedFor() throws Exception {
        DaemonConfig config = config(ACTIVATED);
        CommandException told = assertThrows(CommandException.class, () -> Daemon.start(config));
        assertTrue(told.getMessage().startsWith("no socket was handed to this process"), told::getMessage);
        assertEquals(ExitCode.IN_USE, told.exitCode());
    }

    @Test
    void theSameUnixSocketIsNamedOnceMore() throws Exception {
        Path real = Files.createDirectory(directory.resolve("run"));
        Files.writeString(real.resolve("d.sock"), "");
        Files.createSymbolicLink(directory.resolve("var"), real);
        Inherited socket = new Inherited(3, "disk", real.resolve("d.sock").toString(), null);
        String named = directory.resolve("var/d.sock").toString();
        refused(
                "cannot listen on unix socket " + named + ": systemd has opened it for this process already\n"
                        + "  Leave it out of unix (--unix); it is served by socket-activation.",
                handed(ACTIVATED + "unix: " + named, socket));
        refused(
                "cannot listen on unix socket " + real + "/d.sock: systemd has opened it for this process already\n"
                        + "  Leave it out of unix (--unix), and have it served by socket-activation: true"
                        + " (--socket-activation).",
                handed("unix: " + real + "/d.sock", socket));
        handed(ACTIVATED + "unix: " + real + "/e.sock", socket).requireOnce();
        handed(ACTIVATED + "unix: " + named, new Inherited(3, "abstract", "@d", null))
                .requireOnce();
    }

    @Test
    void theSameTcpAddressIsNamedOnceMore() throws Exception {
        String twice = "cannot listen on %s: systemd has opened it for this process already\n"
                + "  Leave it out of listen (--listen); it is served by socket-activation.";
        refused(
                twice.formatted("127.0.0.1:10809"),
                handed(ACTIVATED + "listen: 127.0.0.1:10809", tcp("127.0.0.1", 10809)));
        refused(
                twice.formatted("127.0.0.1:10809"),
                handed(ACTIVATED + "listen: 127.0.0.1:10809", tcp("0.0.0.0", 10809)));
        refused(twice.formatted("[::]:10809"), handed(ACTIVATED + "listen: '[::]:10809'", tcp("::1", 10809)));
        for (Inherited other : new Inherited[] {tcp("127.0.0.1", 10810), tcp("127.0.0.2", 10809), tcp("::1", 10809)}) {
            handed(ACTIVATED + "listen: 127.0.0.1:10809", other).requireOnce();
        }
    }

    /** Whether a socket of IPv6 takes IPv4 as well shows only when the address turns out to be taken. */
    @Test
    void aSocketForBothKindsOfAddressesHoldsTheOther() throws Exception {
        HandedSockets both = handed(ACTIVATED + "listen: 127.0.0.1:10809", tcp("::", 10809));
        both.requireOnce();
        IOException taken = new IOException("taken");
        assertNotNull(both.holding(new TcpAddress("127.0.0.1", 10809), taken));
        assertNull(both.holding(new TcpAddress("127.0.0.1", 10810), taken));
    }
}
