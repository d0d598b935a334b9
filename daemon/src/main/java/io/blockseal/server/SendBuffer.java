package io.blockseal.server;

import io.netty.channel.Channel;
import io.netty.channel.ChannelOption;
import java.net.InetSocketAddress;

/**
 * How much of what we send over TCP the system holds until the client has taken it. For a client elsewhere the system finds
 * out what is right, by how far and how fast it is. For a client on this machine it comes to hold megabytes, although
 * nothing is on its way, and they are out of the processor's cache when the client copies them.
 */
final class SendBuffer {
    /** For a client on this machine; the kernel doubles it. */
    static final int SAME_MACHINE_BYTES = 128 << 10;

    private SendBuffer() {}

    /** Chooses it for a connection that has just been accepted. On any thread. */
    static void choose(Channel channel) {
        if (channel.remoteAddress() instanceof InetSocketAddress remote
                && channel.localAddress() instanceof InetSocketAddress local
                && isHere(remote, local)) {
            channel.config().setOption(ChannelOption.SO_SNDBUF, SAME_MACHINE_BYTES);
        }
    }

    /** Whether a connection between these two does not leave the machine. */
    static boolean isHere(InetSocketAddress remote, InetSocketAddress local) {
        return remote.getAddress().isLoopbackAddress() || remote.getAddress().equals(local.getAddress());
    }
}
