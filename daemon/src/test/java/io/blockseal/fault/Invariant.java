package io.blockseal.fault;

import java.util.Map;

/**
 * What holds after every crash: the volume opens; each sector reads as something that the {@link Model} allows, so that
 * nothing flushed is lost, nothing unwritten is anything but zeros, and nothing is noise; no range has fewer generations
 * than it had; and work goes on.
 */
final class Invariant {
    private Invariant() {}

    /** Throws {@link AssertionError} if it does not hold of what was seen after a cut at {@code position}. */
    static void check(Model model, int position, Sight sight, boolean mayRefuse) {
        if (!sight.opened()) {
            if (!mayRefuse) {
                throw new AssertionError("does not open: " + sight.refusal(), sight.refusal());
            }
            return;
        }
        for (Map.Entry<Integer, Sight.OfRange> entry : sight.ranges().entrySet()) {
            int range = entry.getKey();
            int[] sectors = entry.getValue().sectors();
            for (int i = 0; i < sectors.length; i++) {
                int sector = range * Layout.SECTORS_PER_RANGE + i;
                if (sectors[i] != Sight.UNSEEN && !model.allows(sector, sectors[i], position)) {
                    throw new AssertionError("sector " + i + " of range " + range + " reads as " + name(sectors[i])
                            + ", but was to be " + model.allowed(sector, position));
                }
            }
            long floor = model.generationFloor(range, position);
            if (sight.generation(range) < floor) {
                throw new AssertionError(
                        "range " + range + " has generation " + sight.generation(range) + ", but had " + floor);
            }
        }
        if (!sight.complaint().isEmpty()) {
            throw new AssertionError(sight.complaint());
        }
    }

    static String name(int content) {
        return switch (content) {
            case SectorContent.ZEROS -> "zeros";
            case SectorContent.NOISE -> "noise";
            case SectorContent.TORN_HOLE -> "noise over ciphertext of zeros";
            case SectorContent.UNREADABLE -> "unreadable";
            default -> "write " + content;
        };
    }
}
