package io.blockseal.server;

import io.blockseal.export.ExportOffer;
import io.blockseal.export.ExportRegistry;
import io.blockseal.metrics.ConnectionRefusal;
import io.blockseal.metrics.RefusalFigures;
import io.blockseal.server.limit.AddressQuota;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.PooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.WriteBufferWaterMark;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves the exports of a registry to NBD clients on unix sockets and TCP.
 *
 * <p>Start it by its constructor, open listeners, and close it before the devices behind the exports are closed. The
 * loops belong to the caller. Methods are for one thread, the one that owns the server, unless they say otherwise.
 */
public final class NbdServer implements AutoCloseable {
    /** Only the owner may connect to a unix socket, unless said otherwise. */
    public static final Set<PosixFilePermission> UNIX_PERMISSIONS_DEFAULT =
            Set.copyOf(PosixFilePermissions.fromString("rw-------"));

    private static final Logger LOG = LoggerFactory.getLogger(NbdServer.class);
    private static final int BACKLOG = 1024;
    /** What loops get to answer, and connections to close, even where requests in flight get no time at all. */
    private static final long ANSWER_MILLIS_MIN = 1000;

    private final IoLoops loops;
    private final ExportRegistry exports;
    private final ServerOptions options;
    private final ConnectionWatch watch;
    private final RefusalFigures refusals;
    private final RefusalNews refusalNews;
    private final ConnectionTable connections;
    private final AddressQuota addresses;
    private volatile Drain ending = Drain.REFUSING;
    private final List<Channel> listeners = new ArrayList<>();
    private final List<UnixSocketFile> socketFiles = new ArrayList<>();

    // Replies without data, the handshake, and what TLS turns data into and makes them from; without TLS guest data
    // never lie here. Small chunks, few arenas; those on the heap are for TLS and take nothing without it.
    private final PooledByteBufAllocator allocator = new PooledByteBufAllocator(true, 2, 2, 8192, 6, 256, 64, true);

    /** A server without listeners. */
    public NbdServer(IoLoops loops, ExportRegistry exports, ServerOptions options) {
        this(loops, exports, options, ConnectionWatch.NOBODY);
    }

    /** Likewise, and {@code watch} is told who comes and goes. */
    public NbdServer(IoLoops loops, ExportRegistry exports, ServerOptions options, ConnectionWatch watch) {
        this(loops, exports, options, watch, new RefusalFigures());
    }

    /** Likewise, and {@code refusals} counts those for whom there is no place, or none any more. */
    public NbdServer(
            IoLoops loops,
            ExportRegistry exports,
            ServerOptions options,
            ConnectionWatch watch,
            RefusalFigures refusals) {
        this.loops = loops;
        this.exports = exports;
        this.options = options;
        this.watch = watch;
        this.refusals = refusals;
        this.refusalNews = new RefusalNews(options);
        this.connections = new ConnectionTable(options.connectionsMax());
        this.addresses = new AddressQuota(options.connectionsPerAddressMax());
    }

    /**
     * Listens on a unix socket, replacing the file of a dead daemon.
     *
     * @param permissions rights of the socket file; to connect one needs the right to write
     * @param protection whether there is TLS
     * @throws IOException if somebody listens there already, or the place cannot be used
     */
    public void listenUnix(Path path, Set<PosixFilePermission> permissions, Protection protection) throws IOException {
        UnixSocketFile file = new UnixSocketFile(path, permissions);
        file.requireFree();
        SocketAddress address = new DomainSocketAddress(file.temporaryPath().toFile());
        begin(bootstrap(false, protection)
                .channel(EpollServerDomainSocketChannel.class)
                .bind(address));
        file.putInPlace();
        socketFiles.add(file);
        LOG.info("listening on unix socket {} tls={}", file.path(), protection.mode());
    }

    /** Likewise, without TLS. */
    public void listenUnix(Path path, Set<PosixFilePermission> permissions) throws IOException {
        listenUnix(path, permissions, Protection.NONE);
    }

    /** Likewise, without TLS and for the owner alone. */
    public void listenUnix(Path path) throws IOException {
        listenUnix(path, UNIX_PERMISSIONS_DEFAULT, Protection.NONE);
    }

