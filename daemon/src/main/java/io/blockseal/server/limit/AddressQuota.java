package io.blockseal.server.limit;

import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Counts connections by where they come from, so that one host cannot take all places. An IPv6 address counts with its
 * /64, since a single host may have all addresses of it; an IPv4 address written in IPv6 counts as the IPv4 address.
 * From any thread; who has no connection takes no memory.
 */
public final class AddressQuota {
    private static final int IPV4_BYTES = 4;
    private static final int MAPPED_PREFIX_END = 0xffff;

    private record Origin(boolean ipv6, long prefix) {}

    private final int limit;
    private final ConcurrentHashMap<Origin, Integer> taken = new ConcurrentHashMap<>();

    /** At most {@code limit} connections from each. */
    public AddressQuota(int limit) {
        this.limit = limit;
    }

    /** Takes a place for one more connection; false if there is none. */
    public boolean take(InetAddress address) {
        boolean[] granted = new boolean[1];
        taken.compute(originOf(address), (unused, before) -> {
            int now = before == null ? 0 : before;
            granted[0] = now < limit;
            return granted[0] ? now + 1 : before;
        });
        return granted[0];
    }

    /** Gives a place back that was taken for that address. */
    public void giveBack(InetAddress address) {
        taken.computeIfPresent(originOf(address), (unused, before) -> before == 1 ? null : before - 1);
    }

    /** From how many places there are connections. */
    public int originCount() {
        return taken.size();
    }

    private static Origin originOf(InetAddress address) {
        ByteBuffer bytes = ByteBuffer.wrap(address.getAddress());
        if (bytes.remaining() == IPV4_BYTES) {
            return new Origin(false, bytes.getInt());
        }
        long prefix = bytes.getLong();
        if (prefix == 0 && bytes.getInt() == MAPPED_PREFIX_END) {
            return new Origin(false, bytes.getInt());
        }
        return new Origin(true, prefix);
    }
}
