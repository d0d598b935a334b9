package io.blockseal.keysource.azure;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Asked;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeyUse.Operation;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.json.KeyDocument;
import io.blockseal.keysource.json.KeyReply;
import io.blockseal.keysource.rest.RestClient;
import io.blockseal.keysource.rest.RestRequest;
import io.blockseal.keysource.rest.RestResponse;
import java.io.IOException;
import java.util.Arrays;
import java.util.Base64;
import java.util.UUID;

/**
 * A KEK in Azure Key Vault or a Managed HSM. RSA keys wrap by RSA-OAEP with SHA-256, symmetric ones of a Managed HSM by
 * AES key wrap (RFC 3394); neither binds what it wraps to a volume. We could wrap with the public key ourselves, but ask
 * the vault, so that its log tells of it. From any thread but one that serves I/O.
 */
final class AzureKeySource implements KeySource {
    private static final int BLOB_BYTES_MAX = 512;
    private static final Base64.Encoder BASE64 = Base64.getUrlEncoder().withoutPadding();
    private static final Base64.Decoder BASE64_ANSWERED = Base64.getUrlDecoder();

    private final String reference;
    private final KeyAddress key;
    private final VaultClient vault;
    private final RestClient impatient;
    private final CryptoEngine engine;
    private final Asked asked;

    /** A key; {@code impatient} asks once. */
    AzureKeySource(
            String reference, KeyAddress key, VaultClient vault, RestClient impatient, KeySourceContext context) {
        this.reference = reference;
        this.key = key;
        this.vault = vault;
        this.impatient = impatient;
        this.engine = context.engine();
        this.asked = new Asked(context.uses(), reference);
    }

    @Override
    public String kind() {
        return "azure";
    }

    @Override
    public String reference() {
        return reference;
    }