    /**
     * Listens on TCP, on that address alone: {@code 0.0.0.0} is every address of IPv4, {@code [::]} every one of IPv6.
     * Without TLS anything but a loopback address lets the network read along.
     *
     * @return the address, with the port that the system chose if 0 was asked for
     * @throws IOException if the address cannot be had; its cause is what the system said
     */
    public InetSocketAddress listenTcp(InetSocketAddress address, Protection protection) throws IOException {
        ServerBootstrap bootstrap = bootstrap(true, protection);
        TcpDoor.choose(bootstrap, address.getAddress());
        InetSocketAddress bound =
                (InetSocketAddress) begin(bootstrap.bind(address)).localAddress();
        LOG.info("listening on tcp {} tls={}", NetUtil.toSocketAddressString(bound), protection.mode());
        return bound;
    }

    /** Likewise, without TLS. */
    public InetSocketAddress listenTcp(InetSocketAddress address) throws IOException {
        return listenTcp(address, Protection.NONE);
    }

    /** Serves on a TCP socket that listens already, on that address; it belongs to the server from now on. */
    public void listenTcp(int descriptor, InetSocketAddress address, Protection protection) throws IOException {
        ServerBootstrap bootstrap = bootstrap(true, protection);
        bootstrap.channelFactory(() -> new EpollServerSocketChannel(descriptor));
        acceptAt(begin(bootstrap.register()));
        LOG.info("listening on inherited tcp {} tls={}", NetUtil.toSocketAddressString(address), protection.mode());
    }

    /** Likewise on a unix socket, whose file stays when the server closes: it is whoever made it that removes it. */
    public void listenUnix(int descriptor, String path, Protection protection) throws IOException {
        ServerBootstrap bootstrap = bootstrap(false, protection);
        bootstrap.channelFactory(() -> new EpollServerDomainSocketChannel(descriptor));
        acceptAt(begin(bootstrap.register()));
        LOG.info("listening on inherited unix socket {} tls={}", path, protection.mode());
    }

