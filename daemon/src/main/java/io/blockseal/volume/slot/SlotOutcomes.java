package io.blockseal.volume.slot;

import io.blockseal.format.KeySlot;
import io.blockseal.format.KeySlotArea;
import io.blockseal.format.KeySlotType;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.WrongPinException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What came of each key slot at one opening, for whoever is told when none of them opened the volume: what was tried, and of
 * what was not, why. What decides which exception it is comes first in its message, and then every other slot. On one
 * thread.
 */
final class SlotOutcomes {
    private static final String ANOTHER = "; and another key slot: ";
    /** The rank of what passes. */
    private static final int WAIT = 3;

    private final String volumeName;
    private final KeySlotArea area;
    private final List<KeySource> given;
    private final List<String> told = new ArrayList<>();
    private final List<String> unusable = new ArrayList<>();
    private boolean strange;
    private @Nullable KeySourceException unserved;
    private @Nullable MalformedVolumeException unfit;
    private String firstUnfit = "";

    /** Of the slots in {@code area}, for the keys of {@code given}. */
    SlotOutcomes(String volumeName, KeySlotArea area, List<KeySource> given) {
        this.volumeName = volumeName;
        this.area = area;
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
        String words = source.reference() + " gives another key than the volume's (key slot " + index + ")";
        if (unfit == null) {
            unfit = why;
            firstUnfit = words;
        }
        note(words);
    }

    /** Its source could not be asked, or would not. */
    void unserved(KeySourceException why) {
        unserved = unserved == null || rank(why) > rank(unserved) ? why : unserved;
        note(String.valueOf(why.getMessage()));
    }

    private void note(String why) {
        unusable.add(why);
    }

    /** What was said of slots whose source could not be asked, would not, or gave something else; null if there was none. */
    @Nullable
    String unusable() {
        return unusable.isEmpty() ? null : String.join(ANOTHER, unusable);
    }

    /**
     * That a source gave a key that is not the volume's, and what came of all slots; null if none did, or if one that could
     * not be asked now might still open the volume.
     */
    @Nullable
    MalformedVolumeException unfit() {
        return unfit == null || isWorthWaiting() ? null : unfit.with(rest(firstUnfit));
    }

    /** That a source could not be asked, or would not, and what came of all slots; null if there was none. */
    @Nullable
    KeySourceException unserved() {
        return unserved == null ? null : unserved.inWords(first() + rest(first()));
    }

    private String first() {
        return unserved == null ? "" : String.valueOf(unserved.getMessage());
    }

    private boolean isWorthWaiting() {
        return unserved != null && rank(unserved) == WAIT;
    }

    /** That no key fits, or none with its PIN. */
    WrongKeyException wrongKey() {
        String pins = String.join(ANOTHER, unusable);
        return new WrongKeyException(
                volumeName + ": no key slot opens with the given keys" + (pins.isEmpty() ? "" : "; " + pins)
                        + untried(),
                unserved instanceof WrongPinException ? unserved : null);
    }

    /** What is said of the other slots after {@code first}. */
    private String rest(String first) {
        List<String> others = new ArrayList<>(unusable);
        others.remove(first);
        StringBuilder text = new StringBuilder();
        others.forEach(each -> text.append(ANOTHER).append(each));
        return text + untried();
    }

    private String untried() {
        StringBuilder text = new StringBuilder();
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
        return text.toString();
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
     * Which of two troubles decides. What passes is waited for although another slot wants an operator; a wrong PIN ends the
     * start for good, as each one would cost a try; and no is an answer only if it is that of all slots.
     */
    private static int rank(KeySourceException trouble) {
        if (trouble instanceof WrongPinException) {
            return 2;
        }
        return switch (trouble.kind()) {
            case REFUSED -> 0;
            case MISCONFIGURED -> 1;
            case THROTTLED, UNREACHABLE -> WAIT;
        };
    }
}
