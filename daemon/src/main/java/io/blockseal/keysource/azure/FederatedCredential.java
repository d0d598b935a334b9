package io.blockseal.keysource.azure;

import io.blockseal.keysource.FileTrouble;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** A token of another issuer that Entra ID trusts, as Kubernetes projects it into a pod and replaces it every hour. */
record FederatedCredential(Path file) implements Credential {
    private static final int BYTES_MAX = 16 << 10;

    @Override
    public void prove(FormBody form, String clientId, String tokenEndpoint) throws KeySourceException {
        try {
            if (Files.size(file) > BYTES_MAX) {
                throw new IOException("it is larger than a token");
            }
            String token = Files.readString(file, StandardCharsets.US_ASCII).strip();
            form.text("client_assertion_type", CertificateCredential.ASSERTION_TYPE)
                    .text("client_assertion", token);
        } catch (IOException unreadable) {
            throw new KeySourceException(
                    Kind.UNREACHABLE,
                    FileTrouble.unreadable("the federated token file " + file, unreadable),
                    unreadable);
        }
    }

    @Override
    public String words() {
        return "the federated token in " + file;
    }
}
