package io.blockseal.app.host;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.host.InheritedSockets.Inherited;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the service manager hands over, as the kernel's tables describe it. */
class InheritedSocketsTest {
    @TempDir
    private Path process;

    private final Map<String, String> environment = new HashMap<>();

    @BeforeEach
    void hand() throws Exception {
        Files.createDirectories(process.resolve("net"));
        Files.createDirectories(process.resolve("fd"));
        Files.writeString(process.resolve("net/unix"), """
                Num       RefCount Protocol Flags    Type St Inode Path
                0000000000000000: 00000002 00000000 00010000 0001 01 11 /run/ä b.sock
                0000000000000000: 00000003 00000000 00000000 0001 03 12
                0000000000000000: 00000002 00000000 00010000 0005 01 13 /run/seq.sock
                """);
        Files.writeString(process.resolve("net/tcp"), """
                  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
                   0: 0100007F:2A39 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 21 1 0
                   1: 0100007F:2A3A 0100007F:1234 01 00000000:00000000 00:00000000 00000000     0        0 22 1 0
                """);
        Files.writeString(process.resolve("net/tcp6"), """
                  sl  local_address                         remote_address                        st
                   0: 00000000000000000000000001000000:0050 00000000000000000000000000000000:0000 0A 0:0 00:0 0 0 0 31 1
                """);
        environment.put("LISTEN_PID", "77");
    }

    private List<Inherited> of(int... inodes) throws Exception {
        for (int i = 0; i < inodes.length; i++) {
            Files.createSymbolicLink(process.resolve("fd/" + (3 + i)), Path.of("socket:[" + inodes[i] + "]"));
        }
        environment.put("LISTEN_FDS", Integer.toString(inodes.length));
        return InheritedSockets.of(environment::get, 77, process);
    }

    @Test
    void tellsUnixFromTcpAndBothKindsOfAddress() throws Exception {
        environment.put("LISTEN_FDNAMES", "disk:net");
        assertEquals(
                List.of(
                        new Inherited(3, "disk", "/run/ä b.sock", null),
                        new Inherited(4, "net", null, new InetSocketAddress("127.0.0.1", 10809)),
                        new Inherited(5, "unknown", null, new InetSocketAddress("::1", 80))),
                of(11, 21, 31));
    }

    @Test
    void refusesWhatDoesNotListen() {
        for (int inode : new int[] {12, 13, 22, 99}) {
            CommandException refused = assertThrows(CommandException.class, () -> {
                Files.deleteIfExists(process.resolve("fd/3"));
                of(inode);
            });
            assertTrue(refused.getMessage().contains("is not a TCP or unix socket that listens"), refused::getMessage);
        }
    }

    @Test
    void refusesADescriptorThatIsNoSocketOrNotThere() throws Exception {
        environment.put("LISTEN_FDS", "1");
        assertThrows(CommandException.class, () -> InheritedSockets.of(environment::get, 77, process));
        Files.createSymbolicLink(process.resolve("fd/3"), Path.of("/dev/null"));
        CommandException refused =
                assertThrows(CommandException.class, () -> InheritedSockets.of(environment::get, 77, process));
        assertTrue(refused.getMessage().contains("no socket, but /dev/null"), refused::getMessage);
    }

    /** The variables of whoever started us are not for us. */
    @Test
    void takesNothingThatIsForAnotherProcess() throws Exception {
        assertEquals(1, of(11).size());
        CommandException refused =
                assertThrows(CommandException.class, () -> InheritedSockets.of(environment::get, 78, process));
        assertTrue(refused.getMessage().contains("no socket was handed to this process"), refused::getMessage);
        environment.put("LISTEN_FDS", "-1");
        assertThrows(CommandException.class, () -> InheritedSockets.of(environment::get, 77, process));
    }
}
