package io.blockseal.crypto;

/** Finds keys that somebody has forgotten to wipe, in an arena with few slots. */
public final class KeyLeaks {
    private KeyLeaks() {}

    /** Fails unless all of the {@code slotCount} slots are free. */
    public static void requireNone(KeyArena keys, int slotCount) {
        Secret[] all = new Secret[slotCount];
        for (int i = 0; i < slotCount; i++) {
            all[i] = Secret.empty(keys);
        }
        for (Secret secret : all) {
            secret.close();
        }
    }
}
