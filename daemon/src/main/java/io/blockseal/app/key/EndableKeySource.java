package io.blockseal.app.key;

import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A key source that a daemon asks by itself again and again. Once it is ended, whoever waits for an answer is called back,
 * and nobody asks any more: a daemon that is to stop does not wait for a vault that is away. Only threads within a question
 * are interrupted, never one that is at work on a store. A key that comes after the end all the same, from a source that
 * cannot be called back, is wiped instead of being used. Closing the source below stays its owner's business.
 */
public final class EndableKeySource implements KeySource {
    private final KeySource source;
    private final Set<Thread> asking = new HashSet<>();
    private final Set<Thread> calledBack = new HashSet<>();
    private boolean ended;
    private boolean suspended;

    public EndableKeySource(KeySource source) {
        this.source = source;
    }

    /** No more questions, from now on. */
    public synchronized void end() {
        ended = true;
        asking.forEach(Thread::interrupt);
    }

    /** Likewise, but only until {@link #resume}. */
    public synchronized void suspend() {
        suspended = true;
        calledBack.addAll(asking);
        asking.forEach(Thread::interrupt);
    }

    /** Questions again, after {@link #suspend}. */
    public synchronized void resume() {
        suspended = false;
    }

    private synchronized void enter() throws KeySourceException {
        if (ended) {
            throw gone("is not asked any more, as the volume is closed");
        }
        if (suspended) {
            throw gone("is not asked just now, as an operator has sent another key");
        }
        asking.add(Thread.currentThread());
    }

    private KeySourceException gone(String why) {
        return new KeySourceException(KeySourceException.Kind.UNREACHABLE, reference() + ": " + why);
    }

    private synchronized boolean isEnded() {
        return ended;
    }

    private synchronized void leave() {
        asking.remove(Thread.currentThread());
        if (calledBack.remove(Thread.currentThread()) || ended) {
            // It was meant for the question.
            Thread.interrupted();
        }
    }

    @Override
    public String kind() {
        return source.kind();
    }

    @Override
    public String reference() {
        return source.reference();
    }

    @Override
    public int slotPriority() {
        return source.slotPriority();
    }

    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        return source.mayOpen(wrapped);
    }

    @Override
    public boolean anybodyCanWrap(WrappedKey wrapped) {
        return source.anybodyCanWrap(wrapped);
    }

    @Override
    public String newestVersion() throws KeySourceException {
        enter();
        try {
            return source.newestVersion();
        } finally {
            leave();
        }
    }

    @Override
    public boolean isOutdated(WrappedKey wrapped) throws KeySourceException {
        enter();
        try {
            return source.isOutdated(wrapped);
        } finally {
            leave();
        }
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
        enter();
        try {
            return source.wrap(volumeKey, binding);
        } finally {
            leave();
        }
    }

    @Override
    public WrappedKey rewrap(WrappedKey old, Secret volumeKey, Binding binding) throws KeySourceException {
        enter();
        try {
            return source.rewrap(old, volumeKey, binding);
        } finally {
            leave();
        }
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        Secret key;
        enter();
        try {
            key = source.unwrap(wrapped, binding);
        } finally {
            leave();
        }
        if (isEnded()) {
            key.close();
            throw gone("has given the key after the volume was closed, too late to use it");
        }
        return key;
    }

    @Override
    public List<KeySource> parts() {
        List<KeySource> parts = source.parts();
        return List.of(source).equals(parts) ? List.of(this) : parts;
    }

    @Override
    public @Nullable String whyIndestructible() {
        return source.whyIndestructible();
    }

    @Override
    public String destroy() throws KeySourceException {
        return source.destroy();
    }

    @Override
    public void close() {
        // It is its owner's.
    }
}
