package io.blockseal.server;

import io.blockseal.export.UnixPeer;
import io.netty.channel.ChannelException;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.unix.PeerCredentials;
import io.netty.channel.unix.Socket;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Asks the kernel which process is at the other end of a unix socket: who it was when it connected. */
final class PeerProcess {
    private static final int SOL_SOCKET = 1;
    private static final int SO_PEERGROUPS = 59;
    private static final int FEW_GROUPS = 64;
    private static final int MOST_GROUPS = 65536;
    /** No group has this number; so much for how many the kernel has written, which the library does not tell. */
    private static final int NO_GROUP = -1;

    private PeerProcess() {}

    /** Null if the kernel does not say. */
    static @Nullable PeerCredentials credentials(EpollDomainSocketChannel channel) {
        try {
            return channel.peerCredentials();
        } catch (IOException | ChannelException gone) {
            return null;
        }
    }

    /** The same as whom it is for access lists, with all groups that it is in. */
    static UnixPeer peer(EpollDomainSocketChannel channel, PeerCredentials credentials) {
        Set<Long> groups = new HashSet<>();
        for (int gid : credentials.gids()) {
            groups.add(Integer.toUnsignedLong(gid));
        }
        Socket socket = new Socket(channel.fd().intValue());
        if (!addGroups(socket, FEW_GROUPS, groups)) {
            // Who is in more of them than that, or is gone: then it is in its own only.
            addGroups(socket, MOST_GROUPS, groups);
        }
        return new UnixPeer(Integer.toUnsignedLong(credentials.uid()), groups);
    }

    private static boolean addGroups(Socket socket, int most, Set<Long> groups) {
        // On the heap: memory outside is scarce, and who asks for too much of it waits for a collection, on a loop.
        ByteBuffer numbers = ByteBuffer.allocate(most * Integer.BYTES).order(ByteOrder.nativeOrder());
        for (int i = 0; i < most; i++) {
            numbers.putInt(i * Integer.BYTES, NO_GROUP);
        }
        try {
            socket.getRawOpt(SOL_SOCKET, SO_PEERGROUPS, numbers);
        } catch (IOException | ChannelException tooMany) {
            return false;
        }
        for (int i = 0; i < most && numbers.getInt(i * Integer.BYTES) != NO_GROUP; i++) {
            groups.add(Integer.toUnsignedLong(numbers.getInt(i * Integer.BYTES)));
        }
        return true;
    }
}
