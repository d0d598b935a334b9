package io.blockseal.control;

import io.blockseal.server.UnixSocketFile;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.channel.unix.PeerCredentials;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.timeout.WriteTimeoutHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Listens on the control socket and lets in whom it knows: root, the user that the daemon runs as, and users named in the
 * configuration. Who is at the other end the kernel tells (SO_PEERCRED), once, when the connection is made. One loop of its
 * own; nothing on it blocks.
 */
public final class ControlServer implements AutoCloseable {
    /** Tells who is at the other end. */
    @FunctionalInterface
    interface Peers {
        Caller of(Channel channel) throws IOException;
    }

    private static final Logger LOG = LoggerFactory.getLogger(ControlServer.class);
    private static final int CONNECTIONS_MAX = 32;
    private static final int LINE_BYTES_MAX = 2048;
    private static final int HEADER_BYTES_MAX = 8192;

    private final EventLoopGroup loop;
    private final ChannelGroup clients;
    private final UnixSocketFile file;
    private final Channel listener;

    private ControlServer(EventLoopGroup loop, ChannelGroup clients, UnixSocketFile file, Channel listener) {
        this.loop = loop;
        this.clients = clients;
        this.file = file;
        this.listener = listener;
    }

    /**
     * Listens, and answers from now on.
     *
     * @param ownUid the user that the daemon runs as
     * @param otherUids others that are let in; the socket file is then open to all, and the kernel's word decides
     * @throws IOException if somebody listens there already, or the place cannot be used
     */
    public static ControlServer start(Path path, int ownUid, Set<Integer> otherUids, ControlTarget target)
            throws IOException {
        return start(path, ownUid, otherUids, target, ControlServer::peerOf, ControlHandler.PATIENCE_MILLIS);
    }

    static ControlServer start(
            Path path, int ownUid, Set<Integer> otherUids, ControlTarget target, Peers peers, long patienceMillis)
            throws IOException {
        UnixSocketFile file = new UnixSocketFile(
                path, PosixFilePermissions.fromString(otherUids.isEmpty() ? "rw-------" : "rw-rw-rw-"));
        file.requireFree();
        EventLoopGroup loop = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("control", true), EpollIoHandler.newFactory());
        ChannelGroup clients = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loop)
                .channel(EpollServerDomainSocketChannel.class)
                .childHandler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        Caller caller = admitted(channel, clients, ownUid, otherUids, target, peers);
                        if (caller != null) {
                            serve(channel, caller, target, patienceMillis);
                        } else {
                            channel.close();
                        }
                    }
                });
        ChannelFuture bound = bootstrap
                .bind(new DomainSocketAddress(file.temporaryPath().toFile()))
                .awaitUninterruptibly();
        boolean listening = false;
        try {
            Throwable cause = bound.cause();
            if (cause != null) {
                throw new IOException(cause.getMessage(), cause);
            }
            file.putInPlace();
            listening = true;
            return new ControlServer(loop, clients, file, bound.channel());
        } finally {
            if (!listening) {
                stop(loop);
            }
        }
    }

    private static Caller peerOf(Channel channel) throws IOException {
        PeerCredentials peer = ((EpollDomainSocketChannel) channel).peerCredentials();
        return new Caller(peer.uid(), peer.pid());
    }

    private static @Nullable Caller admitted(
            Channel channel,
            ChannelGroup clients,
            int ownUid,
            Set<Integer> otherUids,
            ControlTarget target,
            Peers peers) {
        if (clients.size() >= CONNECTIONS_MAX) {
            LOG.debug("refused a connection: {} are open", CONNECTIONS_MAX);
            return null;
        }
        try {
            Caller caller = peers.of(channel);
            if (caller.isRootOr(ownUid) || otherUids.contains(caller.uid())) {
                clients.add(channel);
                return caller;
            }
            target.audit(caller, false, "connect");
            LOG.warn(
                    "user {} (process {}) may not use the control socket; name it in control-uids if it should",
                    caller.uid(),
                    caller.pid());
        } catch (IOException unknown) {
            LOG.warn("a connection to the control socket was cut off: the kernel does not say whose it is", unknown);
        }
        return null;
    }

    private static void serve(Channel channel, Caller caller, ControlTarget target, long patienceMillis) {
        channel.pipeline()
                .addLast(new WriteTimeoutHandler(patienceMillis, TimeUnit.MILLISECONDS))
                .addLast(new HttpServerCodec(LINE_BYTES_MAX, HEADER_BYTES_MAX, HEADER_BYTES_MAX))
                // Requests that came in one piece are handed on one by one, each when it may be read.
                .addLast(new FlowControlHandler())
                .addLast(new ControlHandler(caller, target, patienceMillis));
    }

    /** Stops listening, removes the socket and cuts the clients off. */
    @Override
    public void close() {
        listener.close().awaitUninterruptibly();
        clients.close().awaitUninterruptibly();
        stop(loop);
        try {
            file.remove();
        } catch (IOException e) {
            LOG.warn("could not remove the socket file {}: {}", file.path(), e.getMessage());
        }
    }

    private static void stop(EventLoopGroup loop) {
        loop.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
