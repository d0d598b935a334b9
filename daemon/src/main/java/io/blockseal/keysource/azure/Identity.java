package io.blockseal.keysource.azure;

import io.blockseal.keysource.KeySourceException;

/** Who we are to Azure, and how we prove it. */
interface Identity {
    /**
     * A new token for a kind of service, as {@code https://vault.azure.net}. Called by one thread at a time.
     *
     * @throws KeySourceException if there is none; never REFUSED, since that says nothing about a key
     */
    AccessToken fetch(String resource) throws KeySourceException;

    /** What it is, for messages. */
    String words();
}
