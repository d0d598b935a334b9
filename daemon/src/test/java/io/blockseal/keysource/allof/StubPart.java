package io.blockseal.keysource.allof;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.WrongPinException;
import java.nio.ByteBuffer;
import java.util.Arrays;

/** A stub of a part: wraps by a KEK that its name gives, into a blob of a given size, and fails as it is told. */
final class StubPart implements KeySource {
    private static final int WRAPPED_BYTES = 40;

    private final CryptoEngine engine;
    private final String name;
    private final int blobBytes;
    WrapAlgorithm algorithm = WrapAlgorithm.AES_256_KWP;
    String version = "";
    String mood;
    int unwraps;

    StubPart(CryptoEngine engine, String name, int blobBytes) {
        this.engine = engine;
        this.name = name;
        this.blobBytes = Math.max(WRAPPED_BYTES, blobBytes);
    }

    private Secret kek() {
        byte[] bytes = new byte[32];
        Arrays.fill(bytes, (byte) name.charAt(0));
        Secret kek = Secret.empty(engine.keys());
        engine.keys().put(kek.key(), ByteBuffer.wrap(bytes));
        return kek;
    }

    @Override
    public String kind() {
        return "stub";
    }

    @Override
    public String reference() {
        return "stub:" + name;
    }

    @Override
    public int slotPriority() {
        return 1;
    }

    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return wrapped.algorithm() == algorithm && wrapped.reference().equals(reference());
    }

    @Override
    public String newestVersion() {
        return version;
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) {
        try (Secret kek = kek()) {
            byte[] blob = Arrays.copyOf(engine.wrap().wrapKwp(kek.key(), volumeKey.key()), blobBytes);
            return new WrappedKey(algorithm, reference(), version, new byte[0], blob);
        }
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        unwraps++;
        if ("PIN".equals(mood)) {
            throw new WrongPinException("stub: wrong PIN");
        }
        if (mood != null && !mood.equals("wrong")) {
            throw new KeySourceException(Kind.valueOf(mood), "stub: " + mood);
        }
        Secret share = Secret.empty(engine.keys());
        try (Secret kek = kek()) {
            if (mood == null
                    && wrapped.blob().length == blobBytes
                    && engine.wrap().unwrapKwp(kek.key(), Arrays.copyOf(wrapped.blob(), WRAPPED_BYTES), share.key())) {
                return share;
            }
        }
        share.close();
        throw new WrongKeyException("stub: another key");
    }

    @Override
    public void close() {}
}
