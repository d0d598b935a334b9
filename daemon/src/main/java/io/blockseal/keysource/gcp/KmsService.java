package io.blockseal.keysource.gcp;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.json.KeyDocument;
import io.blockseal.keysource.json.KeyReply;
import io.blockseal.keysource.rest.Backoff;
import io.blockseal.keysource.rest.RestClient;
import io.blockseal.keysource.rest.RestConnection;
import io.blockseal.keysource.rest.RestRequest;
import io.blockseal.keysource.rest.RestResponse;
import java.io.IOException;
import java.net.URI;
import java.util.Arrays;
import java.util.Locale;

/** The service: questions in our name, and what its answers mean. From any thread; blocks. */
final class KmsService {
    private final String reference;
    private final URI key;
    private final RestClient client;
    private final GcpIdentity identity;

    /** {@code key} is the key's address, up to the colon and the verb. */
    KmsService(String reference, URI key, RestConnection connection, Backoff backoff, GcpIdentity identity) {
        this.reference = reference;
        this.key = key;
        this.client = new RestClient(connection, backoff);
        this.identity = identity;
    }

    /** What the service knows of the key; the caller closes the answer, which may be a refusal. */
    RestResponse describe() throws KeySourceException {
        return send(RestRequest.get(key));
    }

    /** Asks; the caller closes the answer, which may be a refusal. Wipes the question. */
    RestResponse ask(String verb, KeyDocument question) throws KeySourceException {
        byte[] body = question.toBytes();
        question.close();
        try {
            return send(RestRequest.post(URI.create(key + ":" + verb), body));
        } finally {
            Arrays.fill(body, (byte) 0);
        }
    }

    private RestResponse send(RestRequest request) throws KeySourceException {
        try {
            RestResponse answer = sendAsWeAre(request);
            if (answer.status() != 401) {
                return answer;
            }
            // A token may be taken back before its time; another one is had at once.
            answer.close();
            identity.forget();
            return sendAsWeAre(request);
        } catch (KeySourceException trouble) {
            throw new KeySourceException(trouble.kind(), reference + ": " + trouble.getMessage(), trouble);
        }
    }

    private RestResponse sendAsWeAre(RestRequest request) throws KeySourceException {
        return client.send(request.with("Authorization", "Bearer " + identity.token()));
    }

    /**
     * What it complains of.
     *
     * @param status the name of the error, as in {@code google.rpc.Code}
     * @param words what it says
     */
    record Complaint(String status, String words) {
        static Complaint of(RestResponse answer) {
            if (answer.isOk()) {
                return new Complaint("", "");
            }
            try (KeyReply reply = KeyReply.of(answer.body())) {
                return new Complaint(
                        printable(reply.textOrEmpty("error.status")), printable(reply.textOrEmpty("error.message")));
            } catch (IOException notJson) {
                return new Complaint("", "");
            }
        }

        private static String printable(String text) {
            return text.replaceAll("\\p{Cntrl}", "?");
        }

        /** What we sent did not arrive as it was; it may the next time. */
        private boolean isOfAChecksum() {
            return status.equals("INVALID_ARGUMENT")
                    && words.toLowerCase(Locale.ROOT).contains("checksum");
        }

        private String text(int http) {
            String name = status.isEmpty() ? "HTTP " + http : status;
            return words.isEmpty() ? name : name + ": " + words;
        }
    }

    /** What a refusal means to a volume. */
    KeySourceException trouble(String doing, RestResponse answer) {
        Complaint complaint = Complaint.of(answer);
        String said = reference + ", " + doing + ": " + complaint.text(answer.status());
        if (answer.status() == 401) {
            return new KeySourceException(
                    Kind.UNREACHABLE,
                    said + ". This is about who we are, not about the key: check the credentials, and the clock");
        }
        if (complaint.isOfAChecksum()) {
            return new KeySourceException(
                    Kind.UNREACHABLE, said + ". Something on the way has damaged what we sent; ask again");
        }
        return new KeySourceException(kind(complaint.status(), answer.status()), said);
    }

    private static Kind kind(String status, int http) {
        return switch (status) {
            // Of a version that is disabled or destroyed the service says that what we ask for is not possible now.
            case "PERMISSION_DENIED", "NOT_FOUND", "FAILED_PRECONDITION" -> Kind.REFUSED;
            case "RESOURCE_EXHAUSTED" -> Kind.THROTTLED;
            case "UNAUTHENTICATED", "UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED", "ABORTED", "CANCELLED", "UNKNOWN" ->
                Kind.UNREACHABLE;
            default -> http == 429 ? Kind.THROTTLED : http >= 500 ? Kind.UNREACHABLE : Kind.MISCONFIGURED;
        };
    }

    /** Something was answered that is none of its answers. */
    KeySourceException malformed(IOException what) {
        return new KeySourceException(
                Kind.MISCONFIGURED,
                reference + ": " + key.getAuthority() + " has answered something else than was asked for: "
                        + what.getMessage());
    }
}
