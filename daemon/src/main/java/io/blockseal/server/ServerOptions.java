package io.blockseal.server;

import io.blockseal.server.limit.TcpLife;
import java.util.function.Consumer;

/**
 * The limits of an {@link NbdServer}. Start from {@link #DEFAULT} and change what has to differ.
 *
 * @param connectionsMax connections open at a time, over all listeners; one more is closed as soon as it is accepted
 * @param connectionsPerAddressMax likewise, from one IPv4 address or one /64 of IPv6; unix sockets are not counted
 * @param tcp when a silent TCP peer counts as gone
 * @param handshakeTimeoutMillis how long a client may take from connecting to the end of the handshake; there is no
 *     limit afterwards, because an idle client is a normal client
 * @param drainTimeoutMillis how long {@link NbdServer#close} waits for requests in flight
 * @param requestsPerConnection requests of one connection in flight at a time; the next are not read before one ends
 * @param bytesPerConnection payload bytes of one connection in memory at a time; a single larger request is let in when
 *     nothing else is in flight
 * @param outboundBytes replies of one connection that its client has not taken yet; above it no request is begun
 * @param turnBytes how much one connection may do before the loop turns to the others
 * @param stallTimeoutMillis how long a client may sit on buffers without a byte of progress while others wait for them
 * @param unixSendBufferBytes SO_SNDBUF of unix sockets; the system's own default is small against large replies
 */
public record ServerOptions(
        int connectionsMax,
        int connectionsPerAddressMax,
        TcpLife tcp,
        long handshakeTimeoutMillis,
        long drainTimeoutMillis,
        int requestsPerConnection,
        long bytesPerConnection,
        int outboundBytes,
        int turnBytes,
        long stallTimeoutMillis,
        int unixSendBufferBytes) {

    /** What serves a machine with a few cores and up to a thousand clients. */
    public static final ServerOptions DEFAULT = new ServerOptions(
            1024, 256, TcpLife.DEFAULT, 10_000, 30_000, 128, 16 << 20, 1 << 20, 1 << 20, 30_000, 2 << 20);

    /** Refuses what cannot work. */
    public ServerOptions {
        if (connectionsMax < 1
                || connectionsPerAddressMax < 1
                || handshakeTimeoutMillis < 1
                || drainTimeoutMillis < 0
                || requestsPerConnection < 1
                || bytesPerConnection < 1
                || outboundBytes < 1
                || turnBytes < 1
                || stallTimeoutMillis < 1
                || unixSendBufferBytes < 1) {
            throw new IllegalArgumentException("limits must be at least 1");
        }
    }

    /** The same with another bound on connections. */
    public ServerOptions withConnectionsMax(int newConnectionsMax) {
        return with(draft -> draft.connectionsMax = newConnectionsMax);
    }

    /** The same with another bound on connections from one address. */
    public ServerOptions withConnectionsPerAddressMax(int newConnectionsMax) {
        return with(draft -> draft.connectionsPerAddressMax = newConnectionsMax);
    }

    /** The same with another end of silent TCP peers. */
    public ServerOptions withTcp(TcpLife newTcp) {
        return with(draft -> draft.tcp = newTcp);
    }

    /** The same with another handshake timeout. */
    public ServerOptions withHandshakeTimeoutMillis(long newTimeoutMillis) {
        return with(draft -> draft.handshakeTimeoutMillis = newTimeoutMillis);
    }

    /** The same with another drain timeout. */
    public ServerOptions withDrainTimeoutMillis(long newTimeoutMillis) {
        return with(draft -> draft.drainTimeoutMillis = newTimeoutMillis);
    }

    /** The same with another stall timeout. */
    public ServerOptions withStallTimeoutMillis(long newTimeoutMillis) {
        return with(draft -> draft.stallTimeoutMillis = newTimeoutMillis);
    }

    private ServerOptions with(Consumer<Draft> change) {
        Draft draft = new Draft(this);
        change.accept(draft);
        return draft.done();
    }

    /** All of it, to be changed in one place. */
    private static final class Draft {
        private int connectionsMax;
        private int connectionsPerAddressMax;
        private TcpLife tcp;
        private long handshakeTimeoutMillis;
        private long drainTimeoutMillis;
        private int requestsPerConnection;
        private long bytesPerConnection;
        private int outboundBytes;
        private int turnBytes;
        private long stallTimeoutMillis;
        private int unixSendBufferBytes;

        private Draft(ServerOptions from) {
            connectionsMax = from.connectionsMax;
            connectionsPerAddressMax = from.connectionsPerAddressMax;
            tcp = from.tcp;
            handshakeTimeoutMillis = from.handshakeTimeoutMillis;
            drainTimeoutMillis = from.drainTimeoutMillis;
            requestsPerConnection = from.requestsPerConnection;
            bytesPerConnection = from.bytesPerConnection;
            outboundBytes = from.outboundBytes;
            turnBytes = from.turnBytes;
            stallTimeoutMillis = from.stallTimeoutMillis;
            unixSendBufferBytes = from.unixSendBufferBytes;
        }

        private ServerOptions done() {
            return new ServerOptions(
                    connectionsMax,
                    connectionsPerAddressMax,
                    tcp,
                    handshakeTimeoutMillis,
                    drainTimeoutMillis,
                    requestsPerConnection,
                    bytesPerConnection,
                    outboundBytes,
                    turnBytes,
                    stallTimeoutMillis,
                    unixSendBufferBytes);
        }
    }
}
