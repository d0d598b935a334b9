package io.blockseal.access;

import io.blockseal.export.AccessPolicy;
import io.blockseal.export.Caller;
import io.blockseal.export.Rights;
import java.util.List;

/**
 * The rules of one export, in their order: the first that fits a caller says what it may do, and whom none fits may do
 * nothing.
 *
 * <p>The first and not the most generous: only so can a rule take something away from some of those to whom a later one
 * gives it, and a client of several names cannot choose among them. Immutable, from any thread.
 */
public final class AccessList implements AccessPolicy {
    private final List<AccessRule> rules;
    private final boolean asksForProof;

    AccessList(List<AccessRule> rules) {
        this.rules = List.copyOf(rules);
        this.asksForProof = rules.stream().anyMatch(rule -> rule.rights() != Rights.NONE && rule.asksForProof());
    }

    @Override
    public Rights rightsOf(Caller caller) {
        Shown shown = new Shown(caller);
        for (AccessRule rule : rules) {
            if (rule.fits(shown)) {
                return rule.rights();
            }
        }
        return Rights.NONE;
    }

    @Override
    public boolean asksForProof() {
        return asksForProof;
    }
}
