package io.blockseal.app.served;

import io.blockseal.access.AccessList;
import io.blockseal.access.AccessListReader;
import io.blockseal.access.AccessListReader.Complaint;
import io.blockseal.access.Reach;
import io.blockseal.access.RuleText;
import io.blockseal.config.AccessRule;
import io.blockseal.config.ConfigException;
import io.blockseal.config.DaemonConfig;
import io.blockseal.config.TlsConfig;
import io.blockseal.config.VolumeConfig;
import io.blockseal.export.ExportRegistry;
import io.blockseal.export.Rights;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Makes the access lists of a configuration, and hangs them at the names that they are for. */
public final class ServedAccess {
    private ServedAccess() {}

    /**
     * The access list of every export that has one.
     *
     * @throws ConfigException with everything that cannot be meant
     */
    public static Map<String, AccessList> lists(DaemonConfig config) throws ConfigException {
        Reach reach = reach(config);
        List<Complaint> complaints = new ArrayList<>();
        Map<String, AccessList> lists = new HashMap<>();
        for (VolumeConfig volume : config.volumes()) {
            if (!volume.access().isEmpty()) {
                lists.put(volume.exportName(), list(volume, reach, complaints));
            }
        }
        if (!complaints.isEmpty()) {
            throw new ConfigException(complaints.stream()
                    .map(each -> new ConfigException.Problem(each.place(), each.what(), each.fix()))
                    .toList());
        }
        return lists;
    }

    /** Why the volume's access list cannot be meant with the listeners and the TLS of {@code running}; null if it can. */
    public static @Nullable String trouble(DaemonConfig running, VolumeConfig volume) {
        List<Complaint> complaints = new ArrayList<>();
        list(volume, reach(running), complaints);
        return complaints.isEmpty()
                ? null
                : complaints.get(0).place() + ": " + complaints.get(0).what();
    }

    private static AccessList list(VolumeConfig volume, Reach reach, List<Complaint> complaints) {
        List<RuleText> texts = volume.access().stream().map(ServedAccess::text).toList();
        return AccessListReader.read(volume.exportName(), texts, reach, complaints);
    }

    /** Before anything is offered: a name without its list would be open to everybody. */
    public static void restrict(ExportRegistry exports, DaemonConfig config) throws ConfigException {
        lists(config).forEach(exports::restrict);
    }

    private static Reach reach(DaemonConfig config) {
        TlsConfig tls = config.tls();
        boolean certificates =
                tls.mode() != TlsConfig.Mode.OFF && tls.certificate() != null && tls.clientAuthorities() != null;
        boolean psk = tls.mode() != TlsConfig.Mode.OFF && tls.pskFile() != null;
        return new Reach(
                certificates,
                psk,
                config.socketActivation() || !config.unixSockets().isEmpty(),
                config.socketActivation() || !config.listen().isEmpty());
    }

    private static RuleText text(AccessRule rule) {
        Rights rights =
                switch (rule.mode()) {
                    case NONE -> Rights.NONE;
                    case READ_ONLY -> Rights.READ_ONLY;
                    case READ_WRITE -> Rights.READ_WRITE;
                };
        return new RuleText(rule.place(), rule.wanted(), rule.anyone(), rights);
    }
}
