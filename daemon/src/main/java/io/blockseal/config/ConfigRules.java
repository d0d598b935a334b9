package io.blockseal.config;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What must hold between values, whoever wrote them: the file's reader and the command line both ask here. */
public final class ConfigRules {
    /**
     * A rule that does not hold.
     *
     * @param key which value is to blame, as in {@code volumes[1].name}
     * @param what what was found and what was expected
     * @param fix what to do in the file
     */
    public record Violation(String key, String what, String fix) {}

    /** As many as a volume has key slots. */
    private static final int KEYS_MAX = 16;

    private ConfigRules() {}

    /** Every rule that the configuration breaks; empty if it can be used. */
    public static List<Violation> violations(DaemonConfig config) {
        List<Violation> found = new ArrayList<>();
        listeners(config, found);
        tls(config.tls(), found);
        long least = Math.max(1, config.loops()) * DaemonConfig.BUFFER_BYTES_PER_LOOP_MIN;
        if (config.bufferBytes() != 0 && config.bufferBytes() < least) {
            found.add(new Violation(
                    "buffers",
                    ByteSize.exact(config.bufferBytes()) + " of buffers for " + config.loops() + " loops",
                    "Each loop needs 40M: give at least " + ByteSize.exact(least) + ", or fewer loops."));
        }
        volumes(config, found);
        return found;
    }

    private static void listeners(DaemonConfig config, List<Violation> found) {
        if (config.listen().isEmpty() && config.unixSockets().isEmpty() && !config.socketActivation()) {
            found.add(new Violation(
                    "listen",
                    "nothing to listen on: neither 'listen' nor 'unix' names an address",
                    "Add a unix socket or an address, such as 127.0.0.1:10809."));
        }
        Set<Object> seen = new HashSet<>();
        for (int i = 0; i < config.listen().size(); i++) {
            TcpAddress address = config.listen().get(i);
            String key = "listen[" + i + "]";
            if (address.port() != 0 && !seen.add(address)) {
                found.add(new Violation(key, "address " + address + " is named twice", "Remove one of them."));
            }
            if (wouldShowGuestData(config, address)) {
                found.add(new Violation(
                        key,
                        "plain TCP on " + address + " would show guest data to the network",
                        "Give it TLS (tls: certificate and key or psk-file, --tls-certificate and --tls-key or"
                                + " --tls-psk-file; mode auto or required),"
                                + " listen on 127.0.0.1 or a unix socket, or accept the risk with"
                                + " insecure-plaintext: true (--insecure-plaintext)."));
            }
        }
        TcpAddress admin = config.admin();
        if (admin != null && admin.port() != 0 && !seen.add(admin)) {
            found.add(new Violation(
                    "admin",
                    "address " + admin + " is named by 'listen' as well",
                    "Choose another port for one of the two."));
        }
        List<Path> sockets = new ArrayList<>(config.unixSockets());
        Path control = config.control().path();
        if (control != null) {
            sockets.add(control);
        }
        for (int i = 0; i < sockets.size(); i++) {
            Path path = sockets.get(i);
            String key = i < config.unixSockets().size() ? "unix[" + i + "]" : "control";
            // sun_path has 108 bytes, one of them for the terminating zero.
            int length = path.toAbsolutePath().toString().getBytes(StandardCharsets.UTF_8).length;
            if (!seen.add(path.toAbsolutePath().normalize())) {
                found.add(new Violation(key, "socket " + path + " is named twice", "Remove one of them."));
            }
            if (length > 107) {
                found.add(new Violation(
                        key,
                        "socket path " + path + " has " + length + " bytes; the system allows 107",
                        "Choose a shorter path."));
            }
        }
    }

    /** Whether clients there could go without TLS, over a network, and nobody has said that this is meant. */
    public static boolean wouldShowGuestData(DaemonConfig config, TcpAddress address) {
        boolean required = config.tls().modeOn(address) == TlsConfig.Mode.REQUIRED;
        return !address.isLoopback() && !required && !config.insecurePlaintext();
    }

    private static void tls(TlsConfig tls, List<Violation> found) {
        if (tls.isWanted() && !tls.hasCredentials()) {
            found.add(
                    new Violation(
                            "tls.mode",
                            "TLS is " + tls.mode().word() + ", but there is nothing to do it with",
                            "Give a certificate and its key (--tls-certificate, --tls-key), or pre-shared keys (--tls-psk-file)."));
        }
        if ((tls.certificate() == null) != (tls.key() == null)) {
            found.add(new Violation(
                    tls.certificate() == null ? "tls.key" : "tls.certificate",
                    "TLS needs a certificate and its private key, and only one of them is named",
                    "Name both (--tls-certificate, --tls-key)."));
        }
        if (tls.clientAuthorities() != null && tls.certificate() == null) {
            found.add(new Violation(
                    "tls.client-ca",
                    "certificates of clients are to be checked, but there is no certificate of ours",
                    "Give certificate and key as well, or leave client-ca out."));
        }
        if (tls.verifyClients() && tls.clientAuthorities() == null) {
            found.add(new Violation(
                    "tls.verify-clients",
                    "clients have to show a certificate, but nobody is named who may sign it",
                    "Name the file with the authorities' certificates as client-ca (--tls-client-ca)."));
        }
    }

