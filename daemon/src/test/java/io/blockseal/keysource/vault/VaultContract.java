package io.blockseal.keysource.vault;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.SourceContract;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a Vault server, a real one or the stub, does for us. */
abstract class VaultContract extends SourceContract {
    @TempDir
    Path folder;

    final VaultPremises vault() {
        return (VaultPremises) premises;
    }

    final String context() {
        return Base64.getEncoder().encodeToString(binding.volume().toString().getBytes(StandardCharsets.US_ASCII));
    }

    static String text(WrappedKey wrapped) {
        return new String(wrapped.blob(), StandardCharsets.US_ASCII);
    }

    final void assertServes(KeySource source) throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                Secret opened = source.unwrap(source.wrap(volumeKey, binding), binding)) {
            assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
        }
    }

    final KeySourceException failure(KeySource source) {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            return assertThrows(KeySourceException.class, () -> source.wrap(volumeKey, binding));
        }
    }

    @Test
    void opensForTheVolumeOnlyThatItWrappedFor() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            assertThrows(WrongKeyException.class, () -> source.unwrap(wrapped, new Binding(new UUID(1, 2))));
        }
    }

    @Test
    void refusesAKeyThatBindsToNoVolume() throws Exception {
        vault().write(vault().id + "/keys/plain", Map.of("derived", false));
        try (KeySource source = vault().source(context, "plain", "token-file=" + vault().tokenFile)) {
            KeySourceException refused = failure(source);
            assertEquals(Kind.MISCONFIGURED, refused.kind());
            assertTrue(refused.getMessage().contains("derived=true"), refused::getMessage);
        }
    }

    /** By min_decryption_version old copies of a header are made worthless. */
    @Test
    void isRefusedWhenTheVersionIsNotToBeDecryptedAnyMore() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey old = source.wrap(volumeKey, binding);
            premises.rotate();
            WrappedKey fresh = source.wrap(volumeKey, binding);
            vault().write(vault().id + "/keys/one/config", Map.of("min_decryption_version", 2));
            KeySourceException refused = assertThrows(KeySourceException.class, () -> source.unwrap(old, binding));
            assertEquals(Kind.REFUSED, refused.kind());
            assertTrue(refused.getMessage().contains("too old"), refused::getMessage);
            source.unwrap(fresh, binding).close();
        }
    }

    @Test
    void letsTheServerBringAWrappedKeyToTheNewestVersion() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey old = source.wrap(volumeKey, binding);
            premises.rotate();
            // Whoever may not encrypt can only have it done by the server.
            vault().allow("decrypt", "rewrap");
            WrappedKey fresh = source.rewrap(old, volumeKey, binding);
            assertEquals("2", fresh.version());
            try (Secret opened = source.unwrap(fresh, binding)) {
                assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
            }
        }
    }

    /** A slot of which the server opens nothing any more must not stay as it is for ever. */
    @Test
    void wrapsAsForTheFirstTimeWhatTheServerCannotOrMayNotRewrap() throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context);
                KeySource other = premises.otherSource(context)) {
            WrappedKey old = source.wrap(volumeKey, binding);
            premises.rotate();
            vault().allow("encrypt", "decrypt");
            assertOpens(source, source.rewrap(old, volumeKey, binding), volumeKey);
            vault().allow("encrypt", "decrypt", "rewrap");
            vault().write(vault().id + "/keys/one/config", Map.of("min_decryption_version", 2));
            assertOpens(source, source.rewrap(old, volumeKey, binding), volumeKey);
            assertOpens(other, other.rewrap(old, volumeKey, binding), volumeKey);
        }
    }

    private void assertOpens(KeySource source, WrappedKey wrapped, Secret volumeKey) throws Exception {
        try (Secret opened = source.unwrap(wrapped, binding)) {
            assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
        }
    }

    @Test
    void logsInByAppRole() throws Exception {
        try (KeySource source = vault().source(context, "one", vault().appRole("1h"))) {
            assertServes(source);
        }
    }

    @Test
    void aSecretIdThatIsNotAcceptedSaysNothingOfTheKey() throws Exception {
        String options = vault().appRole("1h");
        VaultPremises.secret(folder.resolve("secret-id"), "00000000-0000-0000-0000-000000000000");
        try (KeySource source = vault().source(context, "one", options)) {
            KeySourceException refused = failure(source);
            assertEquals(Kind.UNREACHABLE, refused.kind(), refused::getMessage);
            assertTrue(refused.getMessage().contains("does not let us log in"), refused::getMessage);
        }
    }

    @Test
    void takesTheTokenThatTheFileHoldsNow() throws Exception {
        try (KeySource source = premises.source(context)) {
            assertServes(source);
            VaultPremises.secret(vault().tokenFile, "hvs.nobody");
            assertEquals(Kind.UNREACHABLE, failure(source).kind());
            VaultPremises.secret(vault().tokenFile, vault().newToken());
            assertServes(source);
        }
    }

    /** A client that others wrote opens what we wrapped, and we what it wrapped, also anew under a newer version. */
    @Test
    void wrapsAsOtherClientsDo() throws Exception {
        String id = vault().id;
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = premises.source(context)) {
            WrappedKey ours = source.wrap(volumeKey, binding);
            String plaintext = vault().write(
                            id + "/decrypt/one", Map.of("ciphertext", text(ours), "context", context()))
                    .getData()
                    .get("plaintext");
            String theirs = vault().write(id + "/encrypt/one", Map.of("plaintext", plaintext, "context", context()))
                    .getData()
                    .get("ciphertext");
            premises.rotate();
            String anew = vault().write(id + "/rewrap/one", Map.of("ciphertext", text(ours), "context", context()))
                    .getData()
                    .get("ciphertext");
            assertTrue(anew.startsWith("vault:v2:"), anew);
            for (String each : new String[] {theirs, anew}) {
                try (Secret opened = source.unwrap(with(ours, each.getBytes(StandardCharsets.US_ASCII)), binding)) {
                    assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
                }
            }
        }
    }
}
