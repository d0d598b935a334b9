package io.blockseal.server;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.epoll.EpollServerSocketChannel;
import io.netty.channel.socket.SocketProtocolFamily;
import io.netty.channel.unix.IntegerUnixChannelOption;
import java.net.Inet4Address;
import java.net.InetAddress;

/**
 * The kind of socket that listens on a TCP address: of IPv4 for {@code 0.0.0.0} and every other address of IPv4, and of IPv6
 * alone for {@code [::]} and the others. What is named is what is open, no more, and both may be named for one port.
 */
public final class TcpDoor {
    // Linux's numbers (ipv6(7)); Netty has no name for it, and would switch it off.
    private static final IntegerUnixChannelOption IPV6_ONLY = new IntegerUnixChannelOption("IPV6_V6ONLY", 41, 26);

    private TcpDoor() {}

    /** Has the bootstrap make it for that address. */
    public static void choose(ServerBootstrap bootstrap, InetAddress address) {
        if (address instanceof Inet4Address) {
            bootstrap.channelFactory(() -> new EpollServerSocketChannel(SocketProtocolFamily.INET));
        } else {
            bootstrap.channelFactory(() -> new EpollServerSocketChannel(SocketProtocolFamily.INET6));
            bootstrap.option(IPV6_ONLY, 1);
        }
    }
}
