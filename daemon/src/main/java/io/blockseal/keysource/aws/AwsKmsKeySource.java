package io.blockseal.keysource.aws;

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
import io.blockseal.keysource.rest.RestResponse;
import java.io.IOException;
import java.util.Base64;
import java.util.Set;

/**
 * A symmetric key of the service, with the volume as its encryption context. Its versions are the key materials that
 * rotation leaves behind; the service finds the right one by itself. From any thread but one that serves I/O.
 */
final class AwsKmsKeySource implements KeySource {
    private static final int BLOB_BYTES_MAX = 512;
    private static final Base64.Encoder BASE64 = Base64.getEncoder();
    private static final Set<String> OF_THE_BLOB = Set.of("InvalidCiphertextException", "IncorrectKeyException");
    private static final String CONTEXT = "EncryptionContext";
    private static final String KEY = "KeyId";

    private final String reference;
    private final String arn;
    private final KmsServer server;
    private final CryptoEngine engine;
    private final Asked asked;

    AwsKmsKeySource(String reference, String arn, KmsServer server, KeySourceContext context) {
        this.reference = reference;
        this.arn = arn;
        this.server = server;
        this.engine = context.engine();
        this.asked = new Asked(context.uses(), reference);
    }

    @Override
    public String kind() {
        return "aws";
    }

    @Override
    public String reference() {
        return reference;
    }

    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return wrapped.isOpaqueOf(reference);
    }

    @Override
    public String newestVersion() throws KeySourceException {
        return asked.askAbout(Operation.VERSION, this::material);
    }

    /** The key material in use, by its name; empty if we may not ask, or if the service does not tell. */
    private String material(Asked.Trace trace) throws KeySourceException {
        try (RestResponse answer = server.ask("DescribeKey", new KeyDocument().text(KEY, arn))) {
            trace.requestId(requestId(answer));
            if (KmsServer.Complaint.of(answer).type().equals("AccessDeniedException")) {
                return "";
            }
            try (KeyReply reply = reply(answer, "describing the key")) {
                String spec = reply.textOrEmpty("KeyMetadata.KeySpec");
                if (!spec.equals("SYMMETRIC_DEFAULT")) {
                    throw new KeySourceException(
                            Kind.MISCONFIGURED,
                            reference + " is a key of the kind '" + spec
                                    + "', which cannot bind a volume key to its volume; make one of SYMMETRIC_DEFAULT");
                }
                String version = reply.textOrEmpty("KeyMetadata.CurrentKeyMaterialId");
                trace.version(version);
                return version;
            }
        } catch (IOException malformed) {
            throw server.malformed(malformed);
        }
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
        return asked.askToWrap(binding, trace -> {
            String version = material(trace);
            KeyDocument question = new KeyDocument()
                    .text(KEY, arn)
                    .key("Plaintext", engine, volumeKey, BASE64)
                    .texts(CONTEXT, context(binding));
            try (RestResponse answer = server.ask("Encrypt", question);
                    KeyReply reply = reply(answer, "encrypting")) {
                trace.requestId(requestId(answer));
                byte[] blob = reply.blob("CiphertextBlob", BLOB_BYTES_MAX);
                return new WrappedKey(WrapAlgorithm.OPAQUE, reference, version, new byte[0], blob);
            } catch (IOException malformed) {
                throw server.malformed(malformed);
            }
        });
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        if (!mayOpen(wrapped)) {
            throw WrongKeyException.notWrappedBy(reference, wrapped);
        }
        return asked.ask(Operation.UNWRAP, binding, trace -> {
            trace.version(wrapped.version());
            // With the key named, the service takes no blob of another key that we may use as well.
            KeyDocument question = new KeyDocument()
                    .text(KEY, arn)
                    .bytes("CiphertextBlob", wrapped.blob(), BASE64)
                    .texts(CONTEXT, context(binding));
            try (RestResponse answer = server.ask("Decrypt", question)) {
                trace.requestId(requestId(answer));
                KmsServer.Complaint complaint = KmsServer.Complaint.of(answer);
                if (OF_THE_BLOB.contains(complaint.type())) {
                    throw new WrongKeyException(reference + " does not open this slot (" + complaint.name()
                            + "): it was wrapped by another key, for another volume, or altered");
                }
                requireOk(answer, "decrypting");
                try (KeyReply reply = KeyReply.of(answer.body(), "Plaintext", Base64.getDecoder(), engine)) {
                    return reply.takeKey();
                }
            } catch (IOException malformed) {
                throw server.malformed(malformed);
            }
        });
    }

    private static String[] context(Binding binding) {
        return new String[] {"volume", binding.volume().toString()};
    }

    private KeyReply reply(RestResponse answer, String doing) throws KeySourceException, IOException {
        requireOk(answer, doing);
        return KeyReply.of(answer.body());
    }

    private void requireOk(RestResponse answer, String doing) throws KeySourceException {
        if (!answer.isOk()) {
            throw server.trouble(doing, answer);
        }
    }

    private static String requestId(RestResponse answer) {
        return answer.header("x-amzn-RequestId");
    }

    /** Forgets who we are. */
    @Override
    public void close() {
        server.close();
    }
}
