package io.blockseal.volume.slot;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;

/**
 * How the key slot that gave a volume key wraps it.
 *
 * @param algorithm as the slot has it
 * @param anybodyCanWrap whether anybody could have made the slot
 */
public record WrappedBy(WrapAlgorithm algorithm, boolean anybodyCanWrap) {
    static WrappedBy of(KeySource source, WrappedKey wrapped) {
        return new WrappedBy(wrapped.algorithm(), source.anybodyCanWrap(wrapped));
    }
}
