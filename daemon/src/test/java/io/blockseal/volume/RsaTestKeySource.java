package io.blockseal.volume;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.RsaOaep;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.SecretAccess;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.PublicKey;
import javax.crypto.Cipher;
import org.jspecify.annotations.Nullable;

/**
 * A key source as a cloud vault is one: the volume key is wrapped with a public key that anybody may have, and unwrapped
 * by a private one that only the owner's vault has.
 */
final class RsaTestKeySource implements KeySource {
    private final CryptoEngine engine;
    private final PublicKey publicKey;
    private final @Nullable KeyPair pair;

    private RsaTestKeySource(CryptoEngine engine, PublicKey publicKey, @Nullable KeyPair pair) {
        this.engine = engine;
        this.publicKey = publicKey;
        this.pair = pair;
    }

    /** The owner's. */
    static RsaTestKeySource create(CryptoEngine engine) throws GeneralSecurityException {
        KeyPairGenerator generator = KeyPairGenerator.getInstance("RSA");
        generator.initialize(2048);
        KeyPair pair = generator.generateKeyPair();
        return new RsaTestKeySource(engine, pair.getPublic(), pair);
    }

    /** What everybody else knows of it: it wraps, and cannot unwrap. */
    RsaTestKeySource publicHalf() {
        return new RsaTestKeySource(engine, publicKey, null);
    }

    @Override
    public String kind() {
        return "azure";
    }

    @Override
    public String reference() {
        return "https://vault.example/keys/kek";
    }

    @Override
    public int slotPriority() {
        return 1;
    }

    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return wrapped.algorithm() == WrapAlgorithm.RSA_OAEP_256;
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) {
        ByteBuffer bytes = ByteBuffer.allocate(32);
        engine.keys().copyOut(volumeKey.key(), SecretAccess.TEST_ORACLE, bytes);
        try {
            Cipher cipher = Cipher.getInstance(RsaOaep.TRANSFORMATION);
            cipher.init(Cipher.ENCRYPT_MODE, publicKey, RsaOaep.parameters());
            byte[] blob = cipher.doFinal(bytes.array());
            return new WrappedKey(WrapAlgorithm.RSA_OAEP_256, reference(), "1", new byte[0], blob);
        } catch (GeneralSecurityException e) {
            throw new AssertionError(e);
        }
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws WrongKeyException {
        if (pair == null) {
            throw new WrongKeyException("only the owner can unwrap");
        }
        byte[] bytes;
        try {
            Cipher cipher = Cipher.getInstance(RsaOaep.TRANSFORMATION);
            cipher.init(Cipher.DECRYPT_MODE, pair.getPrivate(), RsaOaep.parameters());
            bytes = cipher.doFinal(wrapped.blob());
        } catch (GeneralSecurityException e) {
            throw new WrongKeyException("another key");
        }
        Secret volumeKey = Secret.empty(engine.keys());
        engine.keys().put(volumeKey.key(), ByteBuffer.wrap(bytes));
        return volumeKey;
    }

    @Override
    public void close() {}
}
