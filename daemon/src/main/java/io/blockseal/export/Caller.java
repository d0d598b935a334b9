package io.blockseal.export;

import java.net.InetAddress;
import org.jspecify.annotations.Nullable;

/**
 * Who asks for exports, by everything that is known of it. Belongs to one connection, and changes once at most: when TLS
 * is there.
 *
 * @param identity what it has proven
 * @param unix whose process it was that connected to our unix socket; null on TCP, and where the kernel did not say
 * @param address from where it came by TCP; null on a unix socket
 */
public record Caller(
        ClientIdentity identity,
        @Nullable UnixPeer unix,
        @Nullable InetAddress address) {
    /** Somebody of whom nothing is known. */
    public static final Caller UNKNOWN = new Caller(ClientIdentity.ANONYMOUS, null, null);

    /** The same connection, now that it has proven that. */
    public Caller as(ClientIdentity proven) {
        return new Caller(proven, unix, address);
    }
}
