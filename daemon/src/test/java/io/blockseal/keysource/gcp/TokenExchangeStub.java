package io.blockseal.keysource.gcp;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.blockseal.keysource.rest.RestStub;
import io.blockseal.keysource.rest.RestStub.Ask;
import io.blockseal.keysource.rest.RestStub.Reply;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Supplier;

/**
 * A stub of Google's Security Token Service (RFC 8693), which takes another platform's token for one of its own, and of the
 * call by which that becomes the token of a service account; made from their references.
 */
final class TokenExchangeStub {
    static final String AUDIENCE =
            "//iam.googleapis.com/projects/42/locations/global/workloadIdentityPools/cluster/providers/k8s";

    private static final String EXCHANGE = "/sts/v1/token";
    private static final String IMPERSONATE =
            "/v1/projects/-/serviceAccounts/volumes@acme-prod.iam.gserviceaccount.com:generateAccessToken";
    private static final String JWT = "urn:ietf:params:oauth:token-type:jwt";
    private static final String ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token";
    private static final ObjectMapper JSON = new ObjectMapper();

    /** Tokens of the other platform that are believed. */
    final List<String> believed = new CopyOnWriteArrayList<>();
    /** Scopes that were asked for, one after the other. */
    final List<String> scopes = new CopyOnWriteArrayList<>();

    private final List<String> exchanged = new CopyOnWriteArrayList<>();
    private final Supplier<String> newToken;

    /** {@code newToken} makes one that opens keys. */
    TokenExchangeStub(Supplier<String> newToken) {
        this.newToken = newToken;
    }

    /** The file that {@code gcloud iam workload-identity-pools create-cred-config} writes. */
    static Path configuration(Path file, String url, Path subjectToken, boolean impersonates) throws IOException {
        ObjectNode account = JSON.createObjectNode();
        account.put("universe_domain", "googleapis.com").put("type", "external_account");
        account.put("audience", AUDIENCE).put("subject_token_type", JWT).put("token_url", url + EXCHANGE);
        if (impersonates) {
            account.put("service_account_impersonation_url", url + IMPERSONATE);
        }
        account.putObject("credential_source")
                .put("file", subjectToken.toString())
                .putObject("format")
                .put("type", "text");
        Files.writeString(file, account.toString());
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    /** Answers; null if the question is not for this service. */
    Reply answer(Ask ask) throws IOException {
        return switch (ask.path()) {
            case EXCHANGE -> exchange(RestStub.form(new String(ask.body(), StandardCharsets.UTF_8)));
            case IMPERSONATE -> impersonate(ask);
            default -> null;
        };
    }

    private Reply exchange(Map<String, String> form) {
        boolean right = "urn:ietf:params:oauth:grant-type:token-exchange".equals(form.get("grant_type"))
                && ACCESS_TOKEN.equals(form.get("requested_token_type"))
                && JWT.equals(form.get("subject_token_type"))
                && AUDIENCE.equals(form.get("audience"));
        if (!right || !believed.contains(form.get("subject_token"))) {
            return Reply.json(
                    400,
                    "{\"error\":\"invalid_grant\",\"error_description\":\"The credential was not accepted by the"
                            + " identity provider.\"}");
        }
        scopes.add(form.get("scope"));
        String token = newToken.get();
        exchanged.add(token);
        ObjectNode answer = JSON.createObjectNode().put("access_token", token);
        answer.put("issued_token_type", ACCESS_TOKEN)
                .put("token_type", "Bearer")
                .put("expires_in", 3600);
        return Reply.json(200, answer.toString());
    }

    private Reply impersonate(Ask ask) throws IOException {
        if (!exchanged.contains(ask.header("Authorization").replaceFirst("^Bearer ", ""))) {
            return CloudKmsStub.error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.");
        }
        JsonNode question = JSON.readTree(CloudKmsStub.body(ask));
        scopes.add(question.path("scope").path(0).asText());
        ObjectNode answer = JSON.createObjectNode().put("accessToken", newToken.get());
        answer.put(
                "expireTime",
                Instant.now().plusSeconds(3600).truncatedTo(ChronoUnit.SECONDS).toString());
        return Reply.json(200, answer.toString());
    }
}