    private static void volumes(DaemonConfig config, List<Violation> found) {
        if (config.volumes().isEmpty()) {
            found.add(new Violation("volumes", "no volume to serve", "Name at least one, with its path and its key."));
        }
        if (config.volumes().size() > config.exportsMax()) {
            found.add(new Violation(
                    "volumes",
                    config.volumes().size() + " volumes to serve, and max-exports is " + config.exportsMax(),
                    "Give a larger max-exports, or serve them by several daemons."));
        }
        Map<Path, Integer> paths = new HashMap<>();
        Map<String, Integer> names = new HashMap<>();
        for (int i = 0; i < config.volumes().size(); i++) {
            VolumeConfig volume = config.volumes().get(i);
            String at = "volumes[" + i + "]";
            if (paths.putIfAbsent(volume.path().toAbsolutePath().normalize(), i) != null) {
                found.add(new Violation(
                        at + ".path",
                        "volume " + volume.path() + " is named twice; it can be open only once",
                        "Remove one of them."));
            }
            if (names.putIfAbsent(volume.exportName(), i) != null) {
                found.add(new Violation(
                        at + ".name",
                        "export name '" + volume.exportName() + "' is taken by another volume",
                        "Give this one another name (name: ..., --name)."));
            }
            exportName(volume, at, found);
            if (volume.meta() != null
                    && volume.meta().normalize().equals(volume.path().normalize())) {
                found.add(new Violation(
                        at + ".meta",
                        "metadata and data name the same file " + volume.path(),
                        "Leave meta out, unless the metadata lies in a file of its own."));
            }
            metaMirror(volume, at, found);
            keys(volume, at, found);
            if (config.unixMode() == UnixMode.EVERYBODY && volume.access().isEmpty()) {
                found.add(new Violation(
                        at + ".access",
                        "every user of this machine could use export '" + volume.exportName() + "': unix-mode is "
                                + config.unixMode().digits() + ", and it has no access list",
                        "Say who may open it (access), or give unix-mode 0660 and the socket's directory a group."));
            }
        }
    }

    private static void keys(VolumeConfig volume, String at, List<Violation> found) {
        Set<KeyConfig> seen = new HashSet<>();
        for (KeyConfig key : volume.keys()) {
            if (!seen.add(key)) {
                found.add(new Violation(
                        at + "." + key.kind().word(),
                        "volume " + volume.path() + " has the key " + key.kind().word() + " " + key.place() + " twice",
                        "Remove one of them."));
            } else if (key.kind() == KeyConfig.Kind.RECOVERY_KEY_FILE
                    && volume.keys().size() > 1) {
                found.add(new Violation(
                        at + "." + key.kind().word(),
                        "volume " + volume.path() + " has a recovery key beside other keys, and would be opened by it"
                                + " whenever they fail",
                        "Leave it out: a recovery key opens a volume on request only, alone."));
            }
        }
        if (volume.keys().isEmpty()) {
            found.add(new Violation(
                    at + ".path", "volume " + volume.path() + " has no key", "Name at least one that opens it."));
        } else if (volume.keys().size() > KEYS_MAX) {
            found.add(new Violation(
                    at + "." + volume.keys().get(0).kind().word(),
                    "volume " + volume.path() + " has " + volume.keys().size() + " keys, but only " + KEYS_MAX
                            + " key slots",
                    "Name those that open it."));
        }
    }

    private static void metaMirror(VolumeConfig volume, String at, List<Violation> found) {
        Path mirror = volume.metaMirror();
        if (mirror == null) {
            return;
        }
        for (Path other : volume.meta() == null ? List.of(volume.path()) : List.of(volume.path(), volume.meta())) {
            if (mirror.toAbsolutePath()
                    .normalize()
                    .equals(other.toAbsolutePath().normalize())) {
                found.add(new Violation(
                        at + ".meta-mirror",
                        "the metadata mirror and the volume name the same file " + other,
                        "Give the mirror a file of its own, on another disk."));
            }
        }
    }

    private static void exportName(VolumeConfig volume, String at, List<Violation> found) {
        String name = volume.exportName();
        int length = name.getBytes(StandardCharsets.UTF_8).length;
        boolean control = name.chars().anyMatch(c -> c < ' ' || c == 0x7f);
        if (length == 0 || length > VolumeConfig.NAME_BYTES_MAX || control) {
            found.add(new Violation(
                    at + ".name",
                    "export name of " + volume.path() + " has " + length + " bytes"
                            + (control ? " and control characters" : ""),
                    "Choose 1 to " + VolumeConfig.NAME_BYTES_MAX + " bytes of printable text."));
        }
    }
}
