package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.EpollServerSocketChannel;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the kernel says of the socket is asked of a real one. */
@Timeout(60)
class SendBufferTest {
    @ParameterizedTest
    @CsvSource({
        "127.0.0.1, 127.0.0.1, true",
        "127.0.0.9, 127.0.0.1, true",
        "::1, ::1, true",
        "192.0.2.7, 192.0.2.7, true",
        "192.0.2.8, 192.0.2.7, false",
        "2001:db8::1, 2001:db8::2, false"
    })
    void aClientIsHereIfItsAddressIsOurs(String remote, String local, boolean here) {
        assertEquals(
                here, SendBuffer.isHere(new InetSocketAddress(remote, 40_000), new InetSocketAddress(local, 10_809)));
    }

    @Test
    void isSmallForAClientOnThisMachine() throws Exception {
        CompletableFuture<Integer> chosen = new CompletableFuture<>();
        ChannelHandler choosing = new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel accepted) {
                SendBuffer.choose(accepted);
                chosen.complete(accepted.config().getOption(ChannelOption.SO_SNDBUF));
            }
        };
        try (ServerRig rig = new ServerRig()) {
            Channel listener = new ServerBootstrap()
                    .group(rig.loops.group())
                    .channel(EpollServerSocketChannel.class)
                    .childHandler(choosing)
                    .bind("127.0.0.1", 0)
                    .sync()
                    .channel();
            InetSocketAddress address = (InetSocketAddress) listener.localAddress();
            assertNotNull(address);
            try (Socket client = new Socket(address.getAddress(), address.getPort())) {
                assertTrue(client.isConnected());
                int bytes = chosen.get(30, TimeUnit.SECONDS);
                assertTrue(
                        bytes >= SendBuffer.SAME_MACHINE_BYTES && bytes <= 2 * SendBuffer.SAME_MACHINE_BYTES,
                        "SO_SNDBUF is " + bytes);
            }
            listener.close().sync();
        }
    }
}
