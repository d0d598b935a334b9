package io.blockseal.fault;

/**
 * What holds after every crash: the volume opens; each sector reads as something that the {@link Model} allows, so that
 * nothing flushed is lost, nothing unwritten is anything but zeros, and nothing is noise; no range has fewer generations
 * than it had; and work goes on.
 */
final class Invariant {
    private Invariant() {}

    static void check(Scene scene, int position, Sight sight, boolean mayRefuse) {
        if (!sight.opened()) {
            if (!mayRefuse) {
                throw new AssertionError("does not open: " + sight.refusal(), sight.refusal());
            }
            return;
        }
        Model model = scene.model();
        for (int sector = 0; sector < sight.sectors().length; sector++) {
            int content = sight.sectors()[sector];
            if (content != Sight.UNSEEN && !model.allows(sector, content, position)) {
                throw new AssertionError("sector " + sector + " reads as " + name(content) + ", but was to be "
                        + model.allowed(sector, position));
            }
        }
        for (int range = 0; range < sight.rangeCount(); range++) {
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

    private static String name(int content) {
        return switch (content) {
            case SectorContent.ZEROS -> "zeros";
            case SectorContent.NOISE -> "noise";
            case SectorContent.TORN_HOLE -> "noise over ciphertext of zeros";
            case SectorContent.UNREADABLE -> "unreadable";
            default -> "write " + content;
        };
    }
}
