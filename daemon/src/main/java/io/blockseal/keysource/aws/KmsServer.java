package io.blockseal.keysource.aws;

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
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import software.amazon.awssdk.http.SdkHttpRequest;

/** The service: signed questions, and what its answers mean. From any thread; blocks. */
final class KmsServer implements AutoCloseable {
    private static final Set<String> THROTTLING =
            Set.of("ThrottlingException", "Throttling", "LimitExceededException", "RequestLimitExceeded");
    private static final Set<String> DEFINITE =
            Set.of("DisabledException", "NotFoundException", "AccessDeniedException");
    private static final Set<String> IDENTITY = Set.of(
            "UnrecognizedClientException",
            "InvalidClientTokenId",
            "InvalidSignatureException",
            "SignatureDoesNotMatch",
            "IncompleteSignatureException",
            "IncompleteSignature",
            "MissingAuthenticationTokenException",
            "MissingAuthenticationToken",
            "ExpiredTokenException",
            "RequestExpired",
            "OptInRequired");
    /** Our client sets them itself. */
    private static final Set<String> OWN_HEADERS = Set.of("host", "content-length");

    private final String reference;
    private final URI endpoint;
    private final String region;
    private final RestClient client;
    private final AwsIdentity identity;

    KmsServer(
            String reference,
            URI endpoint,
            String region,
            RestConnection connection,
            Backoff backoff,
            AwsIdentity identity) {
        this.reference = reference;
        this.endpoint = endpoint;
        this.region = region;
        this.client = new RestClient(
                connection,
                backoff,
                answer -> THROTTLING.contains(Complaint.of(answer).type()));
        this.identity = identity;
    }

    /** Asks; the caller closes the answer, which may be a refusal. Wipes the question. */
    RestResponse ask(String operation, KeyDocument question) throws KeySourceException {
        byte[] body = question.toBytes();
        question.close();
        try {
            SdkHttpRequest unsigned = AwsIdentity.question(endpoint, "TrentService." + operation);
            RestRequest request = new RestRequest("POST", endpoint, Map.of(), body);
            for (Map.Entry<String, List<String>> header :
                    identity.sign(unsigned, region, body).entrySet()) {
                if (!OWN_HEADERS.contains(header.getKey().toLowerCase(Locale.ROOT))) {
                    request = request.with(header.getKey(), header.getValue().get(0));
                }
            }
            return client.send(request);
        } catch (KeySourceException trouble) {
            throw new KeySourceException(trouble.kind(), reference + ": " + trouble.getMessage(), trouble);
        } finally {
            Arrays.fill(body, (byte) 0);
        }
    }

    /**
     * What it complains of.
     *
     * @param type the name of the exception
     * @param words what it says
     */
    record Complaint(String type, String words) {
        static Complaint of(RestResponse answer) {
            if (answer.isOk()) {
                return new Complaint("", "");
            }
            try (KeyReply reply = KeyReply.of(answer.body())) {
                String type = reply.textOrEmpty("__type");
                String words = reply.textOrEmpty("message") + reply.textOrEmpty("Message");
                return new Complaint(
                        type.substring(type.indexOf('#') + 1).replaceFirst(":.*", ""),
                        words.replaceAll("\\p{Cntrl}", "?"));
            } catch (IOException notJson) {
                return new Complaint("", "");
            }
        }

        /** As an operator calls it. */
        String name() {
            return type.replaceFirst("Exception$", "");
        }

        private String text(int status) {
            String name = type.isEmpty() ? "HTTP " + status : name();
            return words.isEmpty() ? name : name + ": " + words;
        }
    }

    /** What a refusal means to a volume. */
    KeySourceException trouble(String doing, RestResponse answer) {
        Complaint complaint = Complaint.of(answer);
        String said = reference + ", " + doing + ": " + complaint.text(answer.status());
        if (IDENTITY.contains(complaint.type()) || answer.status() == 401) {
            return new KeySourceException(
                    Kind.UNREACHABLE,
                    said + ". This is about who we are, not about the key: check the credentials, and the clock");
        }
        return new KeySourceException(kind(complaint, answer.status()), said);
    }

    private static Kind kind(Complaint complaint, int status) {
        if (THROTTLING.contains(complaint.type()) || status == 429) {
            return Kind.THROTTLED;
        }
        // Other states than those that an owner has put it into pass by themselves.
        boolean state = complaint.type().equals("KMSInvalidStateException");
        if (DEFINITE.contains(complaint.type()) || (state && complaint.words().contains("pending"))) {
            return Kind.REFUSED;
        }
        return state || status >= 500 ? Kind.UNREACHABLE : Kind.MISCONFIGURED;
    }

    /** Something was answered that is none of its answers. */
    KeySourceException malformed(IOException what) {
        return new KeySourceException(
                Kind.MISCONFIGURED,
                reference + ": " + endpoint.getAuthority() + " has answered something else than was asked for: "
                        + what.getMessage());
    }

    @Override
    public void close() {
        identity.close();
    }
}
