package io.blockseal.keysource.azure;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.json.KeyReply;
import io.blockseal.keysource.rest.RestResponse;
import java.io.IOException;
import java.util.Set;

/**
 * What a vault says when it does not do what it was asked.
 *
 * @param status of HTTP
 * @param code {@code Forbidden}, {@code KeyNotFound}, ...; may be empty
 * @param innerCode {@code KeyDisabled}, {@code ForbiddenByRbac}, ...; may be empty
 * @param words for people
 */
record VaultTrouble(int status, String code, String innerCode, String words) {
    /** It refuses where we come from, which says nothing about the key. */
    private static final Set<String> NETWORK = Set.of("ForbiddenByFirewall", "ForbiddenByConnection");

    /** What an answer says; the caller closes it. */
    static VaultTrouble of(RestResponse response) {
        try (KeyReply reply = KeyReply.of(response.body())) {
            return new VaultTrouble(
                    response.status(),
                    ServiceWords.printable(reply.textOrEmpty("error.code")),
                    ServiceWords.printable(reply.textOrEmpty("error.innererror.code")),
                    ServiceWords.printable(reply.textOrEmpty("error.message")));
        } catch (IOException silent) {
            return new VaultTrouble(response.status(), "", "", "");
        }
    }

    /** Whether what we sent does not fit the key, which is how a vault says that it cannot decipher it. */
    boolean isBadParameter() {
        return status == 400 && code.equals("BadParameter");
    }

    /** Whether it is a definite word about the key itself, and not about who asks. */
    boolean isAboutTheKey() {
        return (status == 404 && !code.isEmpty()) || innerCode.equals("KeyDisabled");
    }

    /** Whether and how to go on. */
    KeySourceException toException(String reference) {
        return new KeySourceException(
                kind(),
                reference + ": HTTP " + status + (code.isEmpty() ? "" : " " + code)
                        + (innerCode.isEmpty() ? "" : " (" + innerCode + ")")
                        + (words.isEmpty() ? "" : ": " + words.replaceFirst("\\.$", "")) + advice());
    }

    private Kind kind() {
        return switch (status) {
            case 401, 408 -> Kind.UNREACHABLE;
            // Without a code this is no vault, but something on the way to it, or no such path in it.
            case 403 -> code.isEmpty() || NETWORK.contains(innerCode) ? Kind.UNREACHABLE : Kind.REFUSED;
            case 404 -> code.isEmpty() ? Kind.MISCONFIGURED : Kind.REFUSED;
            case 409 -> innerCode.contains("Deleted") ? Kind.REFUSED : Kind.UNREACHABLE;
            case 429 -> Kind.THROTTLED;
            default -> status >= 500 ? Kind.UNREACHABLE : Kind.MISCONFIGURED;
        };
    }

    private String advice() {
        return switch (status) {
            case 401 -> ". It does not accept our token: check the tenant and the clock";
            case 403 ->
                code.isEmpty() || NETWORK.contains(innerCode)
                        ? ". It does not take calls from this network"
                        : ". The identity needs the rights get, wrapKey and unwrapKey, and the key has to be enabled";
            case 404 ->
                code.isEmpty()
                        ? ". There is no vault at this address"
                        : ". If the key was deleted, recover it: az keyvault key recover";
            default -> "";
        };
    }
}
