package io.blockseal.keysource.allof;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.WrongPinException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Two to four sources that open a slot only together: each wraps a random share of its own, and the KEK needs every share.
 * One that says no, or is away, keeps the slot closed. Each part tells auditors of its own questions. From any thread but
 * one that serves I/O.
 */
public final class AllOfKeySource implements KeySource {
    /** How much the trouble of a part counts; above this only that one says no. */
    private static final int WRONG_PIN = 3;

    private final CryptoEngine engine;
    private final List<KeySource> parts;
    private final String reference;

    /** The parts are closed with this. */
    AllOfKeySource(CryptoEngine engine, List<KeySource> parts) {
        this.engine = engine;
        this.parts = List.copyOf(parts);
        this.reference =
                AllOfSlot.reference(parts.stream().map(KeySource::reference).toList());
    }

    @Override
    public String kind() {
        return "all-of";
    }

    @Override
    public String reference() {
        return reference;
    }

    /** A slot with as many parts, each of which the source in the same place may open. */
    @Override
    public boolean mayOpen(WrappedKey wrapped) {
        AllOfSlot slot = AllOfSlot.decode(wrapped);
        return slot != null && mayOpen(slot);
    }

    private boolean mayOpen(AllOfSlot slot) {
        boolean may = slot.parts().size() == parts.size();
        for (int i = 0; may && i < parts.size(); i++) {
            may = parts.get(i).mayOpen(slot.parts().get(i));
        }
        return may;
    }

    /** If it can be made for every part by public keys. */
    @Override
    public boolean anybodyCanWrap(WrappedKey wrapped) {
        AllOfSlot slot = AllOfSlot.decode(wrapped);
        if (slot == null || slot.parts().size() != parts.size()) {
            return false;
        }
        boolean anybody = true;
        for (int i = 0; anybody && i < parts.size(); i++) {
            anybody = parts.get(i).anybodyCanWrap(slot.parts().get(i));
        }
        return anybody;
    }

    @Override
    public String newestVersion() throws KeySourceException {
        List<String> versions = new ArrayList<>();
        for (KeySource part : parts) {
            versions.add(part.newestVersion());
        }
        return AllOfSlot.version(versions);
    }

    /**
     * If that is so of any part. A part may tell its version when it wraps and not when it is asked, for want of a right, so
     * that the versions of all together say nothing: the slot would be wrapped anew again and again.
     */
    @Override
    public boolean isOutdated(WrappedKey wrapped) throws KeySourceException {
        AllOfSlot slot = AllOfSlot.decode(wrapped);
        if (slot == null || !mayOpen(slot)) {
            return false;
        }
        for (int i = 0; i < parts.size(); i++) {
            if (parts.get(i).isOutdated(slot.parts().get(i))) {
                return true;
            }
        }
        return false;
    }

