package io.blockseal.server.limit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.epoll.EpollSocketChannel;
import io.netty.channel.epoll.EpollSocketChannelConfig;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What the system was really told of an accepted connection. */
@Timeout(60)
class TcpLifeTest {
    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());

    @AfterEach
    void stop() {
        group.shutdownGracefully(0, 10, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    @Test
    void aPeerThatVanishedIsNoticedByDefault() throws Exception {
        accept(TcpLife.DEFAULT, accepted -> {
            assertTrue(accepted.isKeepAlive());
            assertEquals(60, accepted.getTcpKeepIdle());
            assertEquals(15, accepted.getTcpKeepIntvl());
            assertEquals(4, accepted.getTcpKeepCnt());
            assertEquals(120_000, accepted.getTcpUserTimeout());
        });
    }

    @Test
    void zeroSwitchesBothOff() throws Exception {
        accept(new TcpLife(0, 0), accepted -> {
            assertFalse(accepted.isKeepAlive());
            assertEquals(0, accepted.getTcpUserTimeout());
        });
    }

    @Test
    void whatTheSystemWouldRefuseIsRefusedAtOnce() throws Exception {
        assertThrows(IllegalArgumentException.class, () -> new TcpLife(32_768, 0));
        assertThrows(IllegalArgumentException.class, () -> new TcpLife(0, -1));
        accept(new TcpLife(32_767, 86_400), accepted -> {
            assertEquals(32_767, accepted.getTcpKeepIdle());
            assertEquals(86_400_000, accepted.getTcpUserTimeout());
        });
    }

    private void accept(TcpLife life, Consumer<EpollSocketChannelConfig> check) throws Exception {
        CompletableFuture<EpollSocketChannel> accepted = new CompletableFuture<>();
        ServerBootstrap bootstrap = new ServerBootstrap()
                .group(group)
                .channel(EpollServerSocketChannel.class)
                .childHandler(new ChannelInitializer<EpollSocketChannel>() {
                    @Override
                    protected void initChannel(EpollSocketChannel channel) {
                        accepted.complete(channel);
                    }
                });
        life.applyTo(bootstrap);
        Channel listener =
                bootstrap.bind(InetAddress.getLoopbackAddress(), 0).sync().channel();
        InetSocketAddress address = (InetSocketAddress) listener.localAddress();
        try (Socket client = new Socket(address.getAddress(), address.getPort())) {
            assertTrue(client.isConnected());
            check.accept(accepted.get(30, TimeUnit.SECONDS).config());
        }
    }
}