    /** Slots of this key only: the vault would be shown what is not its own. */
    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return wrapped.reference().equals(reference)
                && (wrapped.algorithm() == WrapAlgorithm.RSA_OAEP_256 || wrapped.algorithm() == WrapAlgorithm.OPAQUE)
                && wrapped.version().matches("[A-Za-z0-9-]{1,64}");
    }

    @Override
    public String newestVersion() throws KeySourceException {
        return asked.askAbout(Operation.VERSION, trace -> {
            VaultKey newest = newest(trace);
            trace.version(newest.version());
            return newest.version();
        });
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
        return asked.askToWrap(binding, trace -> {
            VaultKey newest = newest(trace);
            WrapAlgorithm algorithm = newest.algorithm(reference);
            newest.requireEnabled(reference);
            newest.requireOperations(reference);
            trace.version(newest.version());
            try (KeyDocument question =
                            new KeyDocument().text("alg", wireName(algorithm)).key("value", engine, volumeKey, BASE64);
                    RestResponse answer = post(newest.version(), "wrapkey", question, trace)) {
                if (!answer.isOk()) {
                    throw VaultTrouble.of(answer).toException(reference);
                }
                byte[] blob = wrapped(answer, newest.version());
                return new WrappedKey(algorithm, reference, newest.version(), new byte[0], blob);
            }
        });
    }

    private byte[] wrapped(RestResponse answer, String version) throws KeySourceException {
        try (KeyReply reply = KeyReply.of(answer.body())) {
            requireVersion(reply, version);
            byte[] blob = Base64.getUrlDecoder().decode(reply.require("value"));
            if (blob.length < 40 || blob.length > BLOB_BYTES_MAX) {
                throw new IOException("the wrapped key has " + blob.length + " bytes; a key slot has room for 40 to "
                        + BLOB_BYTES_MAX);
            }
            return blob;
        } catch (IOException malformed) {
            throw malformed(malformed);
        } catch (IllegalArgumentException malformed) {
            throw malformed(new IOException("'value' is not Base64", malformed));
        }
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        if (!mayOpen(wrapped)) {
            throw WrongKeyException.notWrappedBy(reference, wrapped);
        }
        return asked.ask(Operation.UNWRAP, binding, trace -> {
            trace.version(wrapped.version());
            try (KeyDocument question = new KeyDocument()
                            .text("alg", wireName(wrapped.algorithm()))
                            .bytes("value", wrapped.blob(), BASE64);
                    RestResponse answer = post(wrapped.version(), "unwrapkey", question, trace)) {
                if (!answer.isOk()) {
                    throw refused(VaultTrouble.of(answer), wrapped.version());
                }
                try (KeyReply reply = KeyReply.of(answer.body(), "value", BASE64_ANSWERED, engine)) {
                    requireVersion(reply, wrapped.version());
                    return reply.takeKey();
                } catch (IOException malformed) {
                    throw malformed(malformed);
                }
            }
        });
    }

    /** Why it does not unwrap. */
    private KeySourceException refused(VaultTrouble trouble, String version) throws WrongKeyException {
        if (trouble.isBadParameter()) {
            throw new WrongKeyException(trouble.toException(reference).getMessage() + ". The version " + version
                    + " of this key does not open the slot");
        }
        return trouble.status() == 500 ? explained(trouble, version) : trouble.toException(reference);
    }

    /** What the key says about itself where its vault merely says that something is broken. */
    private KeySourceException explained(VaultTrouble trouble, String version) {
        try (RestResponse answer = vault.send(impatient, RestRequest.get(key.version(version)))) {
            if (answer.isOk()) {
                VaultKey.of(KeyReply.of(answer.body()), key).requireEnabled(reference);
            } else {
                VaultTrouble found = VaultTrouble.of(answer);
                if (found.isAboutTheKey()) {
                    return found.toException(reference);
                }
            }
        } catch (KeySourceException found) {
            if (found.kind() == Kind.REFUSED) {
                return found;
            }
        } catch (IOException silent) {
            // Then what it said first has to do.
        }
        return trouble.toException(reference);
    }

    private VaultKey newest(Asked.Trace trace) throws KeySourceException {
        try (RestResponse answer = vault.send(RestRequest.get(key.newest()))) {
            trace.requestId(ServiceWords.printable(answer.header("x-ms-request-id")));
            if (!answer.isOk()) {
                throw VaultTrouble.of(answer).toException(reference);
            }
            return VaultKey.of(KeyReply.of(answer.body()), key);
        } catch (IOException malformed) {
            throw malformed(malformed);
        }
    }

    private RestResponse post(String version, String operation, KeyDocument question, Asked.Trace trace)
            throws KeySourceException {
        byte[] body = question.toBytes();
        // The vault's log has this number even if its answer never arrives.
        String ours = UUID.randomUUID().toString();
        trace.requestId(ours);
        try {
            RestResponse answer = vault.send(
                    RestRequest.post(key.operation(version, operation), body).with("x-ms-client-request-id", ours));
            String theirs = ServiceWords.printable(answer.header("x-ms-request-id"));
            trace.requestId(theirs.isEmpty() ? ours : theirs);
            return answer;
        } finally {
            Arrays.fill(body, (byte) 0);
        }
    }

    private void requireVersion(KeyReply reply, String version) throws IOException {
        String used = VaultKey.versionOf(reply.require("kid"), key);
        if (!used.equals(version)) {
            throw new IOException("it used the version " + used + " where " + version + " was asked for");
        }
    }

    private static String wireName(WrapAlgorithm algorithm) {
        return algorithm == WrapAlgorithm.RSA_OAEP_256 ? "RSA-OAEP-256" : "A256KW";
    }

    private KeySourceException malformed(IOException what) {
        return new KeySourceException(
                Kind.MISCONFIGURED,
                reference + " has answered something else than was asked for: " + what.getMessage(),
                what);
    }

    /** Holds nothing but a token, which ends by itself. */
    @Override
    public void close() {}
}
