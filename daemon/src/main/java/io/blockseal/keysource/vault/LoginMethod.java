package io.blockseal.keysource.vault;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.json.KeyDocument;
import io.blockseal.keysource.json.KeyReply;
import io.blockseal.keysource.rest.RestResponse;
import java.io.IOException;
import java.util.Arrays;

/** An auth method of the server that gives us a token for what we show: a secret ID, a JWT, or a certificate in TLS. */
final class LoginMethod implements VaultIdentity {
    /** Says what is shown; reads it anew each time, as platforms replace what they project. */
    @FunctionalInterface
    interface Proof {
        /** Adds it to the question. */
        void addTo(KeyDocument question) throws KeySourceException;
    }

    private final String mount;
    private final Proof proof;

    /** The method mounted at {@code auth/MOUNT}. */
    LoginMethod(String mount, Proof proof) {
        this.mount = mount;
        this.proof = proof;
    }

    @Override
    public VaultToken obtain(VaultServer server) throws KeySourceException {
        byte[] body = new byte[0];
        try (KeyDocument question = new KeyDocument()) {
            proof.addTo(question);
            body = question.toBytes();
            try (RestResponse answer = server.send("POST", "auth/" + mount + "/login", body, null)) {
                return token(server, answer);
            }
        } finally {
            Arrays.fill(body, (byte) 0);
        }
    }

    private VaultToken token(VaultServer server, RestResponse answer) throws KeySourceException {
        if (answer.status() == 400 || answer.status() == 401 || answer.status() == 403) {
            throw new KeySourceException(
                    Kind.UNREACHABLE,
                    server.name() + " does not let us log in at auth/" + mount + ": " + server.words(answer)
                            + ". Check the role there, and whether what we show has expired");
        }
        if (!answer.isOk()) {
            throw server.trouble("logging in at auth/" + mount, answer);
        }
        try (KeyReply reply = KeyReply.of(answer.body())) {
            String token = reply.require("auth.client_token");
            // None is given where a second factor is asked for; HTTP would refuse others, and quote them.
            if (!VaultToken.isFit(token)) {
                throw new IOException("'auth.client_token' is no token");
            }
            return new VaultToken(
                    token,
                    VaultServer.number(reply.textOrEmpty("auth.lease_duration")),
                    reply.textOrEmpty("auth.renewable").equals("true"),
                    true);
        } catch (IOException malformed) {
            throw server.malformed(malformed);
        }
    }

    @Override
    public boolean hasReplaced(VaultToken token) {
        return false;
    }

    @Override
    public boolean canLogIn() {
        return true;
    }
}
