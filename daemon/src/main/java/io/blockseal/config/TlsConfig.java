package io.blockseal.config;

import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * TLS of clients' connections: whether, and with what.
 *
 * @param mode what is asked of clients
 * @param certificate ours and who signed it, in PEM; null for none
 * @param key the private key of it
 * @param clientAuthorities who may sign certificates of clients; null: they are not asked for any
 * @param verifyClients whether a client that is shown ours has to show one
 * @param pskFile keys that clients have as well, by name; null for none
 */
public record TlsConfig(
        Mode mode,
        @Nullable Path certificate,
        @Nullable Path key,
        @Nullable Path clientAuthorities,
        boolean verifyClients,
        @Nullable Path pskFile) {
    /** What is asked of clients. */
    public enum Mode {
        /** Where there is a certificate or a file of pre-shared keys: required beyond loopback, and elsewhere whoever wants it. */
        AUTO,
        /** There is no TLS. */
        OFF,
        /** Whoever wants it. */
        OPTIONAL,
        /** Nothing else on TCP, not on loopback either; on unix sockets whoever wants it. */
        REQUIRED;

        /** The word in the configuration. */
        public String word() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** None. */
    public static final TlsConfig NONE = new TlsConfig(Mode.AUTO, null, null, null, false, null);

    /** Whether there is anything to do it with. */
    public boolean hasCredentials() {
        return certificate != null || pskFile != null;
    }

    /** Whether somebody has asked for it in so many words. */
    boolean isWanted() {
        return mode == Mode.OPTIONAL || mode == Mode.REQUIRED;
    }

    /** What is asked of clients at that address; never {@link Mode#AUTO}. */
    public Mode modeOn(TcpAddress address) {
        if (mode != Mode.AUTO) {
            return mode;
        }
        if (!hasCredentials()) {
            return Mode.OFF;
        }
        return address.isLoopback() ? Mode.OPTIONAL : Mode.REQUIRED;
    }

    /** What is asked of clients of unix sockets, who may open the file or not: never {@link Mode#REQUIRED}. */
    public Mode modeOnUnixSockets() {
        return mode == Mode.OFF || !hasCredentials() ? Mode.OFF : Mode.OPTIONAL;
    }
}
