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
    private final boolean encrypted;
    private final Protection protection;
    private @Nullable ServerRig rig;
    private @Nullable VolumeDisk volume;
    private @Nullable SocketAddress address;

    private BlocksealPeer(String name, boolean later, boolean encrypted, Protection protection) {
        this.name = name;
        this.later = later;
        this.encrypted = encrypted;
        this.protection = protection;
    }

    /** On a unix socket; {@code later}: over a device that completes nothing at once. */
    public static BlocksealPeer plain(boolean later) {
        return new BlocksealPeer(later ? "blockseal, later" : "blockseal", later, false, Protection.NONE);
    }

    /** On a unix socket, over a volume in a file: all of it but the program around it. */
    public static BlocksealPeer overVolume() {
        return new BlocksealPeer("blockseal, volume", false, true, Protection.NONE);
    }

    /** On TCP. */
    public static BlocksealPeer secured(Protection protection) {
        return new BlocksealPeer("blockseal, TLS " + protection.mode(), false, false, protection);
    }

    @Override
    public boolean isInstalled() {
        return true;
    }

    @Override
    public SocketAddress address() throws Exception {
        SocketAddress known = address;
        if (known == null) {
            ServerRig started = start();
            rig = started;
            known = protection.tls() == null
                    ? UnixDomainSocketAddress.of(started.socket)
                    : started.server.listenTcp(new InetSocketAddress("127.0.0.1", 0), protection);
            address = known;
        }
        return known;
    }

    private ServerRig start() throws Exception {
        if (!encrypted) {
            ServerRig started = new ServerRig();
            started.disk.later = later;
            return started;
        }
        VolumeDisk made = new VolumeDisk(ServerRig.DISK_BYTES);
        volume = made;
        ServerRig started = new ServerRig(ServerOptions.DEFAULT, made.memory());
        started.exports.remove("disk");
        started.export("disk", made.device(), false);
        return started;
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
        if (volume != null) {
            volume.close();
        }
    }

    @Override
    public String toString() {
        return name;
    }
}
