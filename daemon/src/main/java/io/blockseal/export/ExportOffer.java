package io.blockseal.export;

import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one caller may know of a registry: the exports that it may open, and why others of those cannot be opened now. All
 * else is to it as if it were not there: under no name, nor as the default export, does it get another answer than for a
 * name that nobody ever gave. For one thread, and for as long as the caller is the same.
 */
public final class ExportOffer {
    /**
     * An export that the caller may open.
     *
     * @param export which one
     * @param readOnly whether it may not write, be it the export's fault or its own
     */
    public record Offered(Export export, boolean readOnly) {}

    private final ExportRegistry registry;
    private final Caller caller;
    /** What was found out already: a list may be long, and a client may ask a thousand times. */
    private final IdentityHashMap<AccessPolicy, Rights> known = new IdentityHashMap<>();

    ExportOffer(ExportRegistry registry, Caller caller) {
        this.registry = registry;
        this.caller = caller;
    }

    /**
     * The export of that name. The empty name asks for the default export: the only one that this caller may open, or none
     * if there are several, some of which may be withdrawn.
     */
    public @Nullable Offered find(String name) {
        return name.isEmpty() ? onlyOne() : offered(registry.find(name));
    }

    private @Nullable Offered onlyOne() {
        List<Offered> all = all();
        boolean mayBeAnother = registry.withdrawn().stream().anyMatch(this::mayKnow);
        return all.size() == 1 && !mayBeAnother ? all.get(0) : null;
    }

    private @Nullable Offered offered(@Nullable Export export) {
        if (export == null) {
            return null;
        }
        Rights rights = rightsTo(export.name());
        return rights == Rights.NONE ? null : new Offered(export, export.readOnly() || rights == Rights.READ_ONLY);
    }

    /** Why the export of that name cannot be opened now, in words for this caller; null if it is not one that it may open. */
    public @Nullable String whyWithdrawn(String name) {
        String why = registry.whyWithdrawn(name);
        return why != null && mayKnow(name) ? why : null;
    }

    /** Every export that this caller may open, in the order of their names. */
    public List<Offered> all() {
        List<Offered> all = new ArrayList<>();
        for (Export export : registry.all()) {
            Offered offered = offered(export);
            if (offered != null) {
                all.add(offered);
            }
        }
        return all;
    }

    /** The name of the export that is kept from this caller under the name that it asks for, or null if none is. */
    public @Nullable String withheld(String name) {
        String real = name.isEmpty() ? registry.onlyName() : name;
        if (real == null || mayKnow(real)) {
            return null;
        }
        return registry.find(real) != null || registry.whyWithdrawn(real) != null ? real : null;
    }

    private boolean mayKnow(String name) {
        return rightsTo(name) != Rights.NONE;
    }

    private Rights rightsTo(String name) {
        return known.computeIfAbsent(registry.policyOf(name), policy -> policy.rightsOf(caller));
    }

    /** Whether some export, it does not say which, can only be had by who proves itself within TLS. */
    public boolean isMoreWithProof() {
        return registry.policies().stream().anyMatch(AccessPolicy::asksForProof);
    }
}
