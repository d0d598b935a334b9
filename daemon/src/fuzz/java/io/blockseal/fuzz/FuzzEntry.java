package io.blockseal.fuzz;

/**
 * Where the fuzzing engine calls us: Jazzer looks for these two methods by their names. The target is the one that the
 * system property {@code blockseal.fuzz.target} names. {@code scripts/fuzz} starts it.
 */
public final class FuzzEntry {
    private static final FuzzBounds BOUNDS =
            new FuzzBounds(FuzzTargets.named(System.getProperty("blockseal.fuzz.target", "root")));

    private FuzzEntry() {}

    /** Loads the target before the clock of the first input runs. */
    public static void fuzzerInitialize() throws Exception {
        BOUNDS.warmUp();
    }

    /** One input. */
    public static void fuzzerTestOneInput(byte[] input) throws Exception {
        BOUNDS.run(input);
    }
}
