package io.blockseal.keysource.azure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.Secret;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeyUse;
import io.blockseal.keysource.Premises;
import io.blockseal.keysource.Premises.Trouble;
import io.blockseal.keysource.SourceContract;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.rest.RestStub.Reply;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Key Vault's REST interface against a stub of it that really wraps. */
class AzureKeySourceTest extends SourceContract {
    @TempDir
    Path folder;

    private KeyVaultStub vault;

    @Override
    protected Premises open() throws Exception {
        vault = new KeyVaultStub(folder);
        return vault;
    }

    private KeySourceException failure(String key, String options) throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32);
                KeySource source = vault.source(context, key, options)) {
            return assertThrows(KeySourceException.class, () -> source.wrap(volumeKey, binding));
        }
    }

    private void assertOpensAgain(KeySource source, WrapAlgorithm algorithm) throws Exception {
        try (Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            assertEquals(algorithm, wrapped.algorithm());
            try (Secret opened = source.unwrap(wrapped, binding)) {
                assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
            }
        }
    }

    /** A vault could otherwise ask for a token that opens our other things, and use it there. */
    @Test
    void givesNoTokenForWhatTheVaultDoesNotBelongTo() throws Exception {
        vault.wantTokensFor("https://management.azure.com");
        KeySourceException refused = failure("one", "");
        assertEquals(Kind.MISCONFIGURED, refused.kind());
        assertTrue(refused.getMessage().contains("https://management.azure.com"), refused::getMessage);
        assertTrue(refused.getMessage().contains("verify-challenge=false"), refused::getMessage);
        assertEquals(0, vault.tokensAskedFor());
    }

    @Test
    void doesSoForAVaultThatTheOperatorTrusts() throws Exception {
        vault.wantTokensFor("https://management.azure.com");
        try (KeySource source = vault.source(context, "one", "&verify-challenge=false")) {
            assertOpensAgain(source, WrapAlgorithm.RSA_OAEP_256);
        }
    }

    @Test
    void asksForOneTokenWhateverItDoes() throws Exception {
        try (KeySource source = vault.source(context, "one", "")) {
            assertOpensAgain(source, WrapAlgorithm.RSA_OAEP_256);
            assertOpensAgain(source, WrapAlgorithm.RSA_OAEP_256);
            assertEquals(1, vault.tokensAskedFor());
            vault.forgetTokens();
            assertOpensAgain(source, WrapAlgorithm.RSA_OAEP_256);
            assertEquals(2, vault.tokensAskedFor());
        }
    }

    @Test
    void takesSymmetricKeysOfAManagedHsm() throws Exception {
        vault.make("aes", "oct-HSM");
        try (KeySource source = vault.source(context, "aes", "");
                Secret volumeKey = Secret.random(engine.keys(), 32)) {
            assertOpensAgain(source, WrapAlgorithm.OPAQUE);
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            byte[] altered = wrapped.blob().clone();
            altered[3] ^= 1;
            assertThrows(WrongKeyException.class, () -> source.unwrap(with(wrapped, altered), binding));
        }
    }

    @Test
    void takesNoKeyThatCouldNotOpenAgain() throws Exception {
        vault.newest("one").operations = List.of("sign", "wrapKey");
        KeySourceException wrong = failure("one", "");
        assertEquals(Kind.MISCONFIGURED, wrong.kind());
        assertTrue(wrong.getMessage().contains("may not be used for unwrapKey"), wrong::getMessage);
        vault.newest("one").operations = List.of("wrapKey", "unwrapKey");
        vault.newest("one").enabled = false;
        assertEquals(Kind.REFUSED, failure("one", "").kind());
    }

    /** One emulator says that something is broken if a key is disabled, and that it is not there if asked about it. */
    @Test
    void findsOutThatAKeyIsDisabledWhereTheVaultSaysSomethingIsBroken() throws Exception {
        try (KeySource source = vault.source(context, "one", "");
                Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            vault.callDisabledBroken();
            vault.have(Trouble.DISABLED);
            KeySourceException refused = assertThrows(KeySourceException.class, () -> source.unwrap(wrapped, binding));
            assertEquals(Kind.REFUSED, refused.kind(), refused::getMessage);
            assertTrue(refused.getMessage().contains("disabled"), refused::getMessage);
        }
    }

    @Test
    void believesNoAnswerAboutAnotherKey() throws Exception {
        vault.refuse(Reply.json(
                200,
                vault.newest("one").describe("https://localhost/keys/two/1").toString()));
        KeySourceException wrong = failure("one", "");
        assertEquals(Kind.MISCONFIGURED, wrong.kind());
        assertTrue(wrong.getMessage().contains("not a version of one"), wrong::getMessage);
        vault.refuse(Reply.json(
                200,
                vault.newest("one")
                        .describe("https://localhost/keys/one/1")
                        .toString()
                        .replace("\"RSA\"", "\"EC\"")));
        assertTrue(failure("one", "").getMessage().contains("type EC"));
    }

    @Test
    void takesASlotsVersionOnlyIfItIsOne() throws Exception {
        try (KeySource source = vault.source(context, "one", "")) {
            assertTrue(source.mayOpen(slot(source, "0123abcd")));
            assertFalse(source.mayOpen(slot(source, "")));
            assertFalse(source.mayOpen(slot(source, "../../secrets/s")));
        }
    }

    private static WrappedKey slot(KeySource source, String version) {
        return new WrappedKey(WrapAlgorithm.RSA_OAEP_256, source.reference(), version, new byte[0], new byte[256]);
    }

    @Test
    void tellsTheAuditorTheVaultsOwnNumber() throws Exception {
        try (KeySource source = vault.source(context, "one", "")) {
            assertOpensAgain(source, WrapAlgorithm.RSA_OAEP_256);
        }
        for (KeyUse use : uses) {
            assertEquals("request-1", use.requestId(), use::toString);
        }
    }
}
