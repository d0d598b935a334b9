package io.blockseal.crypto;

/** Where unpredictable bytes come from; passed in, so that tests can hand out a broken one. From any thread. */
@FunctionalInterface
public interface RandomSource {
    /** Fills all of {@code target}. */
    void fill(byte[] target);
}
