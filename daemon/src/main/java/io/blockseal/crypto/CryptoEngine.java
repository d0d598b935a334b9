package io.blockseal.crypto;

/**
 * One implementation of everything secret: native (libcrypto through the shim) or pure Java. Chosen once, at start;
 * keys of one engine mean nothing to another.
 */
public interface CryptoEngine extends AutoCloseable {
    /** {@code native} or {@code java}, with what is behind it, for the start-up line. */
    String description();

    /** How well it keeps keys now; may become worse, when the system refuses to lock more memory. */
    KeyProtection protection();

    /** Where the keys are. */
    KeyArena keys();

    /** The data cipher. */
    XtsEngine xts();

    /** Wrapping. */
    KeyWrap wrap();

    /** Derivation and MACs. */
    KeyDerivation derivation();

    /** Fills the array from the kernel's generator: salts, nonces, UUIDs. */
    void fillRandom(byte[] target);

    /** Wipes what the calling thread has cached of any key. Called when a volume closes, on each loop. */
    void forgetThread();

    /** Wipes every key. */
    @Override
    void close();
}
