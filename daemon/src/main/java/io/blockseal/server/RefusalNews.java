package io.blockseal.server;

import io.blockseal.metrics.ConnectionRefusal;
import io.blockseal.metrics.Recurrence;
import io.netty.util.NetUtil;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Has the log say that connections are closed at the door, since whoever is refused hears nothing: of each limit the first,
 * and then at most one line a minute. From any thread.
 */
final class RefusalNews {
    private static final Logger LOG = LoggerFactory.getLogger(RefusalNews.class);

    private final ServerOptions options;
    /** By the ordinal of the limit. */
    private final Recurrence[] refused = new Recurrence[ConnectionRefusal.values().length];

    RefusalNews(ServerOptions options) {
        this.options = options;
        Arrays.setAll(refused, limit -> new Recurrence(System::nanoTime));
    }

    /** One from {@code remote} is refused. */
    void tell(ConnectionRefusal limit, @Nullable SocketAddress remote) {
        long count = refused[limit.ordinal()].count();
        if (count > 0) {
            LOG.warn(
                    "limit={} refused={} last={}: connections are closed as soon as they are accepted: {}",
                    limit.word(),
                    count,
                    remote instanceof InetSocketAddress address
                            ? NetUtil.toAddressString(address.getAddress())
                            : "unix",
                    why(limit));
        }
    }

    private String why(ConnectionRefusal limit) {
        return switch (limit) {
            case OVERALL -> options.connectionsMax() + " are open, as many as max-connections allows";
            case ADDRESS ->
                options.connectionsPerAddressMax()
                        + " are open from its address, as many as max-connections-per-address allows";
            case AUDIT -> "the audit log is not written, and too much waits for it already";
        };
    }
}
