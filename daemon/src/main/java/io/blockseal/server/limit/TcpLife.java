package io.blockseal.server.limit;

import io.netty.bootstrap.ServerBootstrap;
import io.netty.channel.ChannelOption;
import io.netty.channel.epoll.EpollChannelOption;

/**
 * When the system gives up a TCP connection whose peer has vanished without a word. A client that is there and has
 * nothing to say answers the probes by its kernel, and stays connected for as long as it likes.
 *
 * @param keepaliveSeconds after how long a silence the peer is probed; 0 for never
 * @param userTimeoutSeconds how long bytes that we sent may stay unacknowledged, or without room at the peer; 0 for as
 *     long as the system retries
 */
public record TcpLife(int keepaliveSeconds, int userTimeoutSeconds) {
    /** A peer that has vanished is noticed two minutes after its last word. */
    public static final TcpLife DEFAULT = new TcpLife(60, 120);

    private static final int PROBE_INTERVAL_SECONDS_MAX = 15;
    private static final int PROBE_COUNT = 4;
    /** The kernel takes no more than this for an idle time. */
    private static final int KEEPALIVE_SECONDS_MAX = 32_767;

    /** Refuses what the system would refuse for each connection. */
    public TcpLife {
        if (keepaliveSeconds < 0
                || keepaliveSeconds > KEEPALIVE_SECONDS_MAX
                || userTimeoutSeconds < 0
                || userTimeoutSeconds > Integer.MAX_VALUE / 1000) {
            throw new IllegalArgumentException(
                    "out of range: " + keepaliveSeconds + " s, " + userTimeoutSeconds + " s");
        }
    }

    /** All probes together take as long again as the silence before them, and no longer than a minute. */
    int probeIntervalSeconds() {
        return Math.min(PROBE_INTERVAL_SECONDS_MAX, Math.max(1, keepaliveSeconds / PROBE_COUNT));
    }

    /** Has every connection that the listener accepts live by it. */
    public void applyTo(ServerBootstrap listener) {
        listener.childOption(ChannelOption.SO_KEEPALIVE, keepaliveSeconds > 0);
        if (keepaliveSeconds > 0) {
            listener.childOption(EpollChannelOption.TCP_KEEPIDLE, keepaliveSeconds)
                    .childOption(EpollChannelOption.TCP_KEEPINTVL, probeIntervalSeconds())
                    .childOption(EpollChannelOption.TCP_KEEPCNT, PROBE_COUNT);
        }
        if (userTimeoutSeconds > 0) {
            listener.childOption(EpollChannelOption.TCP_USER_TIMEOUT, userTimeoutSeconds * 1000);
        }
    }
}
