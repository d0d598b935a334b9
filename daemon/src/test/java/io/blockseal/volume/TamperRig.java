package io.blockseal.volume;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.blockseal.block.Errno;
import io.blockseal.format.MetadataLayout;
import io.blockseal.store.MemoryStore;

/**
 * A volume of 70 ranges with data in three of them, and the question that every tamper test asks: is it refused, and is
 * the store byte for byte as it was?
 */
public final class TamperRig {
    public static final long PAGES_A = 2 << 20;
    public static final long PAGES_B = 33 << 20;
    public static final long ROOT_B = MetadataLayout.ROOT_STRIDE_BYTES;

    public final VolumeFixture fixture = new VolumeFixture();
    public final MemoryStore store;
    private long writes;

    public TamperRig() throws Exception {
        store = fixture.create(70);
        try (Volume volume = fixture.open(store)) {
            fixture.write(volume, 0, 1);
            fixture.write(volume, 16, 2);
            fixture.write(volume, 40 * 16, 3);
        }
        // It never fails; it counts, which is quicker than to compare a store with what it was.
        store.failWhen(
                operation -> {
                    writes += operation.kind() == MemoryStore.Kind.FLUSH ? 0 : 1;
                    return false;
                },
                Errno.EIO);
    }

    public Forger forger() throws Exception {
        return new Forger(fixture.engine(), store, fixture.key(1));
    }

    /** Opening fails in this way and changes nothing. */
    <T extends Exception> T refused(Class<T> type) {
        return refused(type, store, OpenOptions.DEFAULT);
    }

    /** As above, for another store. */
    <T extends Exception> T refused(Class<T> type, MemoryStore attacked, OpenOptions options) {
        String before = attacked.fingerprint();
        T refusal = assertThrows(type, () -> fixture.open(attacked, options).close());
        assertEquals(before, attacked.fingerprint(), "a refusal changes nothing");
        return refusal;
    }

    /** As {@link #refused}, in a sweep of thousands: that nothing was changed is told by nothing having been written. */
    Exception refusedQuickly() {
        long before = writes;
        try {
            fixture.open(store).close();
        } catch (Exception e) {
            assertEquals(before, writes, "a refusal changes nothing");
            return e;
        }
        throw new AssertionError("it opened");
    }

    /** Puts an image in the place of both roots. */
    void pokeRoots(byte[] image) {
        store.poke(0, image);
        store.poke(ROOT_B, image);
    }
}
