package io.blockseal.export;

import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentSkipListMap;
import org.jspecify.annotations.Nullable;

/**
 * All exports of a daemon by name, and who may open each. Clients see of it what {@link #offerTo} shows them. From any
 * thread.
 */
public final class ExportRegistry {
    private final Map<String, Export> exports = new ConcurrentSkipListMap<>();
    /** Why names are offered no longer that were. */
    private final Map<String, String> withdrawn = new ConcurrentSkipListMap<>();
    /** Who may open which name; a name that is not there may be opened by everybody. */
    private final Map<String, AccessPolicy> policies = new ConcurrentSkipListMap<>();

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

    /** From now on {@code policy} says who may open the export of that name, whether it is offered already or not. */
    public void restrict(String name, AccessPolicy policy) {
        policies.put(name, policy);
    }

    /**
     * Nothing is said of that name any more, which is not offered: as if there had never been an export of it. What is
     * offered keeps its access list.
     */
    public void forget(String name) {
        if (!exports.containsKey(name)) {
            policies.remove(name);
            withdrawn.remove(name);
        }
    }

    /** What that caller may know of it. */
    public ExportOffer offerTo(Caller caller) {
        return new ExportOffer(this, caller);
    }

    /** The export of that name. */
    @Nullable
    Export find(String name) {
        return exports.get(name);
    }

    /** Every export, in the order of their names. */
    public Collection<Export> all() {
        return exports.values();
    }

    /** The names that are offered no longer. */
    Collection<String> withdrawn() {
        return withdrawn.keySet();
    }

    /** Why that name is offered no longer, in words for a client; null if it is, or never was. */
    @Nullable
    String whyWithdrawn(String name) {
        return withdrawn.get(name);
    }

    /** The name of the only export, offered or withdrawn; null if there are several, or none. */
    @Nullable
    String onlyName() {
        Set<String> names = new TreeSet<>(exports.keySet());
        names.addAll(withdrawn.keySet());
        return names.size() == 1 ? names.iterator().next() : null;
    }

    AccessPolicy policyOf(String name) {
        return policies.getOrDefault(name, AccessPolicy.EVERYBODY);
    }

    Collection<AccessPolicy> policies() {
        return policies.values();
    }
}
