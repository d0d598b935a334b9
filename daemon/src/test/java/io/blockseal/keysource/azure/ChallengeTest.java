package io.blockseal.keysource.azure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.rest.RestResponse;
import java.net.http.HttpHeaders;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** A token goes only to whom it is meant for. */
class ChallengeTest {
    private static RestResponse asking(String... challenges) {
        return new RestResponse(
                401, HttpHeaders.of(Map.of("WWW-Authenticate", List.of(challenges)), (a, b) -> true), new byte[0]);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "Bearer authorization=\"https://login.windows.net/t\", resource=\"https://vault.azure.net\"",
                "bearer resource=https://vault.azure.net, authorization_uri=https://login.windows.net/t",
                "Bearer authorization=\"x\", scope=\"https://vault.azure.net/.default\"",
                "Bearer resource=\"https://vault.azure.net/\"",
            })
    void readsTheFormsThatAreInUse(String header) throws Exception {
        assertEquals(
                "https://vault.azure.net",
                new Challenge("prod.vault.azure.net", true).resource(asking("Basic", header)));
    }

    @Test
    void takesTheVaultItselfForItsDomain() throws Exception {
        assertEquals(
                "https://localhost:8443",
                new Challenge("localhost", true).resource(asking("Bearer resource=\"https://localhost:8443\"")));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "https://graph.microsoft.com",
                "https://vault.azure.com",
                "https://evil-vault.azure.net",
                "https://prod.vault.azure.net.evil.example",
                "https://net",
                "http://vault.azure.net",
                "https://vault.azure.net@evil.example",
                "https://",
                "vault.azure.net"
            })
    void believesNothingElse(String resource) {
        Challenge challenge = new Challenge("prod.vault.azure.net", true);
        assertThrows(
                KeySourceException.class,
                () -> challenge.resource(asking("Bearer resource=\"" + resource + "\"")),
                resource);
    }

    @ParameterizedTest
    @CsvSource({
        "prod.vault.azure.net, https://vault.azure.net",
        "hsm.managedhsm.azure.net, https://managedhsm.azure.net",
        "localhost, https://localhost",
        "vault.example, https://vault.example",
        "127.0.0.1, https://127.0.0.1"
    })
    void guessesWhereAVaultDoesNotSay(String host, String resource) throws Exception {
        Challenge challenge = new Challenge(host, true);
        assertEquals(null, challenge.resource(asking("Basic realm=\"x\"")));
        assertEquals(resource, challenge.guess());
    }
}
