package io.blockseal.keysource;

import io.blockseal.crypto.CryptoEngine;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What key sources get from their surroundings, as they look at neither environment nor terminal themselves.
 *
 * @param engine where keys are kept
 * @param credentialsDirectory the value of {@code CREDENTIALS_DIRECTORY}, or null
 * @param input where a passphrase or a recovery key is typed or read
 */
public record KeySourceContext(
        CryptoEngine engine, @Nullable Path credentialsDirectory, SecretInput input) {}
