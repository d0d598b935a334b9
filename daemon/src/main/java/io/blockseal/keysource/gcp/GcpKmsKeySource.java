package io.blockseal.keysource.gcp;

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
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.zip.CRC32C;

/**
 * A symmetric key of the service, with the volume as additional authenticated data. The service finds the version of a
 * blob by itself. Both sides say the CRC-32C of what they send, so that what was damaged on the way, in their memory or in
 * ours, is noticed before anything depends on it. From any thread but one that serves I/O.
 */
final class GcpKmsKeySource implements KeySource {
    private static final int BLOB_BYTES_MAX = 512;
    private static final Base64.Encoder BASE64 = Base64.getEncoder();
    private static final String PLAINTEXT = "plaintext";
    private static final String CIPHERTEXT = "ciphertext";
    private static final String AAD = "additionalAuthenticatedData";
    private static final String CRC = "Crc32c";

    private final String reference;
    private final KmsService service;
    private final CryptoEngine engine;
    private final Asked asked;

    GcpKmsKeySource(String reference, KmsService service, KeySourceContext context) {
        this.reference = reference;
        this.service = service;
        this.engine = context.engine();
        this.asked = new Asked(context.uses(), reference);
    }

    @Override
    public String kind() {
        return "gcp";
    }

    @Override
    public String reference() {
        return reference;
    }

    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return wrapped.isOpaqueOf(reference);
    }

    /** Of the primary version; empty if we may not ask, which enciphering and deciphering do not need. */
    @Override
    public String newestVersion() throws KeySourceException {
        return asked.askAbout(Operation.VERSION, trace -> {
            try (RestResponse answer = service.describe()) {
                if (KmsService.Complaint.of(answer).status().equals("PERMISSION_DENIED")) {
                    return "";
                }
                requireOk(answer, "describing the key");
                try (KeyReply reply = KeyReply.of(answer.body())) {
                    String version = versionOf(reply);
                    trace.version(version);
                    return version;
                }
            } catch (IOException malformed) {
                throw service.malformed(malformed);
            }
        });
    }

    private String versionOf(KeyReply reply) throws KeySourceException, IOException {
        String purpose = reply.textOrEmpty("purpose");
        if (!purpose.equals("ENCRYPT_DECRYPT")) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    reference + " is a key for '" + purpose + "'; make one for ENCRYPT_DECRYPT, which is symmetric");
        }
        String state = reply.textOrEmpty("primary.state");
        if (!state.equals("ENABLED")) {
            throw new KeySourceException(
                    Kind.REFUSED,
                    reference + ": its primary version is " + (state.isEmpty() ? "missing" : state)
                            + "; enable it, or make another one primary");
        }
        return numberOf(reply.require("primary.name"));
    }

    private static String numberOf(String name) throws IOException {
        String number = name.substring(name.lastIndexOf('/') + 1);
        if (!number.matches("\\d{1,18}")) {
            throw new IOException("the name of a version ends without a number");
        }
        return number;
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
        return asked.askToWrap(binding, trace -> {
            byte[] aad = aad(binding);
            KeyDocument question = new KeyDocument()
                    .key(PLAINTEXT, engine, volumeKey, BASE64)
                    .text(PLAINTEXT + CRC, crc(volumeKey))
                    .bytes(AAD, aad, BASE64)
                    .text(AAD + CRC, crc(aad));
            try (RestResponse answer = service.ask("encrypt", question)) {
                requireOk(answer, "encrypting");
                try (KeyReply reply = KeyReply.of(answer.body())) {
                    requireTold(reply, "verifiedPlaintextCrc32c");
                    requireTold(reply, "verifiedAdditionalAuthenticatedDataCrc32c");
                    byte[] blob = reply.blob(CIPHERTEXT, BLOB_BYTES_MAX);
                    requireSame(reply, CIPHERTEXT, crc(blob));
                    String version = numberOf(reply.require("name"));
                    trace.version(version);
                    return new WrappedKey(WrapAlgorithm.OPAQUE, reference, version, new byte[0], blob);
                }
            } catch (IOException malformed) {
                throw service.malformed(malformed);
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
            byte[] aad = aad(binding);
            KeyDocument question = new KeyDocument()
                    .bytes(CIPHERTEXT, wrapped.blob(), BASE64)
                    .text(CIPHERTEXT + CRC, crc(wrapped.blob()))
                    .bytes(AAD, aad, BASE64)
                    .text(AAD + CRC, crc(aad));
            try (RestResponse answer = service.ask("decrypt", question)) {
                KmsService.Complaint complaint = KmsService.Complaint.of(answer);
                if (complaint.status().equals("INVALID_ARGUMENT")
                        && complaint.words().startsWith("Decryption failed")) {
                    throw new WrongKeyException(reference + " does not open this slot (" + complaint.words()
                            + "): it was wrapped by another key, for another volume, or altered");
                }
                requireOk(answer, "decrypting");
                try (KeyReply reply = KeyReply.of(answer.body(), PLAINTEXT, Base64.getDecoder(), engine)) {
                    return whole(reply);
                }
            } catch (IOException malformed) {
                throw service.malformed(malformed);
            }
        });
    }

    private Secret whole(KeyReply reply) throws KeySourceException, IOException {
        Secret volumeKey = reply.takeKey();
        boolean same = false;
        try {
            requireSame(reply, PLAINTEXT, crc(volumeKey));
            same = true;
            return volumeKey;
        } finally {
            if (!same) {
                volumeKey.close();
            }
        }
    }

    private static byte[] aad(Binding binding) {
        return binding.volume().toString().getBytes(StandardCharsets.US_ASCII);
    }

    private String crc(Secret key) {
        byte[] raw = KeyDocument.raw(engine, key);
        try {
            return crc(raw);
        } finally {
            Arrays.fill(raw, (byte) 0);
        }
    }

    /** As the service writes it: a number of 64 bits, as text. */
    private static String crc(byte[] bytes) {
        CRC32C crc = new CRC32C();
        crc.update(bytes);
        return Long.toString(crc.getValue());
    }

    private void requireTold(KeyReply reply, String flag) throws KeySourceException {
        if (!reply.textOrEmpty(flag).equals("true")) {
            throw damaged("what we sent: it does not tell '" + flag + "'");
        }
    }

    private void requireSame(KeyReply reply, String name, String crc) throws KeySourceException {
        if (!reply.textOrEmpty(name + CRC).equals(crc)) {
            throw damaged("its '" + name + "': the CRC-32C does not fit");
        }
    }

    /** It may be whole the next time. */
    private KeySourceException damaged(String what) {
        return new KeySourceException(
                Kind.UNREACHABLE, reference + ": something on the way has damaged " + what + "; ask again");
    }

    private void requireOk(RestResponse answer, String doing) throws KeySourceException {
        if (!answer.isOk()) {
            throw service.trouble(doing, answer);
        }
    }

    @Override
    public void close() {
        // Tokens are the library's; each conversation has ended.
    }
}
