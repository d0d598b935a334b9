package io.blockseal.keysource;

import io.blockseal.crypto.Secret;

/** Stands for a key source that tests ask for keys only; it takes every slot for its own. */
public abstract class UnwrapOnly implements KeySource {
    private final String kind;

    /** Of that kind, by which it is referred to as well. */
    protected UnwrapOnly(String kind) {
        this.kind = kind;
    }

    @Override
    public String kind() {
        return kind;
    }

    @Override
    public String reference() {
        return kind + ":";
    }

    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return true;
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) {
        throw new UnsupportedOperationException("nobody asks for that");
    }

    @Override
    public void close() {}
}
