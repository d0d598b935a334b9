package io.blockseal.app.verb;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** All verbs that a daemon knows, by their names. */
public final class Verbs {
    private Verbs() {}

    /** Every one. */
    public static Map<String, VolumeVerb> all() {
        Map<String, VolumeVerb> all = new TreeMap<>();
        for (VolumeVerb verb : List.of(
                new InfoVerb(),
                new CheckVerb(),
                new ImportVerb(),
                new ExportVerb(),
                new KeyListVerb(),
                new KeyAddVerb(),
                new KeyRemoveVerb(),
                new KeyPriorityVerb(),
                new RotateKekVerb(),
                new RotateVolumeKeyVerb(),
                new ResizeVerb(),
                new LockVerb(),
                new UnlockVerb(),
                new RotateDekVerb(),
                new RespondLeakVerb(),
                new ShredVerb())) {
            all.put(verb.name(), verb);
        }
        return all;
    }
}
