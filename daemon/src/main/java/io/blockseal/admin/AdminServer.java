package io.blockseal.admin;

import io.blockseal.server.TcpDoor;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.socket.SocketChannel;
import io.netty.handler.codec.http.HttpServerCodec;
import io.netty.handler.flow.FlowControlHandler;
import io.netty.handler.timeout.ReadTimeoutHandler;
import io.netty.handler.timeout.WriteTimeoutHandler;
import io.netty.util.concurrent.DefaultThreadFactory;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Serves a fixed set of pages over HTTP/1.1, to a bounded number of clients with bounded patience. One loop of its own,
 * so that a slow scrape never holds up guest data.
 */
public final class AdminServer implements AutoCloseable {
    private static final int CONNECTIONS_MAX = 32;
    private static final int LINE_BYTES_MAX = 2048;
    private static final int HEADER_BYTES_MAX = 8192;
    private static final int IDLE_SECONDS = 30;

    private final EventLoopGroup loop;
    private final ChannelGroup clients;
    private final Channel listener;

    private AdminServer(EventLoopGroup loop, ChannelGroup clients, Channel listener) {
        this.loop = loop;
        this.clients = clients;
        this.listener = listener;
    }

    /**
     * Listens and answers from now on.
     *
     * @param pages path to page
     * @throws IOException if the address cannot be had
     */
    public static AdminServer start(InetSocketAddress address, Map<String, AdminPage> pages) throws IOException {
        EventLoopGroup loop = new MultiThreadIoEventLoopGroup(
                1, new DefaultThreadFactory("admin", true), EpollIoHandler.newFactory());
        ChannelGroup clients = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
        Map<String, AdminPage> fixed = Map.copyOf(pages);
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(loop)
                .option(ChannelOption.SO_BACKLOG, CONNECTIONS_MAX)
                .option(ChannelOption.SO_REUSEADDR, true)
                .childHandler(new ChannelInitializer<SocketChannel>() {
                    @Override
                    protected void initChannel(SocketChannel channel) {
                        admit(channel, clients, fixed);
                    }
                });
        TcpDoor.choose(bootstrap, address.getAddress());
        try {
            return new AdminServer(loop, clients, bootstrap.bind(address).sync().channel());
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            stop(loop);
            throw new IOException("interrupted while binding " + address, interrupted);
        } catch (Exception refused) { // Netty throws the bind's checked exception undeclared.
            stop(loop);
            throw new IOException(refused.getMessage(), refused);
        }
    }

    private static void admit(SocketChannel channel, ChannelGroup clients, Map<String, AdminPage> pages) {
        if (clients.size() >= CONNECTIONS_MAX) {
            channel.close();
            return;
        }
        clients.add(channel);
        channel.pipeline()
                .addLast(new ReadTimeoutHandler(IDLE_SECONDS, TimeUnit.SECONDS))
                .addLast(new WriteTimeoutHandler(IDLE_SECONDS, TimeUnit.SECONDS))
                .addLast(new HttpServerCodec(LINE_BYTES_MAX, HEADER_BYTES_MAX, HEADER_BYTES_MAX))
                // Requests that came in one piece are handed on one by one as well, each when it may be read.
                .addLast(new FlowControlHandler())
                .addLast(new AdminHandler(pages));
    }

    /** Where it really listens, which tells the port if 0 was asked for. */
    public InetSocketAddress address() {
        return (InetSocketAddress) listener.localAddress();
    }

    /** Stops listening and cuts the clients off. */
    @Override
    public void close() {
        listener.close().awaitUninterruptibly();
        clients.close().awaitUninterruptibly();
        stop(loop);
    }

    private static void stop(EventLoopGroup loop) {
        loop.shutdownGracefully(0, 2, TimeUnit.SECONDS).awaitUninterruptibly();
    }
}
