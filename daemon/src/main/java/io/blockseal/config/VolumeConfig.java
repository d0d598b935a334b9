package io.blockseal.config;

import java.nio.file.Path;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * One volume to serve.
 *
 * @param path its backing file or block device
 * @param exportName what clients ask for
 * @param description for clients that list exports; may be empty
 * @param readOnly whether to refuse writes
 * @param access who may open it, and who may write; empty: whoever reaches us may
 * @param limit how much clients may ask of it
 * @param direct whether to bypass the page cache (O_DIRECT)
 * @param meta where its metadata lies if not in {@code path} itself
 * @param metaMirror where its metadata is kept once more, or null
 * @param shred when the DEKs of its ranges may be destroyed
 * @param keys where the keys are to be found that open it, each by a key slot of its own; at least one
 * @param keySlot the only key slot to try, or -1 for all in order
 * @param expectIdentity the identity that it must have, in hexadecimal digits, or null for the one remembered
 * @param trustIdentity open although this host remembers another identity, or none where it ought to know one; never
 *     from the file, since it is a decision about one start, and at every start it would switch the memory off
 * @param acceptRollback open although its metadata was put back from an older copy; never from the file, likewise
 * @param autoRewrap wrap its volume key anew whenever its key source has a newer version of the KEK
 * @param rewrapPollSeconds how often the source is asked
 * @param keyPolicy when its ranges get new DEKs without anybody asking
 * @param keyCheck how it is made sure that its key source would still open it
 */
public record VolumeConfig(
        Path path,
        String exportName,
        String description,
        boolean readOnly,
        List<AccessRule> access,
        IoLimit limit,
        boolean direct,
        @Nullable Path meta,
        @Nullable Path metaMirror,
        ShredPolicy shred,
        List<KeyConfig> keys,
        int keySlot,
        @Nullable String expectIdentity,
        boolean trustIdentity,
        boolean acceptRollback,
        boolean autoRewrap,
        int rewrapPollSeconds,
        KeyPolicy keyPolicy,
        KeyCheck keyCheck) {
    /** How often a key source is asked for its newest version, unless the file says otherwise. */
    public static final int REWRAP_POLL_SECONDS = 900;

    /** The most bytes of UTF-8 that an NBD string has. */
    public static final int NAME_BYTES_MAX = 4096;

    /** Copies what could be changed. */
    public VolumeConfig {
        keys = List.copyOf(keys);
        access = List.copyOf(access);
    }

    /** Whether one of its keys lies with a source outside this machine. */
    public boolean isKeyOutside() {
        return keys.stream().anyMatch(KeyConfig::isOutside);
    }

    /** The same with another access list. */
    public VolumeConfig withAccess(List<AccessRule> newAccess) {
        return new VolumeConfig(
                path,
                exportName,
                description,
                readOnly,
                newAccess,
                limit,
                direct,
                meta,
                metaMirror,
                shred,
                keys,
                keySlot,
                expectIdentity,
                trustIdentity,
                acceptRollback,
                autoRewrap,
                rewrapPollSeconds,
                keyPolicy,
                keyCheck);
    }

    /** The export name of a volume that was given none: the file's base name without {@code .bsl}. */
    public static String defaultExportName(Path path) {
        Path fileName = path.getFileName();
        String name = fileName == null ? path.toString() : fileName.toString();
        return name.length() > 4 && name.endsWith(".bsl") ? name.substring(0, name.length() - 4) : name;
    }
}
