package io.blockseal.config;

import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One rule of an export's access list, as it stands in the file. What its values mean is looked at when the list is made.
 *
 * @param place {@code file:line:column}
 * @param wanted values for each word that says what a client must show
 * @param anyone whether it is for everybody
 * @param mode what they may do
 */
public record AccessRule(String place, Map<String, List<String>> wanted, boolean anyone, Mode mode) {
    /** What a client may do. */
    public enum Mode {
        /** Nothing. */
        NONE,
        /** Read. */
        READ_ONLY,
        /** Read and write. */
        READ_WRITE;

        /** The word in the file. */
        public String word() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** The words that say what a client must show. */
    public static final List<String> WORDS =
            List.of("subject", "dns", "email", "ip", "uri", "spiffe", "psk", "uid", "gid", "address");

    /** Copies the map. */
    public AccessRule {
        wanted = Map.copyOf(wanted);
    }

    /** Whether it says the same, wherever it stands: a line more above it changes nothing. */
    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof AccessRule rule
                && wanted.equals(rule.wanted)
                && anyone == rule.anyone
                && mode == rule.mode;
    }

    @Override
    public int hashCode() {
        return Objects.hash(wanted, anyone, mode);
    }
}
