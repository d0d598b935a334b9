package io.blockseal.volume;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import java.nio.ByteBuffer;

/** A KEK of 32 equal bytes, in memory: a key source with no file, no cost and no surprise. */
public final class TestKeySource implements KeySource {
    private final CryptoEngine engine;
    private final byte fill;
    private final int priority;
    private int unwraps;
    private boolean unreachable;

    public TestKeySource(CryptoEngine engine, int fill) {
        this(engine, fill, 1);
    }

    public TestKeySource(CryptoEngine engine, int fill, int priority) {
        this.engine = engine;
        this.fill = (byte) fill;
        this.priority = priority;
    }

    /** From now on it cannot be reached. */
    TestKeySource unreachable() {
        unreachable = true;
        return this;
    }

    int unwraps() {
        return unwraps;
    }

    @Override
    public String kind() {
        return "file";
    }

    @Override
    public String reference() {
        return "test:" + fill;
    }

    @Override
    public int slotPriority() {
        return priority;
    }

    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return wrapped.algorithm() == WrapAlgorithm.AES_256_KWP;
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) {
        try (Secret kek = kek()) {
            byte[] blob = engine.wrap().wrapKwp(kek.key(), volumeKey.key());
            return new WrappedKey(WrapAlgorithm.AES_256_KWP, reference(), "", new byte[0], blob);
        }
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        unwraps++;
        if (unreachable) {
            throw new KeySourceException(KeySourceException.Kind.UNREACHABLE, "test: not reached");
        }
        Secret volumeKey = Secret.empty(engine.keys());
        try (Secret kek = kek()) {
            if (engine.wrap().unwrapKwp(kek.key(), wrapped.blob(), volumeKey.key())) {
                return volumeKey;
            }
        }
        volumeKey.close();
        throw new WrongKeyException("test: another key");
    }

    @Override
    public void close() {}

    private Secret kek() {
        Secret kek = Secret.empty(engine.keys());
        ByteBuffer bytes = ByteBuffer.allocateDirect(32);
        while (bytes.hasRemaining()) {
            bytes.put(fill);
        }
        engine.keys().put(kek.key(), bytes.flip());
        return kek;
    }
}
