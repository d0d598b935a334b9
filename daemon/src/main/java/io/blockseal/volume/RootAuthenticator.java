package io.blockseal.volume;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.format.MetadataLayout;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.volume.RootReader.Candidate;
import io.blockseal.volume.VolumeUnlock.Opened;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Finds the newest root whose MAC is right under the volume key that its own key slots give. The volume key lives no
 * longer than this takes; what is derived from it goes to the caller.
 */
final class RootAuthenticator {
    private static final Logger LOG = LoggerFactory.getLogger(RootAuthenticator.class);

    private final CryptoEngine engine;
    private final String volumeName;
    private final VolumeUnlock unlock;
    private @Nullable MalformedVolumeException altered;
    private @Nullable WrongKeyException wrong;
    private @Nullable KeySourceException unserved;

    RootAuthenticator(CryptoEngine engine, String volumeName, List<KeySource> sources, int onlySlot) {
        this.engine = engine;
        this.volumeName = volumeName;
        this.unlock = new VolumeUnlock(volumeName, sources, onlySlot);
    }

    /** A root that may be believed, the keys that prove it, which the caller closes, and how their slot wraps them. */
    record Unlocked(Candidate candidate, VolumeKeys keys, WrapAlgorithm wrappedBy) {}

    Unlocked authenticate(RootReader roots) throws MalformedVolumeException, KeySourceException, WrongKeyException {
        @Nullable KeySlotArea failedArea = null;
        for (Candidate candidate : roots.candidates()) {
            KeySlotArea area = candidate.area();
            if (area == null) {
                altered = new MalformedVolumeException(
                        candidate.root().block(), "key slot hash", "neither key slot area has it: damaged or altered");
            } else if (failedArea == null || !MessageDigest.isEqual(failedArea.sha256(), area.sha256())) {
                Unlocked unlocked = tryOut(candidate, area);
                if (unlocked != null && isOutdated(roots, candidate, unlocked.keys())) {
                    unlocked.keys().close();
                    break;
                }
                if (unlocked != null) {
                    warnOfDamage(roots, candidate);
                    return unlocked;
                }
                failedArea = altered == null ? area : null;
            }
        }
        if (unserved != null) {
            throw unserved;
        }
        if (wrong != null) {
            throw wrong;
        }
        throw altered == null ? roots.bothDamaged() : altered;
    }

    /**
     * Whether a newer root is as genuine as this one and has its key slots. Then a key that opens this one alone was
     * removed, and the removal was cut short before the old copies were overwritten: going on would undo it.
     */
    private static boolean isOutdated(RootReader roots, Candidate candidate, VolumeKeys keys) {
        Candidate newest = roots.candidates().get(0);
        return newest.copy() != candidate.copy() && newest.area() != null && keys.verifies(newest.root());
    }

    /**
     * Whether the other root is not this one's twin or forerunner, so that it may have been the newer one before it was
     * damaged. Two different roots of one commit are what {@link Healing} leaves when it is cut short.
     */
    static boolean mayHaveFallenBack(RootReader roots, Candidate chosen) {
        for (Candidate other : roots.candidates()) {
            if (other.copy() != chosen.copy()) {
                boolean same = Arrays.equals(other.root().image(), chosen.root().image());
                return !same && other.root().commitSeq() >= chosen.root().commitSeq();
            }
        }
        return true;
    }

    private @Nullable Unlocked tryOut(Candidate candidate, KeySlotArea area) {
        try {
            Opened opened = unlock.open(area, candidate.root().uuid());
            VolumeKeys keys = derive(candidate, opened);
            if (keys.verifies(candidate.root())) {
                return new Unlocked(candidate, keys, opened.wrappedBy());
            }
            keys.close();
            altered = new MalformedVolumeException(
                    candidate.root().block(), "mac", "does not verify: altered, or of another volume's key");
        } catch (WrongKeyException e) {
            wrong = e;
        } catch (KeySourceException e) {
            unserved = e;
        }
        return null;
    }

    private VolumeKeys derive(Candidate candidate, Opened opened) {
        try (Secret volumeKey = opened.volumeKey()) {
            return VolumeKeys.derive(engine, candidate.root().uuidBytes(), volumeKey);
        }
    }

    private void warnOfDamage(RootReader roots, Candidate chosen) {
        MalformedVolumeException damage = roots.complaint(1 - chosen.copy());
        if (damage == null) {
            damage = altered;
        }
        if (damage == null && roots.candidates().get(0).copy() != chosen.copy()) {
            damage = new MalformedVolumeException(
                    roots.candidates().get(0).root().block(),
                    "key slots",
                    "no key opens them, though it is the newer root");
        }
        if (damage != null) {
            LOG.warn(
                    "volume={}: {}; going on with root {}",
                    volumeName,
                    damage.getMessage(),
                    MetadataLayout.letter(chosen.copy()));
        }
    }
}
