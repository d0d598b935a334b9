package io.blockseal.format;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.blockseal.fuzz.Draw;
import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Patches;
import io.blockseal.fuzz.Seeds;
import java.util.Arrays;

/**
 * A key slot area as found on a disk, before anything vouches for it. First byte: 0, the rest is the beginning of the
 * area; else it is patches to a sound one with a slot of each wrap algorithm.
 */
public final class KeySlotsFuzz implements FuzzTarget {
    private final byte[] sound = sound();

    static byte[] sound() {
        KeySlotArea area = KeySlotArea.empty();
        for (int algorithm = 1; algorithm <= KeySlot.WRAP_ALGORITHM_MAX; algorithm++) {
            area = area.with(
                    algorithm - 1,
                    new KeySlot(
                            algorithm,
                            KeySlot.State.ACTIVE,
                            algorithm % 3,
                            1_700_000_000,
                            1,
                            algorithm,
                            "night shift",
                            "file:/etc/key",
                            "3",
                            new byte[algorithm * 4],
                            new byte[40 * algorithm]));
        }
        return area.image();
    }

    @Override
    public Seeds seeds() {
        byte[] patches = {1};
        return new Seeds()
                .add(
                        "golden",
                        new byte[1],
                        Seeds.trimmed(Seeds.golden(MetadataLayout.KEY_SLOTS_OFFSET, KeySlotArea.AREA_BYTES)))
                .add("sound", patches)
                .add(
                        "lengths",
                        patches,
                        Patches.encode(0x16, Seeds.hex("0102")),
                        Patches.encode(0x38, Seeds.hex("01018100")))
                .add("algorithm", patches, Patches.encode(1024 + 0x14, Seeds.hex("0600")))
                .add("type-zero", patches, Patches.encode(2048, Seeds.hex("0000 02 03")))
                .add("label", patches, Patches.encode(0x18, Seeds.hex("f0908d f0908d f0908d ffff c0af")));
    }

    @Override
    public void run(byte[] input) {
        Draw draw = new Draw(input);
        byte[] image = draw.u8() == 0 ? Arrays.copyOf(draw.rest(), KeySlotArea.AREA_BYTES) : Patches.apply(sound, draw);
        KeySlotArea area = KeySlotArea.decode(image);
        promise(Arrays.equals(image, area.image()), "an area loses bytes when it is read");
        int active = 0;
        for (int i = 0; i < KeySlotArea.SLOTS; i++) {
            KeySlot slot = area.slot(i);
            promise(slot == null || area.refusal(i) == null, "slot " + i + " is both good and refused");
            if (slot != null) {
                active += slot.state() == KeySlot.State.ACTIVE ? 1 : 0;
                checkWritten(area, i, slot);
            }
        }
        promise(active == area.activeCount(), "active slots are counted wrong");
        int free = area.firstFree();
        promise(free < 0 || (area.slot(free) == null && area.refusal(free) == null), "a used slot is given away");
    }

    /** A slot that is accepted can be written, reads the same again and leaves its neighbours alone. */
    private static void checkWritten(KeySlotArea area, int index, KeySlot slot) {
        KeySlotArea written = area.with(index, slot);
        KeySlot again = written.slot(index);
        promise(
                again != null
                        && again.type() == slot.type()
                        && again.wrapAlgorithm() == slot.wrapAlgorithm()
                        && again.label().equals(slot.label())
                        && again.reference().equals(slot.reference())
                        && again.version().equals(slot.version())
                        && Arrays.equals(again.parameters(), slot.parameters())
                        && Arrays.equals(again.blob(), slot.blob()),
                "slot " + index + " changes when it is written");
        byte[] before = area.without(index).image();
        promise(Arrays.equals(before, written.without(index).image()), "writing slot " + index + " touches others");
    }
}
