package io.blockseal.app.setup;

import io.blockseal.app.audit.KeyUseAudit;
import io.blockseal.app.host.IoFlusher;
import io.blockseal.audit.Operator;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.SecretInput;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What the environment says. It never says a secret: others can read it. */
public final class Surroundings {
    private static final Path OF_THE_SYSTEM = Path.of("/var/lib/blockseal");

    private Surroundings() {}

    /** Where state is kept unless somebody says otherwise: systemd's place, the system's, the user's. */
    public static Path stateDirectory() {
        String ofService = System.getenv("STATE_DIRECTORY");
        if (ofService != null && !ofService.isEmpty()) {
            return Path.of(ofService.split(":")[0]);
        }
        if ("root".equals(System.getProperty("user.name")) || Files.isWritable(OF_THE_SYSTEM)) {
            return OF_THE_SYSTEM;
        }
        String ofUser = System.getenv("XDG_STATE_HOME");
        return ofUser != null && !ofUser.isEmpty()
                ? Path.of(ofUser, "blockseal")
                : Path.of(System.getProperty("user.home", "."), ".local", "state", "blockseal");
    }

    /** What key sources are told of it; what they are used for goes into the audit log. */
    public static KeySourceContext keySources(CryptoEngine engine, SecretInput input) {
        return new KeySourceContext(engine, credentialsDirectory(), System::getenv, input, KeyUseAudit::record);
    }

    /** Where systemd wants to be told how far the daemon is, or null. */
    public static @Nullable String notifySocket() {
        return System.getenv("NOTIFY_SOCKET");
    }

    /** What the launcher's first program says of the mark that makes a client on this host safe. */
    public static IoFlusher ioFlusher() {
        return IoFlusher.of(System.getenv("BLOCKSEAL_IO_FLUSHER"));
    }

    /** Whether the process may do everything on this host, as root. */
    public static boolean isRoot() {
        try {
            return Operator.effectiveUid() == 0;
        } catch (IOException untold) {
            return "root".equals(Operator.user());
        }
    }

    /** Where systemd puts credentials, or null. */
    public static @Nullable Path credentialsDirectory() {
        String directory = System.getenv("CREDENTIALS_DIRECTORY");
        return directory == null || directory.isEmpty() ? null : Path.of(directory);
    }
}
