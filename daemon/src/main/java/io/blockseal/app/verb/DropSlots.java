package io.blockseal.app.verb;

import io.blockseal.control.ArgumentException;
import io.blockseal.control.Arguments;
import java.util.Collection;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** The arguments that name key slots to let go, because their keys are not at hand or may have leaked, and those to keep. */
public final class DropSlots {
    private static final String NAME = "dropSlots";
    private static final String KEEP = "keepSlots";
    private static final int LAST = 15;

    private DropSlots() {}

    /** Among the arguments of a verb. */
    public static Arguments in(Arguments arguments, Collection<Integer> slots) {
        return arguments.texts(NAME, slots.stream().map(String::valueOf).toList());
    }

    /** Likewise those whose keys are known not to have leaked. */
    public static Arguments keptIn(Arguments arguments, Collection<Integer> slots) {
        return arguments.texts(KEEP, slots.stream().map(String::valueOf).toList());
    }

    /** Those that a call names. */
    static Set<Integer> of(Arguments arguments) throws ArgumentException {
        return slots(arguments, NAME);
    }

    /** Likewise those to keep. */
    static Set<Integer> keptOf(Arguments arguments) throws ArgumentException {
        return slots(arguments, KEEP);
    }

    private static Set<Integer> slots(Arguments arguments, String name) throws ArgumentException {
        Set<Integer> slots = new TreeSet<>();
        List<String> texts = arguments.texts(name);
        for (String text : texts) {
            if (!text.matches("[0-9]{1,2}") || Integer.parseInt(text) > LAST) {
                throw new ArgumentException("'" + name + "' has " + text + "; a volume has the key slots 0 to 15");
            }
            slots.add(Integer.parseInt(text));
        }
        return slots;
    }
}
