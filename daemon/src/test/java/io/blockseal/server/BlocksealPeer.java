package io.blockseal.server;

import io.blockseal.nbd.NbdReplyStyle;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.UnixDomainSocketAddress;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Our server over a disk in memory; and after each test everything has been given back. */
public final class BlocksealPeer implements NbdPeer {
    private final String name;
    private final boolean later;
    private final Protection protection;
    private @Nullable ServerRig rig;
    private @Nullable SocketAddress address;

    private BlocksealPeer(String name, boolean later, Protection protection) {
        this.name = name;
        this.later = later;
        this.protection = protection;
    }

    /** On a unix socket; {@code later}: over a device that completes nothing at once. */
    public static BlocksealPeer plain(boolean later) {
        return new BlocksealPeer(later ? "blockseal, later" : "blockseal", later, Protection.NONE);
    }

    /** On TCP. */
    public static BlocksealPeer secured(Protection protection) {
        return new BlocksealPeer("blockseal, TLS " + protection.mode(), false, protection);
    }

    @Override
    public boolean isInstalled() {
        return true;
    }

    @Override
    public SocketAddress address() throws IOException {
        SocketAddress known = address;
        if (known == null) {
            ServerRig started = new ServerRig();
            started.disk.later = later;
            rig = started;
            known = protection.tls() == null
                    ? UnixDomainSocketAddress.of(started.socket)
                    : started.server.listenTcp(new InetSocketAddress("127.0.0.1", 0), protection);
            address = known;
        }
        return known;
    }

    @Override
    public String exportName() {
        return "disk";
    }

    @Override
    public String otherName() {
        return "plain";
    }

    @Override
    public boolean speaks(NbdReplyStyle style) {
        return true;
    }

    @Override
    public Map<String, String> knownFailures() {
        return Map.of();
    }

    @Override
    public void settle() throws InterruptedException {
        if (rig != null) {
            rig.assertEverythingIsBack();
        }
    }

    @Override
    public void close() throws IOException {
        if (rig != null) {
            rig.close();
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
