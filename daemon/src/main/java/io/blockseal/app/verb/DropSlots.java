package io.blockseal.app.verb;

import io.blockseal.control.ArgumentException;
import io.blockseal.control.Arguments;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** The argument that names key slots to let go, because their keys are not at hand. */
public final class DropSlots {
    private static final String NAME = "dropSlots";
    private static final int LAST = 15;

    private DropSlots() {}

    /** Among the arguments of a verb. */
    public static Arguments in(Arguments arguments, Collection<Integer> slots) {
        return arguments.texts(NAME, slots.stream().map(String::valueOf).toList());
    }

    /** Those that a call names. */
    static Set<Integer> of(Arguments arguments) throws ArgumentException {
        Set<Integer> slots = new TreeSet<>();
        List<String> texts = arguments.texts(NAME);
        for (String text : texts) {
            if (!text.matches("[0-9]{1,2}") || Integer.parseInt(text) > LAST) {
                throw new ArgumentException("'" + NAME + "' has " + text + "; a volume has the key slots 0 to 15");
            }
            slots.add(Integer.parseInt(text));
        }
        return slots;
    }
}
