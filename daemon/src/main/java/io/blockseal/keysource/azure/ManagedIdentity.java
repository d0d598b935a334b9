package io.blockseal.keysource.azure;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.rest.RestClient;
import io.blockseal.keysource.rest.RestRequest;
import io.blockseal.keysource.rest.RestResponse;
import java.net.URI;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import org.jspecify.annotations.Nullable;

/**
 * The identity that Azure gives to a machine: a service beside the machine knows it. It has three shapes, that of virtual
 * machines (IMDS), of App Service and of Arc.
 */
final class ManagedIdentity implements Identity {
    /** Who is asked, and how. */
    enum Shape {
        /** The instance metadata service. */
        IMDS("2018-02-01"),
        /** App Service, Functions and Container Apps: a header shows that we are not merely somebody's proxy. */
        APP_SERVICE("2019-08-01"),
        /** A machine elsewhere that is run through Arc: a file that few may read shows it. */
        ARC("2020-06-01");

        private final String apiVersion;

        Shape(String apiVersion) {
            this.apiVersion = apiVersion;
        }
    }

    private final RestClient rest;
    private final Shape shape;
    private final URI endpoint;
    private final @Nullable String clientId;
    private final String header;
    private final ArcChallenge arc;

    /**
     * The machine's identity, or one of several.
     *
     * @param clientId which of the identities that a machine can have, or null for its own
     * @param header what App Service wants to see
     * @param arc how Arc is answered
     */
    ManagedIdentity(
            RestClient rest, Shape shape, URI endpoint, @Nullable String clientId, String header, ArcChallenge arc) {
        this.rest = rest;
        this.shape = shape;
        this.endpoint = endpoint;
        this.clientId = clientId;
        this.header = header;
        this.arc = arc;
    }

    @Override
    public AccessToken fetch(String resource) throws KeySourceException {
        String query = "?api-version=" + shape.apiVersion + "&resource=" + encoded(resource)
                + (clientId == null ? "" : "&client_id=" + encoded(clientId));
        RestRequest request = RestRequest.get(URI.create(endpoint + query));
        request = shape == Shape.APP_SERVICE
                ? request.with("X-IDENTITY-HEADER", header)
                : request.with("Metadata", "true");
        RestResponse response = send(request);
        if (shape == Shape.ARC && response.status() == 401) {
            response.close();
            response = send(request.with("Authorization", arc.answer(response)));
        }
        return TokenAnswer.take(endpoint, response);
    }

    private RestResponse send(RestRequest request) throws KeySourceException {
        try {
            return rest.send(request);
        } catch (KeySourceException silent) {
            throw new KeySourceException(
                    silent.kind(),
                    silent.getMessage() + ". There the identity of this machine is to be had; if it has none, say"
                            + " identity=workload, secret or certificate",
                    silent);
        }
    }

    private static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    @Override
    public String words() {
        return "managed identity" + (clientId == null ? "" : " " + clientId) + " by " + endpoint.getAuthority();
    }
}
