package io.blockseal.keysource.kmip;

import io.blockseal.keysource.FirstLine;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.PrivateFile;
import io.blockseal.keysource.SourceUri;
import io.blockseal.keysource.rest.TlsFiles;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Whom we trust and who we are: certificates, and a user name with a password where a server wants one as well. Files are
 * read anew for each conversation, so that a renewed certificate needs no restart.
 *
 * @param authorities who may have signed the server's certificate; null for the system's
 * @param certificate ours
 * @param key its private key
 * @param userName null if there is none
 * @param password the file whose first line it is; null if there is none
 */
record Credentials(
        @Nullable Path authorities,
        Path certificate,
        Path key,
        @Nullable String userName,
        @Nullable Path password) {
    private static final int USERNAME_AND_PASSWORD = 1;

    /** What the options of a place say. */
    static Credentials of(SourceUri uri) throws KeySourceException {
        Path authorities = uri.path("ca-file");
        Path certificate = uri.path("client-cert-file");
        Path key = uri.path("client-key-file");
        String userName = uri.text("user-name");
        Path password = uri.path("password-file");
        if (certificate == null || key == null) {
            throw uri.wrong("needs client-cert-file and client-key-file: KMIP knows us by a certificate");
        }
        if (userName == null && password != null) {
            throw uri.wrong("has password-file without user-name");
        }
        return new Credentials(authorities, certificate, key, userName, password);
    }

    /** TLS with these certificates. */
    SSLContext tls() throws KeySourceException {
        return TlsFiles.context(authorities, certificate, key);
    }

    /** Writes them into a request's header, if there are any (KMIP 1.4, 6.6). */
    void write(TtlvWriter header) throws KeySourceException {
        if (userName == null) {
            return;
        }
        byte[] secret = new byte[0];
        try {
            if (password != null) {
                secret = FirstLine.ofFile(PrivateFile.realPathOf(password, "password file"))
                        .read();
            }
            byte[] line = secret;
            Consumer<TtlvWriter> value = in -> {
                in.text(Tag.USERNAME, userName);
                if (password != null) {
                    in.text(Tag.PASSWORD, line);
                }
            };
            header.structure(
                    Tag.AUTHENTICATION,
                    authentication -> authentication.structure(Tag.CREDENTIAL, credential -> credential
                            .enumeration(Tag.CREDENTIAL_TYPE, USERNAME_AND_PASSWORD)
                            .structure(Tag.CREDENTIAL_VALUE, value)));
        } finally {
            Arrays.fill(secret, (byte) 0);
        }
    }
}
