package io.blockseal.volume;

import io.blockseal.block.Errno;
import io.blockseal.crypto.XtsEngine;
import io.blockseal.store.BlockStore;
import io.blockseal.volume.table.RangeWord;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What the data path needs of an open volume, and nothing more: so a device can be tested without metadata. */
public interface DataPlane {
    /** Sizes and offsets; fixed while open. */
    VolumeShape shape();

    /** Where ciphertext lies. */
    BlockStore dataStore();

    /** The data cipher. */
    XtsEngine xts();

    /** The range's {@link RangeWord}, by one acquire load. From any thread. */
    long word(long rangeIndex);

    /**
     * Requests pass this gate from now on, which is asked before ranges are changed under them. On its loop. A plane whose
     * ranges stay as they are need not care.
     */
    default void attach(LoopGate gate) {}

    /** No request passes this gate any more. On its loop. */
    default void detach(LoopGate gate) {}

    /**
     * Where to note what was written while a range is being copied, or null if none is. Whoever has changed bytes of the
     * store, or may have, notes them before the request is completed. From any thread.
     */
    default @Nullable WrittenChunks writtenChunks() {
        return null;
    }

    /** What becomes of a request to a range that is held: it waits if this is OK, else it fails so. From any thread. */
    default Errno whileHeld() {
        return Errno.OK;
    }

    /** Whether all ranges are held, or soon will be, for as long as somebody pleases, and requests wait. From any thread. */
    default boolean isFrozen() {
        return false;
    }

    /** A guest has discarded something in the range, and the store has done it. From any thread; never blocks. */
    default void discarded(long rangeIndex) {}

    /** So much was enciphered under the range's DEK. From any thread, before the request ends; never blocks. */
    default void enciphered(long rangeIndex, long lengthBytes) {}

    /** A loop's own cache of unwrapped DEKs; used and closed on that loop's thread. */
    DekCache openCache();

    /**
     * Gives a NONE or SHREDDED range a DEK and a slot that reads as zeros, durably, together with its neighbours on the
     * same table page. {@code whenDone} runs on {@code loop} with OK once the range is ACTIVE, also if it already was.
     * Never blocks; from any thread.
     */
    void allocate(long rangeIndex, Executor loop, Consumer<Errno> whenDone);
}
