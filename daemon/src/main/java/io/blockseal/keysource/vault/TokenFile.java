package io.blockseal.keysource.vault;

import io.blockseal.keysource.FirstLine;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.PrivateFile;
import io.blockseal.keysource.json.KeyReply;
import io.blockseal.keysource.rest.RestResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;

/** A token that somebody else keeps in a file and may replace there at any time, as Vault's agent does. */
final class TokenFile implements VaultIdentity {
    private final Path file;

    TokenFile(Path file) {
        this.file = file;
    }

    @Override
    public VaultToken obtain(VaultServer server) throws KeySourceException {
        String text = read();
        // The token's own properties, which the policy "default" lets everybody see. Whoever may not is not refused.
        try (RestResponse answer = server.send("GET", "auth/token/lookup-self", null, text)) {
            if (answer.status() == 400 || answer.status() == 401 || answer.status() == 403) {
                return new VaultToken(text, 0, false, false);
            }
            if (!answer.isOk()) {
                throw server.trouble("looking at our token", answer);
            }
            try (KeyReply reply = KeyReply.of(answer.body())) {
                long seconds = VaultServer.number(reply.textOrEmpty("data.ttl"));
                return new VaultToken(
                        text, seconds, reply.textOrEmpty("data.renewable").equals("true"), true);
            } catch (IOException malformed) {
                throw server.malformed(malformed);
            }
        }
    }

    @Override
    public boolean hasReplaced(VaultToken token) throws KeySourceException {
        return !read().equals(token.text());
    }

    @Override
    public boolean canLogIn() {
        return false;
    }

    private String read() throws KeySourceException {
        return secret(file, "token file");
    }

    /** The first line of a file that is ours alone, fit for a header field. */
    static String secret(Path file, String what) throws KeySourceException {
        byte[] line = FirstLine.ofFile(PrivateFile.realPathOf(file, what)).read();
        try {
            String text = new String(line, StandardCharsets.ISO_8859_1).strip();
            if (!VaultToken.isFit(text)) {
                throw new KeySourceException(
                        Kind.MISCONFIGURED, what + " " + file + " holds something else than one word of ASCII");
            }
            return text;
        } finally {
            Arrays.fill(line, (byte) 0);
        }
    }
}
