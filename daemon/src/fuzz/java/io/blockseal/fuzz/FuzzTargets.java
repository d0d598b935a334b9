package io.blockseal.fuzz;

import io.blockseal.client.ClientHandshakeFuzz;
import io.blockseal.client.ClientRepliesFuzz;
import io.blockseal.config.ConfigFuzz;
import io.blockseal.format.KeySlotsFuzz;
import io.blockseal.format.RootFuzz;
import io.blockseal.format.TablePageFuzz;
import io.blockseal.keysource.file.KeyFileFuzz;
import io.blockseal.keysource.kmip.KmipFuzz;
import io.blockseal.keysource.passphrase.PassphraseSlotFuzz;
import io.blockseal.keysource.recovery.RecoveryKeyFuzz;
import io.blockseal.keysource.tang.TangFuzz;
import io.blockseal.nbd.NbdUriFuzz;
import io.blockseal.server.ServerHandshakeFuzz;
import io.blockseal.server.ServerTlsFuzz;
import io.blockseal.server.ServerTransmissionFuzz;
import io.blockseal.volume.VolumeOpenFuzz;
import io.blockseal.volume.header.HeaderBackupFuzz;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

/**
 * All targets by name. The name is also the folder of the target's inputs, daemon/src/fuzz/corpus/NAME. A new target is
 * one line here, and some seeds there ({@link SeedMaker}).
 */
public final class FuzzTargets {
    private static final Map<String, Supplier<FuzzTarget>> BY_NAME = new LinkedHashMap<>();

    static {
        BY_NAME.put("root", RootFuzz::new);
        BY_NAME.put("key-slots", KeySlotsFuzz::new);
        BY_NAME.put("table-page", TablePageFuzz::new);
        BY_NAME.put("volume-open", VolumeOpenFuzz::new);
        BY_NAME.put("header-backup", HeaderBackupFuzz::new);
        BY_NAME.put("config", ConfigFuzz::new);
        BY_NAME.put("server-handshake", ServerHandshakeFuzz::new);
        BY_NAME.put("server-tls", ServerTlsFuzz::new);
        BY_NAME.put("server-transmission", ServerTransmissionFuzz::new);
        BY_NAME.put("client-handshake", ClientHandshakeFuzz::new);
        BY_NAME.put("client-replies", ClientRepliesFuzz::new);
        BY_NAME.put("nbd-uri", NbdUriFuzz::new);
        BY_NAME.put("passphrase-slot", PassphraseSlotFuzz::new);
        BY_NAME.put("recovery-key", RecoveryKeyFuzz::new);
        BY_NAME.put("key-file", KeyFileFuzz::new);
        BY_NAME.put("tang", TangFuzz::new);
        BY_NAME.put("kmip", KmipFuzz::new);
    }

    private FuzzTargets() {}

    /** The names, as {@code scripts/fuzz --list} prints them. */
    public static Iterable<String> names() {
        return BY_NAME.keySet();
    }

    /** A new target. */
    public static FuzzTarget named(String name) {
        Supplier<FuzzTarget> maker = BY_NAME.get(name);
        if (maker == null) {
            throw new IllegalArgumentException("no fuzz target '" + name + "'; there are " + BY_NAME.keySet());
        }
        return maker.get();
    }

    /** Prints the names, one a line. */
    public static void main(String[] unused) {
        names().forEach(System.out::println);
    }
}
