package io.blockseal.keysource.kmip;

import io.blockseal.keysource.rest.Aside;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeoutException;

/**
 * Finds the addresses of a server within a time. The system's resolver has a time of its own, mostly a longer one. From any
 * thread but one that serves I/O; blocks.
 */
final class Addresses {
    private static final Aside RESOLVER = new Aside("kmip-names");

    /** Asks a resolver. */
    @FunctionalInterface
    interface Lookup {
        /** Asks the system's. */
        Lookup SYSTEM = InetAddress::getAllByName;

        /** At least one address; may take long. */
        InetAddress[] of(String host) throws UnknownHostException;
    }

    /** The resolver is slower than we wait. */
    static final class SlowResolverException extends IOException {
        private static final long serialVersionUID = 1;
    }

    private Addresses() {}

    /**
     * The addresses of a host.
     *
     * @throws SlowResolverException if nobody says so in time
     * @throws UnknownHostException if it has none
     */
    static InetAddress[] of(String host, Lookup lookup, Duration within) throws IOException {
        try {
            return RESOLVER.call(() -> lookup.of(host), within);
        } catch (TimeoutException late) {
            throw new SlowResolverException();
        } catch (ExecutionException failed) {
            UnknownHostException unknown = new UnknownHostException(host);
            unknown.initCause(failed.getCause());
            throw unknown;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        }
    }
}
