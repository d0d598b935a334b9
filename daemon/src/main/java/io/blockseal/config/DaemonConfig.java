package io.blockseal.config;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * All that {@code serve} needs to know, from the YAML file or from the command line.
 *
 * @param listen TCP addresses for clients
 * @param unixSockets paths of unix sockets for clients
 * @param unixMode who may connect to them
 * @param socketActivation whether sockets are served that the service manager has opened
 * @param insecurePlaintext whether plain TCP may be offered beyond loopback
 * @param tls with what connections are protected
 * @param admin where metrics and health are served; null for nowhere
 * @param control whether and where the daemon is governed from
 * @param engine which cipher engine
 * @param requireLockedKeys whether to refuse to start when keys cannot be kept in locked memory
 * @param lockMemory whether nothing of the process may leave memory
 * @param bufferBytes the most memory for guest data in flight, over all volumes; 0 for 64 MiB a loop
 * @param dekCacheEntries how many unwrapped DEKs are kept, over all volumes
 * @param loops event loops; 0 for one per processor, at most 8
 * @param connectionsMax how many connections may be open
 * @param connectionsPerAddressMax how many of them from one address, over TCP
 * @param exportsMax how many volumes may be served
 * @param tcpKeepaliveSeconds after how long a silence a TCP peer is probed; 0 for never
 * @param tcpUserTimeoutSeconds how long a TCP peer may leave bytes unacknowledged or unread; 0 for no bound of ours
 * @param handshakeSeconds how long a client may take to reach transmission
 * @param drainSeconds how long requests in flight may take once the daemon was asked to stop
 * @param storageSeconds how long the storage may take, after that, to make durable what was written
 * @param stateDir where volume identities are remembered; null for the system's usual place
 * @param audit where the audit log is kept besides the daemon's log
 * @param logLevel how much to tell
 * @param volumes what to serve; at least one
 */
public record DaemonConfig(
        List<TcpAddress> listen,
        List<Path> unixSockets,
        UnixMode unixMode,
        boolean socketActivation,
        boolean insecurePlaintext,
        TlsConfig tls,
        @Nullable TcpAddress admin,
        ControlConfig control,
        EngineChoice engine,
        boolean requireLockedKeys,
        boolean lockMemory,
        long bufferBytes,
        int dekCacheEntries,
        int loops,
        int connectionsMax,
        int connectionsPerAddressMax,
        int exportsMax,
        int tcpKeepaliveSeconds,
        int tcpUserTimeoutSeconds,
        int handshakeSeconds,
        int drainSeconds,
        int storageSeconds,
        @Nullable Path stateDir,
        AuditConfig audit,
        LogLevel logLevel,
        List<VolumeConfig> volumes) {

    /** What holds for everything that is not said: nothing listens and nothing is served. */
    public static final DaemonConfig DEFAULTS = new DaemonConfig(
            List.of(),
            List.of(),
            UnixMode.OWNER,
            false,
            false,
            TlsConfig.NONE,
            null,
            ControlConfig.USUAL,
            EngineChoice.AUTO,
            false,
            false,
            0,
            8192,
            0,
            1024,
            256,
            1024,
            60,
            120,
            10,
            10,
            60,
            null,
            AuditConfig.NONE,
            LogLevel.INFO,
            List.of());

    /** A read of 32 MiB must fit into one loop's share, with room beside it. */
    public static final long BUFFER_BYTES_PER_LOOP_MIN = 40L << 20;

    /** The same with other volumes. */
    public DaemonConfig withVolumes(List<VolumeConfig> newVolumes) {
        return new DaemonConfig(
                listen,
                unixSockets,
                unixMode,
                socketActivation,
                insecurePlaintext,
                tls,
                admin,
                control,
                engine,
                requireLockedKeys,
                lockMemory,
                bufferBytes,
                dekCacheEntries,
                loops,
                connectionsMax,
                connectionsPerAddressMax,
                exportsMax,
                tcpKeepaliveSeconds,
                tcpUserTimeoutSeconds,
                handshakeSeconds,
                drainSeconds,
                storageSeconds,
                stateDir,
                audit,
                logLevel,
                newVolumes);
    }

    /** Copies the lists. */
    public DaemonConfig {
        listen = List.copyOf(listen);
        unixSockets = List.copyOf(unixSockets);
        volumes = List.copyOf(volumes);
    }
}
