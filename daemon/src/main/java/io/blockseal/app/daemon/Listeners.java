package io.blockseal.app.daemon;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.ListenRefusal;
import io.blockseal.app.host.InheritedSockets;
import io.blockseal.app.tls.ServedTls;
import io.blockseal.config.ConfigRules;
import io.blockseal.config.DaemonConfig;
import io.blockseal.config.TcpAddress;
import io.blockseal.config.VolumeConfig;
import io.blockseal.nbd.NbdUri;
import io.blockseal.server.NbdServer;
import io.blockseal.server.Protection;
import io.blockseal.server.tls.TlsMode;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Opens the door to clients: on the addresses of the configuration, and on sockets that were handed to the process. */
final class Listeners {
    private final DaemonConfig config;
    private final NbdServer server;
    private final @Nullable ServedTls tls;
    private final HandedSockets handed;
    private final List<NbdUri> uris = new ArrayList<>();

    Listeners(DaemonConfig config, NbdServer server, @Nullable ServedTls tls, HandedSockets handed) {
        this.config = config;
        this.server = server;
        this.tls = tls;
        this.handed = handed;
    }

    /** All of them; the addresses of all exports. */
    List<NbdUri> open() throws CommandException {
        for (InheritedSockets.Inherited each : handed.toServe()) {
            inherited(each);
        }
        for (Path socket : config.unixSockets()) {
            try {
                server.listenUnix(
                        socket,
                        PosixFilePermissions.fromString(config.unixMode().rights()),
                        onUnixSockets());
            } catch (IOException refused) {
                throw ListenRefusal.ofUnix("cannot listen on unix socket " + socket, socket, refused);
            }
            unix(socket.toAbsolutePath().normalize().toString());
        }
        for (TcpAddress address : config.listen()) {
            try {
                Protection protection = ServedTls.protection(tls, config.tls().modeOn(address));
                InetSocketAddress resolved = resolved(address);
                requireLoopback(address, resolved, protection);
                tcp(address.host(), server.listenTcp(resolved, protection).getPort(), protection);
            } catch (IOException refused) {
                CommandException own = ListenRefusal.isTaken(refused) ? handed.holding(address, refused) : null;
                throw own == null ? ListenRefusal.ofTcp("cannot listen on " + address, refused) : own;
            }
        }
        return uris;
    }

    private Protection onUnixSockets() {
        return ServedTls.protection(tls, config.tls().modeOnUnixSockets());
    }

    private void inherited(InheritedSockets.Inherited socket) throws CommandException {
        try {
            InetSocketAddress address = socket.address();
            if (address == null) {
                String path = String.valueOf(socket.path());
                server.listenUnix(socket.descriptor(), path, onUnixSockets());
                unix(path);
                return;
            }
            String host = address.getAddress().getHostAddress();
            TcpAddress written = new TcpAddress(host, address.getPort());
            Protection protection = ServedTls.protection(tls, config.tls().modeOn(written));
            if (ConfigRules.wouldShowGuestData(config, written)) {
                throw new CommandException(
                        ExitCode.CONFIG,
                        "plain TCP on " + written + " would show guest data to the network\n  The socket unit has that"
                                + " address. Give it TLS, or a unix socket or loopback to the unit, or accept the risk with"
                                + " insecure-plaintext: true.");
            }
            server.listenTcp(socket.descriptor(), address, protection);
            tcp(host, address.getPort(), protection);
        } catch (IOException refused) {
            throw ListenRefusal.ofTcp("cannot listen on inherited descriptor " + socket.descriptor(), refused);
        }
    }

    private void unix(String path) {
        if (!path.startsWith("/")) {
            return; // No file that a client could name.
        }
        for (VolumeConfig volume : config.volumes()) {
            uris.add(NbdUri.unix(path, volume.exportName()));
        }
    }

    private void tcp(String host, int port, Protection protection) {
        boolean secured = protection.mode() == TlsMode.REQUIRED;
        for (VolumeConfig volume : config.volumes()) {
            uris.add(NbdUri.tcp(host, port, volume.exportName()).withTls(secured));
        }
    }

    /** The name alone was not enough to know: what is taken for this machine alone has to be that. */
    private void requireLoopback(TcpAddress address, InetSocketAddress resolved, Protection protection)
            throws CommandException {
        boolean isOther = address.isLoopback() && !resolved.getAddress().isLoopbackAddress();
        if (isOther && protection.mode() != TlsMode.REQUIRED && !config.insecurePlaintext()) {
            throw new CommandException(
                    ExitCode.CONFIG,
                    "cannot listen on " + address + ": the name stands for "
                            + resolved.getAddress().getHostAddress() + " here, which others can reach\n"
                            + "  Write 127.0.0.1, or mend /etc/hosts.");
        }
    }

    static InetSocketAddress resolved(TcpAddress address) throws IOException {
        InetSocketAddress resolved = new InetSocketAddress(address.host(), address.port());
        if (resolved.isUnresolved()) {
            throw new IOException("the name is unknown here");
        }
        return resolved;
    }
}
