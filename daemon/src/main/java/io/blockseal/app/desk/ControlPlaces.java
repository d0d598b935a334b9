package io.blockseal.app.desk;

import io.blockseal.server.UnixSocketFile;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Where a daemon's control socket lies unless somebody says otherwise, and where a command looks for one. The second daemon
 * of a host adds its process number to the name.
 */
public final class ControlPlaces {
    private static final Logger LOG = LoggerFactory.getLogger(ControlPlaces.class);
    private static final String NAME = "control.sock";
    private static final Path OF_THE_SYSTEM = Path.of("/run/blockseal");

    private static final Pattern OF_A_PROCESS = Pattern.compile("control-([0-9]{1,18})\\.sock");

    private ControlPlaces() {}

    /** The folder for a daemon of this user: systemd's place, the system's, the user's, or the state directory. */
    static Path folder(Path stateDirectory) {
        String ofService = System.getenv("RUNTIME_DIRECTORY");
        if (ofService != null && !ofService.isEmpty()) {
            return Path.of(ofService.split(":")[0]);
        }
        if ("root".equals(System.getProperty("user.name")) || Files.isWritable(OF_THE_SYSTEM)) {
            return OF_THE_SYSTEM;
        }
        String ofUser = System.getenv("XDG_RUNTIME_DIR");
        return ofUser != null && !ofUser.isEmpty() ? Path.of(ofUser, "blockseal") : stateDirectory;
    }

    /** The sockets that a daemon tries in the folder, in this order. */
    static List<Path> candidates(Path folder) {
        return List.of(
                folder.resolve(NAME),
                folder.resolve("control-" + ProcessHandle.current().pid() + ".sock"));
    }

    /**
     * Removes what daemons that were killed have left in the folder, which every command would knock at: sockets with the
     * number of a process that is no more, on which nobody listens.
     */
    static void clear(Path folder) {
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, "control-*.sock")) {
            for (Path each : files) {
                Matcher name = OF_A_PROCESS.matcher(each.getFileName().toString());
                // A process of that number elsewhere, as in a container that shares the folder, is heard when asked.
                if (name.matches()
                        && ProcessHandle.of(Long.parseLong(name.group(1))).isEmpty()
                        && new UnixSocketFile(each, Set.of()).removeIfDead()) {
                    LOG.info("{}: removed, its daemon has ended without doing so", each);
                }
            }
        } catch (IOException | DirectoryIteratorException unreadable) {
            LOG.debug("{}: cannot be cleared: {}", folder, unreadable.getMessage());
        }
    }

    /** Every socket that a command of this user might find its daemon on. */
    public static List<Path> toAsk(Path stateDirectory) {
        TreeSet<Path> folders = new TreeSet<>(List.of(OF_THE_SYSTEM, folder(stateDirectory), stateDirectory));
        List<Path> sockets = new ArrayList<>();
        for (Path each : folders) {
            if (!Files.isDirectory(each)) {
                continue;
            }
            try (DirectoryStream<Path> files = Files.newDirectoryStream(each, "control*.sock")) {
                files.forEach(sockets::add);
            } catch (IOException unreadable) {
                LOG.debug("{}: holds no daemon of ours: {}", each, unreadable.getMessage());
            }
        }
        return sockets;
    }
}
