package io.blockseal.access;

import io.blockseal.export.Rights;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * One rule: whom it is for, and what they may do.
 *
 * @param wanted what a caller has to show: one trait of each kind that is named. Empty: nothing, it is for everybody
 * @param rights what it then may do
 */
record AccessRule(Map<TraitKind, List<Trait>> wanted, Rights rights) {
    AccessRule {
        wanted = Map.copyOf(wanted);
    }

    boolean fits(Shown shown) {
        return wanted.values().stream().allMatch(any -> any.stream().anyMatch(trait -> trait.isIn(shown)));
    }

    boolean asksForProof() {
        return wanted.keySet().stream().anyMatch(TraitKind::isProof);
    }

    /** Whether it fits everybody whom the other one fits. */
    boolean covers(AccessRule other) {
        return wanted.entrySet().stream().allMatch(each -> covers(each.getValue(), other.wanted.get(each.getKey())));
    }

    private static boolean covers(List<Trait> ours, @Nullable List<Trait> theirs) {
        return theirs != null && theirs.stream().allMatch(their -> ours.stream().anyMatch(our -> our.covers(their)));
    }
}
