package io.blockseal.access;

import io.blockseal.access.TraitKind.Source;
import io.blockseal.export.Rights;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Makes an access list of what somebody wrote, and refuses what cannot be meant: rules for nobody, rules that nobody can
 * fit, and rules that are never reached because an earlier one fits everybody whom they are for. A rule that does
 * nothing is a hole, or a door that somebody believes to be open.
 */
public final class AccessListReader {
    /**
     * Something that cannot be meant.
     *
     * @param place where it was written
     * @param what what was found
     * @param fix what to do
     */
    public record Complaint(String place, String what, String fix) {}

    private final String export;
    private final Reach reach;
    private final List<Complaint> complaints;

    private AccessListReader(String export, Reach reach, List<Complaint> complaints) {
        this.export = export;
        this.reach = reach;
        this.complaints = complaints;
    }

    /** The words that a rule can have, in the order in which they are explained. */
    public static List<String> words() {
        return Arrays.stream(TraitKind.values()).map(TraitKind::word).toList();
    }

    /**
     * The list for one export.
     *
     * @param complaints gets what is wrong; if that is anything, the list must not be used
     */
    public static AccessList read(String export, List<RuleText> texts, Reach reach, List<Complaint> complaints) {
        AccessListReader reader = new AccessListReader(export, reach, complaints);
        List<AccessRule> rules = new ArrayList<>();
        for (int i = 0; i < texts.size(); i++) {
            AccessRule rule = reader.rule(i, texts.get(i));
            if (rule != null) {
                reader.requireReached(rules, rule, i, texts.get(i));
            }
            // One that is wrong keeps its number, and covers nobody.
            rules.add(rule == null ? NOBODY : rule);
        }
        return new AccessList(rules);
    }

    private static final AccessRule NOBODY = new AccessRule(Map.of(TraitKind.UID, List.of()), Rights.NONE);

    private @Nullable AccessRule rule(int index, RuleText text) {
        int before = complaints.size();
        Map<TraitKind, List<Trait>> wanted = new EnumMap<>(TraitKind.class);
        for (TraitKind kind : TraitKind.values()) {
            List<String> values = text.wanted().get(kind.word());
            if (values != null) {
                wanted.put(kind, traits(index, text, kind, values));
            }
        }
        requireSomebody(index, text, wanted.keySet());
        requirePossible(index, text, wanted.keySet());
        return complaints.size() == before ? new AccessRule(wanted, text.rights()) : null;
    }

    private List<Trait> traits(int index, RuleText text, TraitKind kind, List<String> values) {
        List<Trait> traits = new ArrayList<>();
        for (String value : values) {
            try {
                Trait trait = kind.parse(value);
                if (traits.stream().anyMatch(other -> other.covers(trait) || trait.covers(other))) {
                    complain(
                            index,
                            text,
                            kind.word() + " '" + value + "' is in it twice",
                            "Leave the narrower one out.");
                }
                traits.add(trait);
            } catch (IllegalArgumentException wrong) {
                complain(index, text, kind.word() + ": " + wrong.getMessage(), "Correct it.");
            }
        }
        if (values.isEmpty()) {
            complain(index, text, kind.word() + " has no value", "Give it one, or leave the word out.");
        }
        return traits;
    }

    private void requireSomebody(int index, RuleText text, Set<TraitKind> wanted) {
        if (wanted.isEmpty() && !text.anyone()) {
            complain(
                    index,
                    text,
                    "it does not say for whom it is",
                    "Name them by " + String.join(", ", words()) + ", or say anyone: true.");
        } else if (!wanted.isEmpty() && text.anyone()) {
            complain(
                    index,
                    text,
                    "it is for anyone, and for those of " + listed(wanted) + " only",
                    "Leave out one of the two.");
        }
    }

    private void requirePossible(int index, RuleText text, Set<TraitKind> wanted) {
        for (TraitKind kind : wanted) {
            if (!reach.has(kind)) {
                complain(index, text, "nobody can fit it: " + unreachable(kind), "Make it so, or leave the rule out.");
                return;
            }
        }
        boolean both = wanted.contains(TraitKind.SPIFFE) && wanted.contains(TraitKind.URI);
        if (both || hasBoth(wanted, Source.CERTIFICATE, Source.PSK) || hasBoth(wanted, Source.UNIX, Source.TCP)) {
            String why = both
                    ? "a certificate with a SPIFFE id has no other URI"
                    : hasBoth(wanted, Source.UNIX, Source.TCP)
                            ? "users and groups are known on unix sockets, and addresses on TCP"
                            : "a client proves itself by a certificate or by a pre-shared key";
            complain(
                    index,
                    text,
                    "nobody can fit it: it asks for " + listed(wanted) + " at once, but " + why,
                    "Make two rules of it.");
        }
    }

    private static boolean hasBoth(Set<TraitKind> wanted, Source one, Source other) {
        Set<Source> sources = wanted.stream().map(TraitKind::source).collect(Collectors.toSet());
        return sources.contains(one) && sources.contains(other);
    }

    private static String unreachable(TraitKind kind) {
        return kind.word() + " is asked for, but "
                + switch (kind.source()) {
                    case CERTIFICATE -> "clients are not asked for certificates (tls: certificate, key and client-ca)";
                    case PSK -> "there are no pre-shared keys";
                    case UNIX -> "no unix socket is served (unix)";
                    case TCP -> "no TCP address is served (listen)";
                };
    }

    private void requireReached(List<AccessRule> earlier, AccessRule rule, int index, RuleText text) {
        for (int i = 0; i < earlier.size(); i++) {
            if (earlier.get(i).covers(rule)) {
                complain(
                        index,
                        text,
                        "it is never reached: rule " + (i + 1) + " comes before it and fits everybody whom it is for",
                        "The first rule that fits is the one that counts: put the narrower one first, or leave it out.");
                return;
            }
        }
    }

    private static String listed(Set<TraitKind> kinds) {
        return kinds.stream().sorted().map(TraitKind::word).collect(Collectors.joining(" and "));
    }

    private void complain(int index, RuleText text, String what, String fix) {
        complaints.add(new Complaint(
                text.place(), "access rule " + (index + 1) + " of export '" + export + "': " + what, fix));
    }
}
