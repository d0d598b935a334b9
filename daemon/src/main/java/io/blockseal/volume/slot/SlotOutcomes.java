package io.blockseal.volume.slot;

import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.KeySlotType;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What came of each key slot at one opening, for whoever is told when none of them opened the volume: what was tried, and of
 * what was not, why. On one thread.
 */
final class SlotOutcomes {
    private final List<KeySource> given;
    private final List<String> told = new ArrayList<>();
    private boolean strange;
    private @Nullable KeySourceException unserved;
    private @Nullable MalformedVolumeException unfit;
    private @Nullable String unusable;

    /** For the keys of {@code given}. */
    SlotOutcomes(List<KeySource> given) {
        this.given = given;
    }

    /** A key would fit, but is to be asked for. */
    void onRequest(int index) {
        told.add("slot " + index + ": opens on request only: --key-slot " + index);
    }

    /** No key at hand is of its kind and its place. */
    void strange(int index, KeySlot slot) {
        if (KeySlotType.ofCode(slot.type()) == KeySlotType.RECOVERY) {
            told.add("slot " + index + " is a recovery key's, which is tried only with --recovery-key-file");
            return;
        }
        strange = true;
        told.add("slot " + index + " was made with " + place(slot.reference(), slot.type()));
    }

    /** A newer release made it. */
    void unknown(int index, KeySlot slot) {
        told.add("slot " + index + " is wrapped in a way that this release does not know (" + slot.wrapAlgorithm()
                + ")");
    }

    /** There is none of that number. */
    void free(int index) {
        told.add("slot " + index + " holds no key");
    }

    /** Its source says that it is another key. */
    void wrong(int index, WrongKeyException why) {
        told.add("slot " + index + ": " + why.getMessage());
    }

    /** Its source has given a key, and that is not the volume's. */
    void unfit(int index, KeySource source, MalformedVolumeException why) {
        unfit = unfit == null ? why : unfit;
        note(source.reference() + " gives another key than the volume's (key slot " + index + ")");
    }

    /** Its source could not be asked, or would not. */
    void unserved(KeySourceException why) {
        unserved = unserved == null ? why : both(unserved, why);
        note(String.valueOf(why.getMessage()));
    }

    private void note(String why) {
        unusable = unusable == null ? why : unusable + "; and another key slot: " + why;
    }

    /** What was said of slots whose source could not be asked, would not, or gave something else; null if there was none. */
    @Nullable
    String unusable() {
        return unusable;
    }

    /** The first key that a source gave and that was not the volume's; null if there was none. */
    @Nullable
    MalformedVolumeException unfit() {
        return unfit;
    }

    /** All sources that could not be asked, or would not, in one; null if there was none. */
    @Nullable
    KeySourceException unserved() {
        return unserved;
    }

    /** What is said if nothing of that kind stood in the way. */
    WrongKeyException wrongKey(String volumeName, KeySlotArea area) {
        StringBuilder text = new StringBuilder(volumeName + ": no key slot opens with the given keys");
        told.forEach(each -> text.append("; ").append(each));
        for (int i = 0; i < KeySlotArea.SLOTS; i++) {
            if (area.refusal(i) != null) {
                text.append("; refused: ").append(area.refusal(i));
            }
        }
        if (strange && !given.isEmpty()) {
            text.append("; given was ")
                    .append(given.stream()
                            .map(source -> place(
                                    source.reference(),
                                    KeySlotType.ofKind(source.kind()).code()))
                            .distinct()
                            .collect(Collectors.joining(", ")));
        }
        return new WrongKeyException(text.toString());
    }

    /** A reference, which is no secret, but of a slot anybody's who could write there; and a word for one that says nothing. */
    private static String place(String reference, int type) {
        return switch (KeySlotType.ofCode(type)) {
            case PASSPHRASE -> "a passphrase";
            case RECOVERY -> "a recovery key";
            default -> reference.isEmpty() ? "a key without a name" : reference.replaceAll("\\p{Cntrl}", "?");
        };
    }

    /**
     * What is said of two slots that could not be tried. A no is definite only if it is the answer for all slots, and
     * what passes is waited for although another slot wants an operator.
     */
    private static KeySourceException both(KeySourceException one, KeySourceException other) {
        boolean swap = rank(other) > rank(one);
        KeySourceException first = swap ? other : one;
        KeySourceException second = swap ? one : other;
        return new KeySourceException(
                first.kind(), first.getMessage() + "; and another key slot: " + second.getMessage(), first);
    }

    private static int rank(KeySourceException trouble) {
        return switch (trouble.kind()) {
            case REFUSED -> 0;
            case MISCONFIGURED -> 1;
            case THROTTLED, UNREACHABLE -> 2;
        };
    }
}