    private ServerBootstrap bootstrap(boolean tcp, Protection protection) {
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loops.group())
                .option(ChannelOption.SO_BACKLOG, BACKLOG)
                .childOption(ChannelOption.ALLOCATOR, allocator)
                .childOption(ChannelOption.MESSAGE_SIZE_ESTIMATOR, new OccupiedBytes())
                .childOption(
                        ChannelOption.WRITE_BUFFER_WATER_MARK,
                        new WriteBufferWaterMark(options.outboundBytes() / 2, options.outboundBytes()));
        if (tcp) {
            bootstrap.option(ChannelOption.SO_REUSEADDR, true);
            // Buffers are left to the system: setting them switches its autotuning off. For an exception see
            // SendBuffer.
            bootstrap.childOption(ChannelOption.TCP_NODELAY, true);
            options.tcp().applyTo(bootstrap);
        } else {
            bootstrap.childOption(ChannelOption.SO_SNDBUF, options.unixSendBufferBytes());
        }
        bootstrap.childHandler(new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel channel) {
                accept(channel, protection);
            }
        });
        return bootstrap;
    }

    /** Netty does that by itself when it has bound the socket, and takes one that it was given for one that is not bound. */
    private static void acceptAt(Channel inherited) {
        inherited.read();
    }

    private Channel begin(ChannelFuture begun) throws IOException {
        ChannelFuture bound = begun.awaitUninterruptibly();
        Throwable cause = bound.cause();
        if (cause != null) {
            throw new IOException(cause.getMessage(), cause);
        }
        listeners.add(bound.channel());
        return bound.channel();
    }

    private void accept(Channel channel, Protection protection) {
        ConnectionRefusal refusal = takePlace(channel);
        if (refusal != null) {
            refusals.count(refusal);
            if (!connections.isClosed()) {
                refusalNews.tell(refusal, channel.remoteAddress());
            }
            Drain.closeNow(channel);
            return;
        }
        Connection connection =
                new Connection(channel, loops.of(channel.eventLoop()), options, connections, watch, refusals);
        connections.add(connection);
        channel.config().setRecvByteBufAllocator(connection.receive());
        channel.pipeline().addLast(new HandshakeHandler(connection, exports, protection));
        SendBuffer.choose(channel);
    }

    private @Nullable ConnectionRefusal takePlace(Channel channel) {
        if (watch.isBehind()) {
            return ConnectionRefusal.AUDIT;
        }
        InetAddress from = channel.remoteAddress() instanceof InetSocketAddress address ? address.getAddress() : null;
        if (from != null) {
            if (!addresses.take(from)) {
                return ConnectionRefusal.ADDRESS;
            }
            channel.closeFuture().addListener(closed -> addresses.giveBack(from));
        }
        return connections.takePlace() ? null : ConnectionRefusal.OVERALL;
    }

    /** How many connections are open now. From any thread. */
    public int connectionCount() {
        return connections.count();
    }

    /**
     * From now on {@link #close} leaves requests that are not begun unread, and those that a frozen device keeps waiting
     * unanswered: clients that connect again, to whoever serves the exports next, send them again. From any thread.
     */
    public void closeForReturn() {
        ending = Drain.FOR_RETURN;
    }

    /**
     * Accepts nobody any more, lets requests in flight end, answers new ones, and those that a frozen device keeps waiting,
     * with ESHUTDOWN (but see {@link #closeForReturn}) and closes all connections, by force when
     * {@link ServerOptions#drainTimeoutMillis} is over. When it returns, no connection uses a device.
     */
    @Override
    public void close() {
        connections.close();
        for (Channel listener : listeners) {
            listener.close().awaitUninterruptibly();
        }
        for (UnixSocketFile file : socketFiles) {
            try {
                file.remove();
            } catch (IOException e) {
                LOG.warn("could not remove the socket file {}: {}", file.path(), e.getMessage());
            }
        }
        try {
            drain();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            connections.all().forEach(connection -> Drain.closeNow(connection.channel()));
        }
    }

    private void drain() throws InterruptedException {
        for (Connection connection : connections.all()) {
            connection.loop().execute(() -> begin(ending, connection));
        }
        if (connections.awaitEmpty(options.drainTimeoutMillis())) {
            return;
        }
        LOG.warn("closing {} connections that did not end in time", connections.count());
        for (Connection connection : connections.all()) {
            Drain.closeNow(connection.channel());
        }
        if (!connections.awaitEmpty(answerMillis())) {
            LOG.warn("{} connections still have requests at their devices", connections.count());
        }
    }

    private long answerMillis() {
        return Math.max(options.drainTimeoutMillis(), ANSWER_MILLIS_MIN);
    }

    private static void begin(Drain how, Connection connection) {
        connection.channel().pipeline().fireUserEventTriggered(how);
    }

    /**
     * Sends away the clients of an export that the registry offers no longer, as {@link #close} does with all: lets
     * requests in flight end, answers new ones with ESHUTDOWN and closes the connections. From any thread but a loop's.
     *
     * @param forReturn whether it is offered again soon: requests that are not begun are left unread, as by
     *     {@link #closeForReturn}
     * @return whether none of them uses the export's device any more
     */
    public boolean dismiss(String exportName, boolean forReturn) {
        return dismiss(exportName, forReturn ? Drain.FOR_RETURN : Drain.REFUSING, everybody -> true);
    }

    /**
     * Likewise, those only who may not any more do what they came for, because the registry says other things of the export
     * than before: who may not open it now, or has it for writing and may only read.
     */
    public boolean dismissUnentitled(String exportName) {
        return dismiss(exportName, Drain.REFUSING, connection -> {
            ExportOffer.Offered now = exports.offerTo(connection.caller()).find(exportName);
            return now == null || (now.readOnly() && !connection.isReadOnly());
        });
    }

    private boolean dismiss(String exportName, Drain how, Predicate<Connection> whom) {
        Set<Connection> theirs = ConcurrentHashMap.newKeySet();
        AtomicBoolean givenUp = new AtomicBoolean();
        AtomicBoolean undecided = new AtomicBoolean();
        try {
            // Whoever was opening it when it was withdrawn has done so by the time its loop comes to this.
            List<Connection> all = new ArrayList<>();
            connections.all().forEach(all::add);
            CountDownLatch asked = new CountDownLatch(all.size());
            for (Connection connection : all) {
                connection.loop().execute(() -> {
                    try {
                        if (!givenUp.get() && connection.hasOpened(exportName) && whom.test(connection)) {
                            theirs.add(connection);
                            begin(how, connection);
                        }
                    } catch (RuntimeException defect) {
                        LOG.error("export={}: a client could not be sent away", exportName, defect);
                        undecided.set(true);
                    } finally {
                        asked.countDown();
                    }
                });
            }
            if (!asked.await(answerMillis(), TimeUnit.MILLISECONDS)) {
                // A loop that comes to it later leaves its clients alone.
                givenUp.set(true);
                return false;
            }
            LOG.info("export={} connections={}: its clients are sent away", exportName, theirs.size());
            if (connections.awaitGone(theirs, options.drainTimeoutMillis())) {
                return !undecided.get();
            }
            theirs.forEach(connection -> Drain.closeNow(connection.channel()));
            return connections.awaitGone(theirs, answerMillis()) && !undecided.get();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
        }
    }
}
