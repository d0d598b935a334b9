package io.blockseal.keysource.azure;

import io.blockseal.keysource.FirstLine;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.PrivateFile;
import java.nio.file.Path;
import java.util.Arrays;

/** A client secret in a file that nobody else may read. */
record SecretCredential(Path file) implements Credential {
    @Override
    public void prove(FormBody form, String clientId, String tokenEndpoint) throws KeySourceException {
        byte[] secret = FirstLine.ofFile(PrivateFile.realPathOf(file, "client secret file"))
                .read();
        form.bytes("client_secret", secret);
        Arrays.fill(secret, (byte) 0);
    }

    @Override
    public String words() {
        return "the secret in " + file;
    }
}
