package io.blockseal.access;

import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A SPIFFE id, as strict as its specification (SPIFFE-ID, 2): small letters in the trust domain, no port, no query, no
 * empty or dotted step in the path. What is not like that is no SPIFFE id, whatever it looks like.
 *
 * @param trustDomain who vouches for it
 * @param path the steps below; may be empty
 */
record SpiffeId(String trustDomain, List<String> path) {
    static final String SCHEME = "spiffe://";
    private static final int CHARS_MAX = 2048;
    private static final Pattern TRUST_DOMAIN = Pattern.compile("[a-z0-9._-]{1,255}");
    private static final Pattern STEP = Pattern.compile("[A-Za-z0-9._-]+");

    SpiffeId {
        path = List.copyOf(path);
    }

    /** Null if it is none. */
    static @Nullable SpiffeId read(String uri) {
        if (!uri.startsWith(SCHEME) || uri.length() > CHARS_MAX) {
            return null;
        }
        List<String> steps = List.of(uri.substring(SCHEME.length()).split("/", -1));
        List<String> path = steps.subList(1, steps.size());
        boolean isWell = TRUST_DOMAIN.matcher(steps.get(0)).matches()
                && path.stream()
                        .allMatch(step -> STEP.matcher(step).matches() && !step.equals(".") && !step.equals(".."));
        return isWell ? new SpiffeId(steps.get(0), path) : null;
    }

    /** Whether it begins with all of the other one, and goes on. */
    boolean isBelow(SpiffeId other) {
        return trustDomain.equals(other.trustDomain)
                && path.size() > other.path.size()
                && path.subList(0, other.path.size()).equals(other.path);
    }
}
