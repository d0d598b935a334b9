package io.blockseal.keysource.azure;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.json.KeyReply;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * One version of a key, as its vault describes it.
 *
 * @param version 32 hexadecimal digits
 * @param type {@code RSA}, {@code RSA-HSM}, {@code oct-HSM}, ...
 * @param enabled whether the vault will use it
 * @param operations what it may be used for; empty if the vault does not say
 */
record VaultKey(String version, String type, boolean enabled, Set<String> operations) {
    /** What an answer says. */
    static VaultKey of(KeyReply reply, KeyAddress key) throws IOException {
        Set<String> operations = new HashSet<>();
        for (int i = 0; reply.text("key.key_ops." + i) != null; i++) {
            operations.add(reply.require("key.key_ops." + i));
        }
        return new VaultKey(
                versionOf(reply.require("key.kid"), key),
                reply.require("key.kty"),
                !reply.textOrEmpty("attributes.enabled").equals("false"),
                operations);
    }

    /** The version in the identifier of our key, {@code https://VAULT/keys/NAME/VERSION}. */
    static String versionOf(String kid, KeyAddress key) throws IOException {
        String[] parts = kid.split("/", -1);
        int last = parts.length - 1;
        if (last < 2
                || !parts[last - 2].equals("keys")
                || !parts[last - 1].equalsIgnoreCase(key.name())
                || !parts[last].matches("[A-Za-z0-9-]{1,64}")) {
            throw new IOException("its 'kid' is not a version of " + key.name());
        }
        return parts[last];
    }

    /** How it wraps. */
    WrapAlgorithm algorithm(String reference) throws KeySourceException {
        return switch (type) {
            case "RSA", "RSA-HSM" -> WrapAlgorithm.RSA_OAEP_256;
            case "oct", "oct-HSM" -> WrapAlgorithm.OPAQUE;
            default ->
                throw new KeySourceException(
                        Kind.MISCONFIGURED,
                        reference + ": a key of type " + ServiceWords.printable(type)
                                + " wraps no keys; it has to be RSA, RSA-HSM or oct-HSM");
        };
    }

    /** Refuses a disabled key. */
    void requireEnabled(String reference) throws KeySourceException {
        if (!enabled) {
            throw new KeySourceException(
                    Kind.REFUSED, reference + ": the version " + version + " is disabled. Enable it in the vault");
        }
    }

    /** Refuses a key that may not wrap, or may not open again what it wraps. */
    void requireOperations(String reference) throws KeySourceException {
        for (String operation : List.of("wrapKey", "unwrapKey")) {
            if (!operations.isEmpty() && !operations.contains(operation)) {
                throw new KeySourceException(
                        Kind.MISCONFIGURED,
                        reference + ": the version " + version + " may not be used for " + operation
                                + ". Permit it: az keyvault key set-attributes --ops wrapKey unwrapKey");
            }
        }
    }
}