    @Override
    public WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
        List<WrappedKey> wrapped = new ArrayList<>();
        try (Shares shares = new Shares(engine, binding, parts.size())) {
            for (int i = 0; i < parts.size(); i++) {
                Secret share = Secret.random(engine.keys(), 32);
                boolean taken = false;
                try {
                    wrapped.add(parts.get(i).wrap(share, binding));
                    taken = true;
                } catch (KeySourceException e) {
                    throw e.inWords(named(i) + e.getMessage());
                } finally {
                    if (!taken) {
                        share.close();
                    }
                }
                shares.add(share);
            }
            return new AllOfSlot(wrapped, engine.wrap().wrapKwp(shares.kek(), volumeKey.key())).encode();
        }
    }

    @Override
    public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
        AllOfSlot slot = AllOfSlot.decode(wrapped);
        if (slot == null || !mayOpen(slot)) {
            throw new WrongKeyException(reference + " has not wrapped this slot in these parts and this order; "
                    + wrapped.reference() + " has");
        }
        try (Shares shares = shares(slot, binding)) {
            Secret volumeKey = Secret.empty(engine.keys());
            boolean opened = false;
            try {
                opened = engine.wrap().unwrapKwp(shares.kek(), slot.wrappedKey(), volumeKey.key());
            } finally {
                if (!opened) {
                    volumeKey.close();
                }
            }
            if (!opened) {
                throw new WrongKeyException(reference + ": every part has given its share, but they do not belong"
                        + " together: one of them is another key now, or the slot was altered");
            }
            return volumeKey;
        }
    }

    /**
     * Of all parts. All are asked, even after one has failed: that another one says no, or is the wrong one, is the better
     * answer, since it will not pass. Of a wrong PIN people must hear in any case, as each start costs a try.
     */
    private Shares shares(AllOfSlot slot, Binding binding) throws KeySourceException, WrongKeyException {
        Shares shares = new Shares(engine, binding, parts.size());
        boolean all = false;
        try {
            @Nullable KeySourceException unserved = null;
            @Nullable WrongKeyException wrong = null;
            for (int i = 0; i < parts.size() && !Thread.currentThread().isInterrupted(); i++) {
                try {
                    shares.add(parts.get(i).unwrap(slot.parts().get(i), binding));
                } catch (WrongKeyException e) {
                    wrong = wrong == null ? new WrongKeyException(named(i) + e.getMessage()) : wrong;
                } catch (KeySourceException e) {
                    unserved = unserved == null || rank(e) > rank(unserved)
                            ? e.inWords(named(i) + e.getMessage())
                            : unserved;
                }
            }
            if (wrong != null && (unserved == null || rank(unserved) < WRONG_PIN)) {
                throw wrong;
            }
            if (unserved != null) {
                throw unserved;
            }
            if (Thread.currentThread().isInterrupted()) {
                throw new KeySourceException(Kind.UNREACHABLE, reference + ": interrupted");
            }
            all = true;
            return shares;
        } finally {
            if (!all) {
                shares.close();
            }
        }
    }

    private String named(int index) {
        return "part " + (index + 1) + " of " + parts.size() + " ("
                + parts.get(index).reference() + "): ";
    }

    private static int rank(KeySourceException trouble) {
        if (trouble instanceof WrongPinException) {
            return WRONG_PIN;
        }
        return switch (trouble.kind()) {
            case UNREACHABLE -> 0;
            case THROTTLED -> 1;
            case MISCONFIGURED -> 2;
            case REFUSED -> WRONG_PIN + 1;
        };
    }

    @Override
    public List<KeySource> parts() {
        return parts;
    }

    /** The shares that such a slot is made of, each as its source has wrapped it; none if it is of another kind. */
    public static List<WrappedKey> shares(WrappedKey wrapped) {
        AllOfSlot slot = AllOfSlot.decode(wrapped);
        return slot == null ? List.of() : slot.parts();
    }

    /** One part that is gone is enough. */
    @Override
    public @Nullable String whyIndestructible() {
        return parts.stream().anyMatch(part -> part.whyIndestructible() == null)
                ? null
                : "none of its parts is ours to destroy; destroying one of them there is enough: "
                        + parts.stream()
                                .map(part -> part.reference() + ": " + part.whyIndestructible())
                                .collect(Collectors.joining("; "));
    }

    @Override
    public String destroy() throws KeySourceException {
        List<String> done = new ArrayList<>();
        List<String> left = new ArrayList<>();
        KeySourceException failure = null;
        for (int i = 0; i < parts.size(); i++) {
            if (parts.get(i).whyIndestructible() != null) {
                left.add(parts.get(i).reference());
                continue;
            }
            try {
                done.add(named(i) + parts.get(i).destroy());
            } catch (KeySourceException failed) {
                failure = failed;
                left.add(named(i) + failed.getMessage());
            }
        }
        if (done.isEmpty() && failure != null) {
            throw failure;
        }
        if (done.isEmpty()) {
            return KeySource.super.destroy();
        }
        return String.join("; ", done) + "; the slot needed every part and opens no more"
                + (left.isEmpty() ? "" : ". Not destroyed: " + String.join(", ", left));
    }

    @Override
    public void close() {
        parts.forEach(KeySource::close);
    }
}
