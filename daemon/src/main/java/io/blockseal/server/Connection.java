package io.blockseal.server;

import io.blockseal.export.Caller;
import io.blockseal.export.ClientIdentity;
import io.blockseal.export.ExportClients;
import io.blockseal.export.UnixPeer;
import io.blockseal.metrics.CutOff;
import io.blockseal.metrics.RefusalFigures;
import io.blockseal.metrics.TlsBreach;
import io.blockseal.metrics.TlsFailure;
import io.blockseal.metrics.TlsFigures;
import io.blockseal.server.tls.TlsOutcome;
import io.netty.channel.Channel;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.Errors.NativeIoException;
import io.netty.channel.unix.PeerCredentials;
import io.netty.handler.codec.DecoderException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A client's connection from accept to the last buffer given back: what its handlers share, and what is said about it in
 * the log.
 */
final class Connection {
    private static final Logger LOG = LoggerFactory.getLogger(NbdServer.class);
    /** Of Linux, in the way in which Netty has error numbers. */
    private static final int ETIMEDOUT_NEGATIVE = -110;

    private final Channel channel;
    private final NettyIoLoop loop;
    private final ServerOptions options;
    private final ConnectionTable table;
    private final ReceiveBuffer receive;
    private final ConnectionWatch watch;
    private final String peer;
    private Caller caller;
    private String tls = "none";
    private String exportName = "";
    private ConnectionWatch.@Nullable Visit visit;
    private @Nullable ExportClients clients;
    /** Where it is counted how it ends; null without TLS, and once that is done. */
    private @Nullable TlsFigures figures;
    /** Where it is counted which limit ends it; null once that is done. */
    private @Nullable RefusalFigures limits;

    private final Set<String> withheld = new HashSet<>();

    Connection(
            Channel channel,
            NettyIoLoop loop,
            ServerOptions options,
            ConnectionTable table,
            ConnectionWatch watch,
            RefusalFigures limits) {
        this.channel = channel;
        this.loop = loop;
        this.options = options;
        this.table = table;
        this.watch = watch;
        this.limits = limits;
        this.receive = new ReceiveBuffer(loop.receiveBuffers());
        PeerCredentials process =
                channel instanceof EpollDomainSocketChannel domain ? PeerProcess.credentials(domain) : null;
        this.peer = describePeer(channel, process);
        this.caller = callerAt(channel, process);
    }

    private static String describePeer(Channel channel, @Nullable PeerCredentials process) {
        if (channel instanceof EpollDomainSocketChannel) {
            return process == null ? "unix" : "unix:pid=" + process.pid() + ",uid=" + process.uid();
        }
        SocketAddress address = channel.remoteAddress();
        return address == null ? "gone" : address.toString();
    }

    private static Caller callerAt(Channel channel, @Nullable PeerCredentials process) {
        UnixPeer unix = channel instanceof EpollDomainSocketChannel domain && process != null
                ? PeerProcess.peer(domain, process)
                : null;
        InetAddress from = channel.remoteAddress() instanceof InetSocketAddress address ? address.getAddress() : null;
        return new Caller(ClientIdentity.ANONYMOUS, unix, from);
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

    /** Who is at the other end: changes when TLS is there, and never again. On its loop. */
    Caller caller() {
        return caller;
    }

    /** Whether TLS protects it. On its loop. */
    boolean isSecured() {
        return !tls.equals("none");
    }

    /** TLS protects it from now on; {@code tlsFigures} hear if what comes over it is what ends it. */
    void secured(TlsOutcome.Secured outcome, TlsFigures tlsFigures) {
        figures = tlsFigures;
        ClientIdentity client = outcome.client();
        caller = caller.as(client);
        tls = outcome.version();
        LOG.info(
                "peer={} tls={} cipher={} proof={} {} names=\"{}\": secured",
                peer,
                tls,
                outcome.cipher(),
                client.proof(),
                client.logged(),
                ClientIdentity.printable(client.alternativesText()));
    }

    /** Whether it has opened that export. On its loop. */
    boolean hasOpened(String export) {
        return exportName.equals(export);
    }

    /** Whether it may not write to what it has opened. On its loop. */
    boolean isReadOnly() {
        ConnectionWatch.Visit present = visit;
        return present != null && present.readOnly();
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
        LOG.info(
                "peer={} export={} style={} readOnly={} tls={} {}: opened",
                peer,
                export,
                style,
                readOnly,
                tls,
                caller.identity().logged());
        ConnectionWatch.Visit begun = new ConnectionWatch.Visit(export, peer, caller.identity(), tls, readOnly);
        visit = begun;
        watch.opened(begun);
    }

    /** It asked for an export that is kept from it. Told once for each, however often it asks. */
    void refused(String export) {
        if (withheld.add(export)) {
            watch.refused(new ConnectionWatch.Visit(export, peer, caller.identity(), tls, true));
        }
    }

    /** The client asked for TLS, and it did not come about. */
    void logUnsecured(TlsFailure reason, String detail) {
        LOG.info("peer={} reason={}: closing, no TLS came about: {}", peer, reason.word(), detail);
    }

    void logRefused(String export, String reason) {
        LOG.warn("peer={} export={}: could not be opened: {}", peer, export, reason);
    }

    /** The client broke a rule that leaves no way to go on. */
    void logViolation(String rule) {
        LOG.info("peer={} export={}: closing, {}", peer, exportName, rule);
    }

    /** It is being closed for what came over TLS. */
    void logBreach(TlsBreach reason) {
        LOG.info("peer={} export={} reason={}: closing, for what came over TLS", peer, exportName, reason.word());
        countBreach(reason);
    }

    private void countBreach(TlsBreach reason) {
        TlsFigures counting = figures;
        figures = null;
        if (counting != null) {
            counting.countBreach(reason);
        }
    }

    /** A limit ends it. Only the first is counted: it is the reason. */
    void countCutOff(CutOff limit) {
        RefusalFigures counting = limits;
        limits = null;
        if (counting != null) {
            counting.count(limit);
        }
    }

    void logBroken(Throwable cause) {
        if (cause instanceof NativeIoException failed && failed.expectedErr() == ETIMEDOUT_NEGATIVE) {
            countCutOff(CutOff.UNREACHABLE);
        }
        if (cause instanceof DecoderException && cause.getCause() != null) {
            countBreach(TlsBreach.OTHER);
            // Its words may be what the client sent.
            String broken = cause.getCause().getClass().getSimpleName();
            LOG.info("peer={} export={}: closing, TLS is broken: {}", peer, exportName, broken);
        } else if (cause instanceof IOException) {
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
        ConnectionWatch.Visit over = visit;
        visit = null;
        if (over != null) {
            watch.closed(over);
        }
        table.remove(this);
    }
}
