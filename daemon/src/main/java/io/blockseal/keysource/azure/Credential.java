package io.blockseal.keysource.azure;

import io.blockseal.keysource.KeySourceException;

/** How an application proves to Entra ID who it is: a secret, or a statement that somebody has signed. */
interface Credential {
    /** Adds the proof to a request for a token at {@code tokenEndpoint}; reads its files each time, as they change. */
    void prove(FormBody form, String clientId, String tokenEndpoint) throws KeySourceException;

    /** What it is, for messages. */
    String words();
}
