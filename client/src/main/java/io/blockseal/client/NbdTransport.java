package io.blockseal.client;

import io.blockseal.nbd.NbdUri;
import io.netty.bootstrap.Bootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.Epoll;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioDomainSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The event loops on which clients live, and the sockets that suit them: epoll where it is available, NIO elsewhere.
 *
 * <p>Share one among many clients; close it after them.
 */
public final class NbdTransport implements AutoCloseable {
    private final EventLoopGroup loops;
    private final boolean epoll;

    private NbdTransport(EventLoopGroup loops, boolean epoll) {
        this.loops = loops;
        this.epoll = epoll;
    }

    /** Starts that many loops on daemon threads. */
    public static NbdTransport open(int threads) {
        return Epoll.isAvailable() ? openEpoll(threads) : openNio(threads);
    }

    /** Starts loops on NIO even where epoll is available. */
    public static NbdTransport openNio(int threads) {
        return new NbdTransport(new MultiThreadIoEventLoopGroup(threads, named(), NioIoHandler.newFactory()), false);
    }

    private static NbdTransport openEpoll(int threads) {
        return new NbdTransport(new MultiThreadIoEventLoopGroup(threads, named(), EpollIoHandler.newFactory()), true);
    }

    private static DefaultThreadFactory named() {
        return new DefaultThreadFactory("nbd-client", true);
    }

    ChannelFuture connect(NbdUri uri, long timeoutMillis, ChannelHandler first) {
        Bootstrap bootstrap = new Bootstrap()
                .group(loops)
                .channel(channelClass(uri))
                .option(ChannelOption.CONNECT_TIMEOUT_MILLIS, (int) Math.min(timeoutMillis, Integer.MAX_VALUE))
                .handler(first);
        if (!uri.isUnix()) {
            bootstrap.option(ChannelOption.TCP_NODELAY, true).option(ChannelOption.SO_KEEPALIVE, true);
        }
        return bootstrap.connect(address(uri));
    }

    private Class<? extends Channel> channelClass(NbdUri uri) {
        if (uri.isUnix()) {
            return epoll ? EpollDomainSocketChannel.class : NioDomainSocketChannel.class;
        }
        return epoll ? EpollSocketChannel.class : NioSocketChannel.class;
    }

    private SocketAddress address(NbdUri uri) {
        @Nullable String socketPath = uri.socketPath();
        @Nullable String host = uri.host();
        if (socketPath != null) {
            return epoll ? new DomainSocketAddress(socketPath) : UnixDomainSocketAddress.of(socketPath);
        }
        if (host == null) {
            throw new IllegalStateException("an address has a host or a socket");
        }
        return InetSocketAddress.createUnresolved(host, uri.port());
    }

    /** Stops the loops; clients that still live lose their connections. */
    @Override
    public void close() {
        loops.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
