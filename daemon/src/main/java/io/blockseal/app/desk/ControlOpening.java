package io.blockseal.app.desk;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ListenRefusal;
import io.blockseal.audit.Operator;
import io.blockseal.config.ControlConfig;
import io.blockseal.control.ControlServer;
import io.blockseal.control.ControlTarget;
import io.blockseal.keysource.FileTrouble;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the control socket its place. One that was named must be had; without the usual one the daemon serves all the same,
 * since volumes that are not served would be worse than orders that cannot be given.
 */
public final class ControlOpening {
    private static final Logger LOG = LoggerFactory.getLogger(ControlOpening.class);

    private ControlOpening() {}

    public static @Nullable ControlServer open(ControlConfig config, Path stateDirectory, ControlTarget target)
            throws CommandException {
        if (!config.enabled()) {
            return null;
        }
        Path named = config.path();
        if (named != null) {
            try {
                return start(named, config, target);
            } catch (IOException refused) {
                throw ListenRefusal.ofUnix("cannot listen on the control socket " + named, named, refused);
            }
        }
        Path folder = ControlPlaces.folder(stateDirectory);
        String why = "";
        for (Path path : ControlPlaces.candidates(folder)) {
            try {
                Files.createDirectories(
                        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
                ControlServer server = start(path, config, target);
                ControlPlaces.clear(folder);
                return server;
            } catch (IOException refused) {
                why = path + ": " + FileTrouble.words(refused);
            }
        }
        LOG.warn(
                "there is no control socket, and commands cannot reach this daemon; name a place for it (control:): {}",
                why);
        return null;
    }

    private static ControlServer start(Path path, ControlConfig config, ControlTarget target) throws IOException {
        ControlServer server = ControlServer.start(path, Operator.effectiveUid(), config.uids(), target);
        LOG.info("listening on control socket {}", path.toAbsolutePath());
        return server;
    }
}
