package io.blockseal.export;

import java.util.Collection;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/** All exports of a daemon by name. From any thread. */
public final class ExportRegistry {
    private final Map<String, Export> exports = new ConcurrentSkipListMap<>();

    /**
     * Starts serving an export.
     *
     * @throws IllegalArgumentException if the name is taken
     */
    public void add(Export export) {
        if (exports.putIfAbsent(export.name(), export) != null) {
            throw new IllegalArgumentException("export name is taken: " + export.name());
        }
    }

    /** Stops offering the name; connections that have it keep their device. */
    public @Nullable Export remove(String name) {
        return exports.remove(name);
    }

    /**
     * The export of that name. The empty name asks for the default export: the only one there is, or none if there are
     * several.
     */
    public @Nullable Export find(String name) {
        if (name.isEmpty() && exports.size() == 1) {
            return exports.values().iterator().next();
        }
        return exports.get(name);
    }

    /** Every export, in the order of their names. */
    public Collection<Export> all() {
        return exports.values();
    }
}
