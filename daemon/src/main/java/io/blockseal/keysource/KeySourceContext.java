package io.blockseal.keysource;

import io.blockseal.crypto.CryptoEngine;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * What key sources get from their surroundings, as they look at neither environment nor terminal themselves.
 *
 * @param engine where keys are kept
 * @param credentialsDirectory the value of {@code CREDENTIALS_DIRECTORY}, or null
 * @param environment other variables, by which platforms say where identities are to be had; never a secret
 * @param input where a passphrase or a recovery key is typed or read
 * @param uses told of every question to a source outside the process
 */
public record KeySourceContext(
        CryptoEngine engine,
        @Nullable Path credentialsDirectory,
        Environment environment,
        SecretInput input,
        KeyUses uses) {
    /** A look at the environment. */
    @FunctionalInterface
    public interface Environment {
        /** The variable's value, or null. */
        @Nullable
        String get(String name);
    }

    /** Told of every question to a source outside the process. From the thread that asked. */
    @FunctionalInterface
    public interface KeyUses {
        /** It was asked, and has answered or not. */
        void used(KeyUse use);
    }
}
