package io.blockseal.keysource.vault;

import io.blockseal.keysource.KeySourceException;

/** How we come to a token. From one thread at a time. */
interface VaultIdentity {
    /**
     * A token, asked for or read just now.
     *
     * @throws KeySourceException UNREACHABLE also if the server does not accept what we show: that says nothing of the key
     */
    VaultToken obtain(VaultServer server) throws KeySourceException;

    /** Whether another token than this one should be used from now on, as far as can be seen without asking the server. */
    boolean hasReplaced(VaultToken token) throws KeySourceException;

    /** Whether a token that has expired can be replaced by asking for another. */
    boolean canLogIn();
}
