package io.blockseal.app.erase;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.volume.VolumeErasure;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * The keys that are to be destroyed with a volume, each with the key slots that open no more without it. Of a source that
 * is made of parts each part that can be destroyed is a key of its own. All that could speak against it is
 * found here, before anything is destroyed.
 */
public final class DoomedKeys {
    private final String called;
    private final Map<KeySource, List<Integer>> slots = new LinkedHashMap<>();

    /** None so far; {@code called} is the volume in messages. */
    public DoomedKeys(String called) {
        this.called = called;
    }

    /** Refuses a key that its source cannot destroy; {@code word} is its kind in the words of the options. */
    public static void requireDestructible(String word, KeySource source) throws CommandException {
        String why = source.whyIndestructible();
        if (why != null) {
            throw new CommandException(
                    ExitCode.KEY_SOURCE,
                    "--destroy-kek: " + word + " cannot destroy its key: " + why
                            + ". Nothing was changed; leave that key out.");
        }
    }

    /** This one, too; it stays the caller's. */
    public void add(String word, KeySource source, VolumeErasure erasure) throws CommandException, KeySourceException {
        requireDestructible(word, source);
        boolean opens = false;
        for (KeySource part : source.parts()) {
            List<Integer> need = part.whyIndestructible() == null ? erasure.slotsThatNeed(part) : List.of();
            opens |= !need.isEmpty();
            // The same file may be named as a part and by itself.
            if (!need.isEmpty() && !references().contains(part.reference())) {
                slots.put(part, need);
            }
        }
        if (!opens) {
            throw new CommandException(
                    ExitCode.WRONG_KEY,
                    "--destroy-kek: " + source.reference() + " opens no key slot of " + called
                            + "; nothing was changed.");
        }
    }

    /** Where they live. */
    Set<String> references() {
        Set<String> references = new TreeSet<>();
        slots.keySet().forEach(source -> references.add(source.reference()));
        return references;
    }

    /** Each with the slots that need it. */
    Map<KeySource, List<Integer>> slots() {
        return slots;
    }
}
