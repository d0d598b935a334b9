package io.blockseal.keysource.kmip;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.kmip.WrappedBlob.Sealed;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Encrypt and Decrypt under one key on the server, within one conversation (KMIP 1.4, 4.29 and 4.30). On one thread. */
final class ServerKey {
    /** In front of the volume's UUID, so that nothing else that this key enciphers can be taken for ours. */
    private static final byte[] LABEL = "blockseal/v1/kek/kmip".getBytes(StandardCharsets.US_ASCII);

    private static final int AES = 3;
    private static final int NO_PADDING = 1;

    private final KmipSession session;
    private final String id;
    private final CryptoEngine engine;

    ServerKey(KmipSession session, String id, CryptoEngine engine) {
        this.session = session;
        this.id = id;
        this.engine = engine;
    }

    /** Refuses a mode that the protocol cannot ask for. */
    void requireMode(ServerCipher cipher, String reference) throws KeySourceException {
        if (cipher.isAuthenticated() && !session.version().hasAuthenticatedEncryption()) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    reference + ": the server speaks KMIP " + session.version() + ", which has no " + cipher
                            + "; name another mode that it knows, cipher=ctr or cipher=cbc");
        }
    }

    /** Enciphers a secret. */
    Sealed encrypt(ServerCipher cipher, Secret secret, Binding binding) throws KeySourceException, IOException {
        byte[] iv = new byte[cipher.ivBytes()];
        engine.fillRandom(iv);
        Consumer<TtlvWriter> question = payload -> {
            begin(payload, cipher);
            payload.secret(Tag.DATA, engine, secret).bytes(Tag.IV_COUNTER_NONCE, iv);
            bind(payload, cipher, binding);
        };
        try (KmipReply reply = session.require(Operation.ENCRYPT, question)) {
            TtlvItem payload = reply.payload();
            byte[] ciphertext = exactly(payload.require(Tag.DATA), WrappedBlob.SECRET_BYTES);
            byte[] tag = cipher.isAuthenticated()
                    ? exactly(payload.require(Tag.AUTHENTICATED_ENCRYPTION_TAG), cipher.tagBytes())
                    : new byte[0];
            return new Sealed(iv, ciphertext, tag);
        }
    }

    /**
     * Deciphers one, which the caller closes; null if this key has not enciphered it.
     *
     * @throws KeySourceException if the server does not say, or may not
     */
    @Nullable
    Secret decrypt(ServerCipher cipher, Sealed sealed, Binding binding) throws KeySourceException, IOException {
        try (KmipReply reply = askToDecrypt(cipher, sealed, binding)) {
            if (reply.isSuccessful()) {
                return secret(reply);
            }
            if (!reply.reason().mayBeWrongKey() || !works(cipher, binding)) {
                throw session.trouble(Operation.DECRYPT, reply);
            }
        }
        // Servers have no common word for a tag that does not fit; some say the same when they are broken. This one
        // opens with this key what it has just closed: unless the first failure was a passing one, the fault is the
        // blob's.
        try (KmipReply reply = askToDecrypt(cipher, sealed, binding)) {
            if (reply.isSuccessful()) {
                return secret(reply);
            }
            if (!reply.reason().mayBeWrongKey()) {
                throw session.trouble(Operation.DECRYPT, reply);
            }
            return null;
        }
    }

    private KmipReply askToDecrypt(ServerCipher cipher, Sealed sealed, Binding binding)
            throws KeySourceException, IOException {
        return session.ask(Operation.DECRYPT, payload -> {
            begin(payload, cipher);
            payload.bytes(Tag.DATA, sealed.ciphertext()).bytes(Tag.IV_COUNTER_NONCE, sealed.iv());
            bind(payload, cipher, binding);
            if (cipher.isAuthenticated()) {
                payload.bytes(Tag.AUTHENTICATED_ENCRYPTION_TAG, sealed.tag());
            }
        });
    }

    private Secret secret(KmipReply reply) throws IOException {
        return reply.payload().require(Tag.DATA).secret(engine, WrappedBlob.SECRET_BYTES);
    }

    /** Whether the server opens by this key what it has just closed with it. */
    private boolean works(ServerCipher cipher, Binding binding) throws KeySourceException, IOException {
        try (Secret secret = Secret.random(engine.keys(), WrappedBlob.SECRET_BYTES)) {
            Sealed sealed = encrypt(cipher, secret, binding);
            try (KmipReply reply = askToDecrypt(cipher, sealed, binding)) {
                if (!reply.isSuccessful()) {
                    return false;
                }
                try (Secret again = secret(reply)) {
                    return engine.keys().same(secret.key(), again.key());
                }
            }
        }
    }

    private void begin(TtlvWriter payload, ServerCipher cipher) {
        payload.text(Tag.UNIQUE_IDENTIFIER, id).structure(Tag.CRYPTOGRAPHIC_PARAMETERS, parameters -> {
            parameters.enumeration(Tag.BLOCK_CIPHER_MODE, cipher.code());
            if (cipher == ServerCipher.CBC) {
                parameters.enumeration(Tag.PADDING_METHOD, NO_PADDING);
            }
            parameters.enumeration(Tag.CRYPTOGRAPHIC_ALGORITHM, AES);
            if (cipher.isAuthenticated()) {
                parameters.integer(Tag.TAG_LENGTH, cipher.tagBytes());
            }
        });
    }

    private static void bind(TtlvWriter payload, ServerCipher cipher, Binding binding) {
        if (cipher.isAuthenticated()) {
            UUID volume = binding.volume();
            payload.bytes(
                    Tag.AUTHENTICATED_ENCRYPTION_ADDITIONAL_DATA,
                    ByteBuffer.allocate(LABEL.length + 2 * Long.BYTES)
                            .put(LABEL)
                            .putLong(volume.getMostSignificantBits())
                            .putLong(volume.getLeastSignificantBits())
                            .array());
        }
    }

    private static byte[] exactly(TtlvItem item, int bytes) throws IOException {
        if (item.lengthBytes() != bytes) {
            throw new IOException("ciphertext or tag of " + item.lengthBytes() + " bytes instead of " + bytes);
        }
        return item.bytes();
    }
}
