package io.blockseal.app.daemon;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.host.InheritedSockets;
import io.blockseal.app.host.InheritedSockets.Inherited;
import io.blockseal.config.DaemonConfig;
import io.blockseal.config.TcpAddress;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sockets that the service manager has handed to this process, beside what the configuration says of them. Looked at
 * before anything is opened or unwrapped: no key is asked for where the way to the clients is wrong.
 */
final class HandedSockets {
    private static final Logger LOG = LoggerFactory.getLogger(HandedSockets.class);

    private static final String LISTEN = "listen (--listen)";

    private final DaemonConfig config;
    private final ExitCode wrong;
    private final List<Inherited> handed;

    /**
     * {@code handed} to us, whether they are to be served or not.
     *
     * @param wrong how to end if the configuration does not fit them
     */
    HandedSockets(DaemonConfig config, ExitCode wrong, List<Inherited> handed) {
        this.config = config;
        this.wrong = wrong;
        this.handed = handed;
    }

    /** Those of this process. */
    static HandedSockets take(DaemonConfig config, ExitCode wrong) throws CommandException {
        if (config.socketActivation()) {
            HandedSockets ours = new HandedSockets(config, wrong, InheritedSockets.ours());
            ours.requireOnce();
            return ours;
        }
        if (InheritedSockets.areThere()) {
            HandedSockets forgotten = new HandedSockets(config, wrong, InheritedSockets.unasked());
            forgotten.requireOnce();
            forgotten.warn();
        }
        return new HandedSockets(config, wrong, List.of());
    }

    /** Those to serve. */
    List<Inherited> toServe() {
        return handed;
    }

    /**
     * Checks that no address is named that systemd has opened for us already: we would take our own socket for another
     * daemon's.
     */
    void requireOnce() throws CommandException {
        for (Inherited each : handed) {
            for (Path socket : config.unixSockets()) {
                if (isSame(each.path(), socket)) {
                    throw twice("unix socket " + socket, "unix (--unix)", null);
                }
            }
            for (TcpAddress address : config.listen()) {
                if (overlaps(each.address(), address)) {
                    throw twice(address.toString(), LISTEN, null);
                }
            }
        }
    }

    private static boolean isSame(@Nullable String path, Path named) {
        if (path == null || !path.startsWith("/")) {
            return false;
        }
        Path theirs = Path.of(path);
        try {
            return theirs.equals(named.toAbsolutePath().normalize()) || Files.isSameFile(theirs, named);
        } catch (IOException notThere) {
            return false;
        }
    }

    private static boolean overlaps(@Nullable InetSocketAddress theirs, TcpAddress named) {
        if (theirs == null || theirs.getPort() != named.port()) {
            return false;
        }
        InetAddress one = theirs.getAddress();
        InetAddress other = new InetSocketAddress(named.host(), named.port()).getAddress();
        return other != null
                && one.getClass() == other.getClass()
                && (one.equals(other) || one.isAnyLocalAddress() || other.isAnyLocalAddress());
    }

    /** Of an address that is taken: by ourselves, if systemd has opened its port for IPv6 and IPv4 at once; else null. */
    @Nullable
    CommandException holding(TcpAddress taken, IOException refused) {
        for (Inherited each : handed) {
            InetSocketAddress theirs = each.address();
            if (theirs != null && theirs.getAddress().isAnyLocalAddress() && theirs.getPort() == taken.port()) {
                return twice(taken.toString(), LISTEN, refused);
            }
        }
        return null;
    }

    /** Of an address that that setting names, too. */
    private CommandException twice(String address, String setting, @Nullable IOException refused) {
        return new CommandException(
                wrong,
                "cannot listen on " + address + ": systemd has opened it for this process already\n  Leave it out of "
                        + setting
                        + (config.socketActivation()
                                ? "; it is served by socket-activation."
                                : ", and have it served by socket-activation: true (--socket-activation)."),
                refused);
    }

    /** To refuse would take the disks of those away who come by the addresses that the configuration names. */
    private void warn() {
        if (handed.isEmpty()) {
            LOG.warn(
                    "systemd has handed sockets to this process that are not served: clients wait there without a word."
                            + " Say socket-activation: true (--socket-activation), or stop the socket unit");
        }
        for (Inherited each : handed) {
            LOG.warn(
                    "socket={} name={}: systemd has handed it to this process, and it is not served: clients wait there"
                            + " without a word. Say socket-activation: true (--socket-activation), or stop the socket"
                            + " unit",
                    where(each),
                    each.name());
        }
    }

    private static String where(Inherited socket) {
        InetSocketAddress address = socket.address();
        return address == null
                ? String.valueOf(socket.path())
                : new TcpAddress(address.getAddress().getHostAddress(), address.getPort()).toString();
    }
}
