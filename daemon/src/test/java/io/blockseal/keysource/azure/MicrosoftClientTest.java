package io.blockseal.keysource.azure;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.azure.core.credential.AccessToken;
import com.azure.core.credential.TokenCredential;
import com.azure.core.exception.HttpResponseException;
import com.azure.core.http.HttpClient;
import com.azure.core.http.jdk.httpclient.JdkHttpClientBuilder;
import com.azure.security.keyvault.keys.KeyClient;
import com.azure.security.keyvault.keys.KeyClientBuilder;
import com.azure.security.keyvault.keys.KeyServiceVersion;
import com.azure.security.keyvault.keys.cryptography.CryptographyClient;
import com.azure.security.keyvault.keys.cryptography.CryptographyClientBuilder;
import com.azure.security.keyvault.keys.cryptography.CryptographyServiceVersion;
import com.azure.security.keyvault.keys.cryptography.models.KeyWrapAlgorithm;
import com.azure.security.keyvault.keys.models.CreateRsaKeyOptions;
import com.azure.security.keyvault.keys.models.KeyOperation;
import com.azure.security.keyvault.keys.models.KeyVaultKey;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.json.KeyDocument;
import io.blockseal.keysource.rest.TlsFiles;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.OffsetDateTime;
import java.util.UUID;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import reactor.core.publisher.Mono;

/**
 * Microsoft's own client of Key Vault at the same stub: so it is not merely the mirror of our client, and the two read
 * each other's wrapped keys.
 */
class MicrosoftClientTest {
    private final CryptoEngine engine = new JavaCryptoEngine();
    private final KeySourceContext context =
            new KeySourceContext(engine, null, name -> null, () -> new byte[0], use -> {});
    private final Binding binding = new Binding(UUID.fromString("01234567-89ab-cdef-0123-456789abcdef"));
    private KeyVaultStub vault;
    private HttpClient http;
    private TokenCredential us;
    private KeyClient keys;

    @TempDir
    Path folder;

    @BeforeEach
    void openTheVault() throws Exception {
        vault = new KeyVaultStub(folder);
        http = new JdkHttpClientBuilder(java.net.http.HttpClient.newBuilder().sslContext(trusting())).build();
        us = request -> Mono.fromSupplier(() -> new AccessToken(
                vault.issue(request.getScopes().get(0).replaceFirst("/\\.default$", "")),
                OffsetDateTime.now().plusHours(1)));
        keys = new KeyClientBuilder()
                .vaultUrl(vault.server().url())
                .credential(us)
                .httpClient(http)
                .serviceVersion(KeyServiceVersion.V7_4)
                .disableChallengeResourceVerification()
                .buildClient();
    }

    @AfterEach
    void closeTheVault() throws Exception {
        vault.close();
        engine.close();
    }

    private SSLContext trusting() throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        store.setCertificateEntry(
                "stub",
                TlsFiles.certificates(vault.server().caFile()).iterator().next());
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext tls = SSLContext.getInstance("TLS");
        tls.init(null, trust.getTrustManagers(), null);
        return tls;
    }

    private CryptographyClient using(KeyVaultKey key) {
        return new CryptographyClientBuilder()
                .keyIdentifier(key.getId())
                .credential(us)
                .httpClient(http)
                .serviceVersion(CryptographyServiceVersion.V7_4)
                .disableChallengeResourceVerification()
                .buildClient();
    }

    @Test
    void readsWhatWeWroteAndWritesWhatWeRead() throws Exception {
        KeyVaultKey made = keys.createRsaKey(new CreateRsaKeyOptions("kek")
                .setKeySize(2048)
                .setKeyOperations(KeyOperation.WRAP_KEY, KeyOperation.UNWRAP_KEY));
        try (KeySource source = vault.source(context, "kek", "");
                Secret volumeKey = Secret.random(engine.keys(), 32)) {
            assertEquals(made.getProperties().getVersion(), source.newestVersion());
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            byte[] opened = using(made)
                    .unwrapKey(KeyWrapAlgorithm.RSA_OAEP_256, wrapped.blob())
                    .getKey();
            byte[] raw = KeyDocument.raw(engine, volumeKey);
            assertArrayEquals(raw, opened);

            // It wraps by itself, with the public key that the stub describes.
            byte[] theirs =
                    using(made).wrapKey(KeyWrapAlgorithm.RSA_OAEP_256, raw).getEncryptedKey();
            WrappedKey slot = new WrappedKey(
                    WrapAlgorithm.RSA_OAEP_256, source.reference(), wrapped.version(), new byte[0], theirs);
            try (Secret again = source.unwrap(slot, binding)) {
                assertTrue(engine.keys().same(volumeKey.key(), again.key()));
            }
        }
    }

    @Test
    void disablesAndRotatesTheKeyThatWeUse() throws Exception {
        KeyVaultKey one = keys.getKey("one");
        try (KeySource source = vault.source(context, "one", "");
                Secret volumeKey = Secret.random(engine.keys(), 32)) {
            WrappedKey wrapped = source.wrap(volumeKey, binding);
            keys.updateKeyProperties(one.getProperties().setEnabled(false));
            KeySourceException no = assertThrows(KeySourceException.class, () -> source.unwrap(wrapped, binding));
            assertEquals(Kind.REFUSED, no.kind(), no::getMessage);
            assertThrows(HttpResponseException.class, () -> using(one)
                    .unwrapKey(KeyWrapAlgorithm.RSA_OAEP_256, wrapped.blob()));
            keys.updateKeyProperties(one.getProperties().setEnabled(true));
            KeyVaultKey two = keys.rotateKey("one");
            assertEquals(two.getProperties().getVersion(), source.newestVersion());
            assertNotEquals(wrapped.version(), source.newestVersion());
            assertEquals(
                    two.getProperties().getVersion(),
                    source.wrap(volumeKey, binding).version());
            try (Secret opened = source.unwrap(wrapped, binding)) {
                assertTrue(engine.keys().same(volumeKey.key(), opened.key()));
            }
        }
    }
}
