package io.blockseal.volume.slot;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.RootBlock;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.volume.metadata.MetadataCopies;
import io.blockseal.volume.metadata.RootReader;
import io.blockseal.volume.metadata.RootReader.Candidate;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.slot.VolumeUnlock.Opened;
import io.blockseal.volume.table.VolumeKeys;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the newest root whose MAC is right under the volume key that its own key slots give. The volume key lives no
 * longer than this takes; what is derived from it goes to the caller.
 */
public final class RootAuthenticator {
    private static final Logger LOG = LoggerFactory.getLogger(RootAuthenticator.class);

    private final CryptoEngine engine;
    private final String logName;
    private final VolumeUnlock unlock;
    private @Nullable MalformedVolumeException altered;
    /** The same of the root that is being tried. */
    private @Nullable MalformedVolumeException unproven;

    private @Nullable WrongKeyException wrong;
    private @Nullable KeySourceException unserved;

    /** Nobody is asked before {@link #authenticate}. */
    public RootAuthenticator(CryptoEngine engine, VolumeStores stores, List<KeySource> sources, SlotChoice choice) {
        this.engine = engine;
        this.logName = stores.logName();
        this.unlock = new VolumeUnlock(stores.name(), logName, sources, choice);
    }

    /**
     * A root that may be believed, the keys that prove it, which the caller closes, how their slot wraps them, and its
     * number.
     */
    public record Unlocked(Candidate candidate, VolumeKeys keys, WrappedBy wrappedBy, int slot) {}

    /** Opens the newest root that a source has a key for, and whose MAC that key makes. */
    public Unlocked authenticate(RootReader roots)
            throws MalformedVolumeException, KeySourceException, WrongKeyException {
        try (SlotAnswers answers = new SlotAnswers()) {
            return authenticate(roots, answers);
        }
    }

    private Unlocked authenticate(RootReader roots, SlotAnswers answers)
            throws MalformedVolumeException, KeySourceException, WrongKeyException {
        List<KeySlotArea> failedAreas = new ArrayList<>();
        for (Candidate candidate : roots.candidates()) {
            KeySlotArea area = candidate.area();
            if (area == null) {
                altered = candidate.withoutKeySlots();
            } else if (failedAreas.stream()
                    .noneMatch(failed -> MessageDigest.isEqual(failed.sha256(), area.sha256()))) {
                Unlocked unlocked = tryOut(candidate, area, answers);
                if (unlocked != null && isOutdated(roots, candidate, unlocked.keys())) {
                    unlocked.keys().close();
                    break;
                }
                if (unlocked != null) {
                    warnOfDamage(roots, candidate);
                    return unlocked;
                }
                if (altered == null) {
                    failedAreas.add(area);
                }
            }
        }
        if (unserved != null) {
            throw unserved;
        }
        if (wrong != null) {
            throw wrong;
        }
        throw altered == null ? roots.allDamaged() : altered;
    }

    /**
     * Whether a newer root is as genuine as this one and has its key slots. Then a key that opens this one alone was
     * removed, and the removal was cut short before the old copies were overwritten: going on would undo it. Neither may
     * a store that lags behind stand in for one whose key slots alone are damaged: all commits in between would be lost.
     */
    private static boolean isOutdated(RootReader roots, Candidate candidate, VolumeKeys keys) {
        for (Candidate newer : roots.candidates()) {
            boolean elsewhere = MetadataCopies.onMirror(newer.copy()) != MetadataCopies.onMirror(candidate.copy());
            boolean counts = newer.area() != null || elsewhere;
            boolean later = newer.root().commitSeq() > candidate.root().commitSeq();
            if (newer.copy() == candidate.copy()) {
                return false;
            }
            if (counts && later && keys.verifies(newer.root())) {
                return true;
            }
            // No key of the older one can tell; but a volume key is never rotated back.
            boolean laterKey = Integer.compareUnsigned(
                            newer.root().vkEpoch(), candidate.root().vkEpoch())
                    > 0;
            if (elsewhere && later && laterKey) {
                return true;
            }
        }
        return false;
    }

    private @Nullable Unlocked tryOut(Candidate candidate, KeySlotArea area, SlotAnswers answers) {
        unproven = null;
        try {
            return open(candidate, area, answers);
        } catch (MalformedVolumeException e) {
            altered = e;
        } catch (WrongKeyException e) {
            wrong = e;
        } catch (KeySourceException e) {
            unserved = e;
            // It may be the root that is altered, and not the key that is another: an older root is still to be tried.
            altered = unproven == null ? altered : unproven;
        }
        return null;
    }

    private Unlocked open(Candidate candidate, KeySlotArea area, SlotAnswers answers)
            throws MalformedVolumeException, WrongKeyException, KeySourceException {
        return unlock.open(
                area,
                candidate.root().uuid(),
                opened -> {
                    try {
                        return prove(candidate, opened);
                    } catch (MalformedVolumeException e) {
                        unproven = e;
                        throw e;
                    }
                },
                answers);
    }

    private Unlocked prove(Candidate candidate, Opened opened) throws MalformedVolumeException {
        RootBlock root = candidate.root();
        VolumeKeys keys = VolumeKeys.derive(engine, root.uuidBytes(), root.vkEpoch(), opened.volumeKey());
        boolean genuine = false;
        try {
            if (!keys.verifies(root)) {
                throw new MalformedVolumeException(
                        root.block(),
                        "mac",
                        "does not verify: altered, or of another volume's key (that of key slot " + opened.slot()
                                + ")");
            }
            opened.requireEpochOf(root);
            keys.takePrevious(root, opened.volumeKey());
            genuine = true;
        } finally {
            if (!genuine) {
                keys.close();
            }
        }
        opened.close();
        return new Unlocked(candidate, keys, opened.wrappedBy(), opened.slot());
    }

    private void warnOfDamage(RootReader roots, Candidate chosen) {
        List<MalformedVolumeException> damages = new ArrayList<>();
        for (int copy = 0; copy < roots.count(); copy++) {
            MalformedVolumeException damage = roots.complaint(copy);
            if (damage != null) {
                damages.add(damage);
            }
        }
        if (altered != null) {
            damages.add(altered);
        }
        Candidate newest = roots.candidates().get(0);
        if (damages.isEmpty() && newest.root().commitSeq() > chosen.root().commitSeq()) {
            damages.add(new MalformedVolumeException(
                    newest.root().block(), "key slots", "no key opens them, though it is the newer root"));
        }
        for (MalformedVolumeException damage : damages) {
            LOG.warn(
                    "volume={}: {}; going on with {}",
                    logName,
                    damage.getMessage(),
                    chosen.root().block());
        }
    }
}
