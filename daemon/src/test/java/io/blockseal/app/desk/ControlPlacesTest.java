package io.blockseal.app.desk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sockets of daemons that were killed do not pile up, and nothing else goes with them. */
class ControlPlacesTest {
    /** More than any system counts its processes to. */
    private static final long NO_PROCESS = 9_000_000_000L;

    @TempDir
    private Path folder;

    private ServerSocketChannel listening(Path path) throws IOException {
        return ServerSocketChannel.open(StandardProtocolFamily.UNIX).bind(UnixDomainSocketAddress.of(path));
    }

    private Path dead(String name) throws IOException {
        Path path = folder.resolve(name);
        listening(path).close();
        assertTrue(Files.exists(path), "a closed socket leaves its file");
        return path;
    }

    @Test
    void whatAKilledDaemonLeftIsRemoved() throws Exception {
        Path left = dead("control-" + NO_PROCESS + ".sock");
        ControlPlaces.clear(folder);
        assertFalse(Files.exists(left));
    }

    @Test
    void everythingElseStays() throws Exception {
        Path alive = folder.resolve("control-" + (NO_PROCESS + 1) + ".sock");
        Path noSocket = Files.writeString(folder.resolve("control-" + (NO_PROCESS + 2) + ".sock"), "notes");
        Path link = folder.resolve("control-" + (NO_PROCESS + 3) + ".sock");
        Path linked = dead("elsewhere.sock");
        Files.createSymbolicLink(link, linked);
        Path ofALivingProcess = dead("control-" + ProcessHandle.current().pid() + ".sock");
        Path ofTheFirstDaemon = dead("control.sock");
        Path named = dead("control-mine.sock");
        try (ServerSocketChannel server = listening(alive)) {
            assertTrue(server.isOpen());
            ControlPlaces.clear(folder);
            for (Path each : new Path[] {alive, noSocket, link, linked, ofALivingProcess, ofTheFirstDaemon, named}) {
                assertTrue(Files.exists(each, LinkOption.NOFOLLOW_LINKS), each.toString());
            }
        }
        assertEquals("notes", Files.readString(noSocket));
    }

    @Test
    void aFolderThatIsNotThereIsNoTrouble() {
        ControlPlaces.clear(folder.resolve("nosuch"));
        assertFalse(Files.exists(folder.resolve("nosuch")));
    }
}
