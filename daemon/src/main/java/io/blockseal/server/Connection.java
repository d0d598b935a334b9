package io.blockseal.server;

import io.blockseal.export.ExportClients;
import io.netty.channel.Channel;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.PeerCredentials;
import java.io.IOException;
import java.net.SocketAddress;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client's connection from accept to the last buffer given back: what its handlers share, and what is said about it in
 * the log.
 */
final class Connection {
    private static final Logger LOG = LoggerFactory.getLogger(NbdServer.class);

    private final Channel channel;
    private final NettyIoLoop loop;
    private final ServerOptions options;
    private final ConnectionTable table;
    private final ReceiveBuffer receive;
    private final String peer;
    private String exportName = "";
    private @Nullable ExportClients clients;

    Connection(Channel channel, NettyIoLoop loop, ServerOptions options, ConnectionTable table) {
        this.channel = channel;
        this.loop = loop;
        this.options = options;
        this.table = table;
        this.receive = new ReceiveBuffer(loop.receiveBuffers());
        this.peer = describePeer(channel);
    }

    private static String describePeer(Channel channel) {
        if (channel instanceof EpollDomainSocketChannel domain) {
            try {
                PeerCredentials credentials = domain.peerCredentials();
                return "unix:pid=" + credentials.pid() + ",uid=" + credentials.uid();
            } catch (IOException e) {
                return "unix";
            }
        }
        SocketAddress address = channel.remoteAddress();
        return address == null ? "gone" : address.toString();
    }

    Channel channel() {
        return channel;
    }

    NettyIoLoop loop() {
        return loop;
    }

    ServerOptions options() {
        return options;
    }

    ReceiveBuffer receive() {
        return receive;
    }

    /** Whether it has opened that export. On its loop. */
    boolean hasOpened(String export) {
        return exportName.equals(export);
    }

    /** Opens the export, until the connection has ended; why it may not, or null. */
    @Nullable
    String enter(ExportClients opened) {
        String refusal = opened.enter();
        if (refusal == null) {
            clients = opened;
        }
        return refusal;
    }

    /** What was entered could not be opened after all. */
    void leave() {
        ExportClients entered = clients;
        clients = null;
        if (entered != null) {
            entered.leave();
        }
    }

    void logConnected() {
        LOG.debug("peer={} loop={}: connected", peer, loop.index());
    }

    void logOpened(String export, String style, boolean readOnly) {
        exportName = export;
        LOG.info("peer={} export={} style={} readOnly={}: opened", peer, export, style, readOnly);
    }

    void logRefused(String export, String reason) {
        LOG.warn("peer={} export={}: could not be opened: {}", peer, export, reason);
    }

    /** The client broke a rule that leaves no way to go on. */
    void logViolation(String rule) {
        LOG.info("peer={} export={}: closing, {}", peer, exportName, rule);
    }

    void logBroken(Throwable cause) {
        if (cause instanceof IOException) {
            LOG.debug("peer={} export={}: connection lost: {}", peer, exportName, cause.getMessage());
        } else {
            LOG.error("peer={} export={}: closing after an internal error", peer, exportName, cause);
        }
    }

    /** Everything that the connection had has been given back. */
    void ended() {
        leave();
        receive.close();
        if (exportName.isEmpty()) {
            LOG.debug("peer={}: closed", peer);
        } else {
            LOG.info("peer={} export={}: closed", peer, exportName);
        }
        table.remove(this);
    }
}
