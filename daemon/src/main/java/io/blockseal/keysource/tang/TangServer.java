package io.blockseal.keysource.tang;

import com.nimbusds.jose.jwk.ECKey;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.rest.RestClient;
import io.blockseal.keysource.rest.RestRequest;
import io.blockseal.keysource.rest.RestResponse;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.text.ParseException;
import java.util.Map;
import org.bouncycastle.math.ec.ECPoint;
import org.jspecify.annotations.Nullable;

/** One Tang server, its two questions, and what its answers mean. From any thread. */
final class TangServer {
    private final RestClient http;
    private final String base;
    private final String reference;

    /** The server at {@code base}, a URL without a slash at its end. */
    TangServer(RestClient http, String base, String reference) {
        this.http = http;
        this.base = base;
        this.reference = reference;
    }

    /**
     * The keys that it shows; has them signed by the signing key of that thumbprint, too, which it may show no more.
     *
     * @throws KeySourceException REFUSED if it does not have that one
     */
    Advertisement advertisement(@Nullable String signer) throws KeySourceException {
        String path = signer == null ? "/adv" : "/adv/" + signer;
        try (RestResponse answer = http.send(RestRequest.get(URI.create(base + path)))) {
            if (answer.status() == 404 && signer != null) {
                throw gone("signing key " + signer);
            }
            if (!answer.isOk()) {
                throw trouble("asking for its keys", answer);
            }
            return Advertisement.of(answer.body());
        } catch (IOException malformed) {
            throw malformed(malformed);
        }
    }

    /**
     * A point times the secret of its exchange key.
     *
     * @throws KeySourceException REFUSED if it has no such key
     */
    ECPoint exchanged(String thumbprint, ECPoint point) throws KeySourceException {
        byte[] sent = P521.jwk(point).toJSONString().getBytes(StandardCharsets.UTF_8);
        RestRequest request = new RestRequest(
                "POST", URI.create(base + "/rec/" + thumbprint), Map.of("Content-Type", "application/jwk+json"), sent);
        try (RestResponse answer = http.send(request)) {
            if (answer.status() == 404) {
                throw gone("exchange key " + thumbprint);
            }
            if (!answer.isOk()) {
                throw trouble("asking for an exchange by the key " + thumbprint, answer);
            }
            return P521.point(key(answer.body()));
        } catch (IOException malformed) {
            throw malformed(malformed);
        }
    }

    private static ECKey key(byte[] body) throws IOException {
        try {
            return ECKey.parse(new String(body, StandardCharsets.UTF_8));
        } catch (ParseException | RuntimeException notAKey) {
            // The library throws many things at what is no key.
            throw new IOException("not a key of an elliptic curve", notAKey);
        }
    }

    /** A key that is away, if a Tang server says so: everything that speaks HTTP says 404 of what it does not know. */
    private KeySourceException gone(String key) throws KeySourceException {
        try (RestResponse answer = http.send(RestRequest.get(URI.create(base + "/adv")))) {
            if (!answer.isOk()) {
                return trouble("asking for its keys", answer);
            }
            Advertisement.of(answer.body());
            return new KeySourceException(
                    Kind.REFUSED,
                    reference + " has no " + key
                            + " (any more). Has its file been removed on the server? Hidden ones, whose names begin with"
                            + " a dot, would do");
        } catch (IOException notTang) {
            return malformed(notTang);
        }
    }

    /** Never REFUSED: who answers so stands before the server, or is it and has other troubles than a missing key. */
    private KeySourceException trouble(String doing, RestResponse answer) {
        int status = answer.status();
        String where = reference + ", " + doing + ": HTTP " + status;
        if (status == 429) {
            return new KeySourceException(Kind.THROTTLED, where + ", too many requests");
        }
        if (status == 401 || status == 403) {
            return new KeySourceException(
                    Kind.UNREACHABLE,
                    where + ". Tang asks nobody who they are: what stands before it does, and does not let us through");
        }
        if (status == 404) {
            return new KeySourceException(Kind.MISCONFIGURED, where + ". Is there a Tang server, and under this path?");
        }
        boolean passes = status >= 500 || status == 408 || status == 425 || (status >= 300 && status < 400);
        return new KeySourceException(passes ? Kind.UNREACHABLE : Kind.MISCONFIGURED, where);
    }

    /** Something was answered that is none of its answers. */
    KeySourceException malformed(IOException what) {
        return new KeySourceException(
                Kind.MISCONFIGURED,
                reference + " has answered something else than was asked for: " + what.getMessage()
                        + ". Is it a Tang server?");
    }
}
