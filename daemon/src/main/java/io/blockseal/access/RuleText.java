package io.blockseal.access;

import io.blockseal.export.Rights;
import java.util.List;
import java.util.Map;

/**
 * A rule as somebody wrote it.
 *
 * @param place where, for messages
 * @param wanted values for words such as {@code subject}, of which a caller has to have one each
 * @param anyone whether it says that it is for everybody
 * @param rights what they may do
 */
public record RuleText(String place, Map<String, List<String>> wanted, boolean anyone, Rights rights) {
    /** Copies the map. */
    public RuleText {
        wanted = Map.copyOf(wanted);
    }
}
