package io.blockseal.export;

import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/** All exports of a daemon by name. From any thread. */
public final class ExportRegistry {
    private final Map<String, Export> exports = new ConcurrentSkipListMap<>();
    /** Why names are offered no longer that were. */
    private final Map<String, String> withdrawn = new ConcurrentSkipListMap<>();

    /**
     * Starts serving an export.
     *
     * @throws IllegalArgumentException if the name is taken
     */
    public void add(Export export) {
        if (exports.putIfAbsent(export.name(), export) != null) {
            throw new IllegalArgumentException("export name is taken: " + export.name());
        }
        withdrawn.remove(export.name());
    }

    /** Stops offering the name; connections that have it keep their device. */
    public @Nullable Export remove(String name) {
        return exports.remove(name);
    }

    /** Likewise, and whoever asks for it hears {@code why}. The others do not become the default export by that. */
    public @Nullable Export withdraw(String name, String why) {
        withdrawn.put(name, why);
        return exports.remove(name);
    }

    /** Why there is no export of that name, in words for a client. */
    public String whyNot(String name) {
        return withdrawn.getOrDefault(name, "there is no export of that name");
    }

    /**
     * The export of that name. The empty name asks for the default export: the only one there is, or none if there are
     * several.
     */
    public @Nullable Export find(String name) {
        if (name.isEmpty() && exports.size() == 1 && withdrawn.isEmpty()) {
            return exports.values().iterator().next();
        }
        return exports.get(name);
    }

    /** Every export, in the order of their names. */
    public Collection<Export> all() {
        return exports.values();
    }
}
