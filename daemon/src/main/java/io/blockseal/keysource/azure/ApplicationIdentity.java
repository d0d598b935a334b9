package io.blockseal.keysource.azure;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.rest.RestClient;
import io.blockseal.keysource.rest.RestRequest;
import java.net.URI;
import java.util.Arrays;

/**
 * An application that is registered with Entra ID, or a workload that stands for one (OAuth 2.0 client credentials).
 */
final class ApplicationIdentity implements Identity {
    private final RestClient rest;
    private final URI tokenEndpoint;
    private final String clientId;
    private final Credential credential;

    /** The application {@code clientId} of the tenant whose token endpoint that is. */
    ApplicationIdentity(RestClient rest, URI tokenEndpoint, String clientId, Credential credential) {
        this.rest = rest;
        this.tokenEndpoint = tokenEndpoint;
        this.clientId = clientId;
        this.credential = credential;
    }

    @Override
    public AccessToken fetch(String resource) throws KeySourceException {
        try (FormBody form = new FormBody()) {
            form.text("grant_type", "client_credentials")
                    .text("client_id", clientId)
                    .text("scope", resource + "/.default");
            credential.prove(form, clientId, tokenEndpoint.toString());
            byte[] body = form.toBytes();
            try {
                return TokenAnswer.take(tokenEndpoint, rest.send(RestRequest.form(tokenEndpoint, body)));
            } finally {
                Arrays.fill(body, (byte) 0);
            }
        }
    }

    @Override
    public String words() {
        return "application " + clientId + " by " + credential.words();
    }
}
