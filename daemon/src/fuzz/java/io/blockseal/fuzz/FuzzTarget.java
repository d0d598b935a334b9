package io.blockseal.fuzz;

/**
 * One place where bytes from strangers come in. A target gives them to the code that reads them and checks what must
 * hold whatever they say. It knows nothing of the engine that makes up the bytes: {@link FuzzEntry} is called by that,
 * {@link FuzzCorpusTest} runs the same targets over the inputs that are kept.
 *
 * <p>Most targets take their input in two ways, chosen by its first byte: as the bytes themselves, or as a little program
 * that changes a sound example and then makes checksums and MACs right again. An engine that only flips bits would never
 * get behind a CRC.
 */
public interface FuzzTarget {
    /**
     * Runs one input. Exceptions that the code under test declares are the target's to catch; whatever leaves this
     * method is a finding. The same input always does the same.
     */
    void run(byte[] input) throws Exception;

    /** The inputs to start from. */
    Seeds seeds();

    /** How much heap one input may make the code under test allocate. */
    default long allocatedBytesMax() {
        return 64L << 20;
    }

    /** States a promise; breaking it is a finding. */
    static void promise(boolean kept, String what) {
        if (!kept) {
            throw new AssertionError(what);
        }
    }
}
