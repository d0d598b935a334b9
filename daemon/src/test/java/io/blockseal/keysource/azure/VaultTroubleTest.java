package io.blockseal.keysource.azure;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.rest.RestResponse;
import java.net.http.HttpHeaders;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What must be taken for a revoked key, and what must not. */
class VaultTroubleTest {
    private static VaultTrouble of(int status, String body) {
        return VaultTrouble.of(
                new RestResponse(status, HttpHeaders.of(Map.of(), (name, value) -> true), body.getBytes()));
    }

    @ParameterizedTest
    @CsvSource({
        "401, Unauthorized, '', UNREACHABLE",
        "403, Forbidden, ForbiddenByRbac, REFUSED",
        "403, Forbidden, AccessDenied, REFUSED",
        "403, Forbidden, KeyDisabled, REFUSED",
        "403, Forbidden, ForbiddenByFirewall, UNREACHABLE",
        "403, Forbidden, ForbiddenByConnection, UNREACHABLE",
        "404, KeyNotFound, '', REFUSED",
        "409, Conflict, ObjectIsDeletedButRecoverable, REFUSED",
        "409, Conflict, ObjectIsBeingDeleted, REFUSED",
        "409, Conflict, ObjectIsBeingRecovered, UNREACHABLE",
        "409, Conflict, '', UNREACHABLE",
        "400, BadParameter, '', MISCONFIGURED",
        "405, MethodNotAllowed, '', MISCONFIGURED",
        "408, Timeout, '', UNREACHABLE",
        "429, Throttled, '', THROTTLED",
        "500, InternalServerError, '', UNREACHABLE",
        "503, ServiceUnavailable, '', UNREACHABLE"
    })
    void tellsADefiniteNoFromTroubleThatPasses(int status, String code, String inner, Kind kind) {
        KeySourceException trouble = of(
                        status,
                        "{\"error\":{\"code\":\"" + code + "\",\"message\":\"So it is.\",\"innererror\":{\"code\":\""
                                + inner + "\"}}}")
                .toException("azure-keyvault:https://v");
        assertEquals(kind, trouble.kind(), trouble::getMessage);
        String begin = "azure-keyvault:https://v: HTTP " + status + " " + code
                + (inner.isEmpty() ? "" : " (" + inner + ")") + ": So it is";
        assertTrue(trouble.getMessage().startsWith(begin), trouble::getMessage);
        assertTrue(!trouble.getMessage().contains(".."), trouble::getMessage);
    }

    /** A proxy, a gateway, or the wrong host. */
    @ParameterizedTest
    @CsvSource({"403, UNREACHABLE", "404, MISCONFIGURED", "502, UNREACHABLE"})
    void doesNotTakeTheWordOfWhatIsNoVault(int status, Kind kind) {
        assertEquals(kind, of(status, "<html>Blocked").toException("v").kind());
        assertEquals(kind, of(status, "{\"message\":\"no\"}").toException("v").kind());
    }

    @Test
    void repeatsNothingThatCouldBeAKey() {
        String key = "q83vEjRWeJq83vEjRWeJq83vEjRWeJq83vEjRWeJq80";
        String words = of(
                        400,
                        "{\"error\":{\"code\":\"BadParameter\",\"message\":\"bad value '" + key + "'\\n\\u001b[2J\"}}")
                .toException("v")
                .getMessage();
        assertTrue(words.contains("bad value '...'"), words);
        assertTrue(words.chars().noneMatch(Character::isISOControl), words);
    }
}
