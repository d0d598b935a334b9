package io.blockseal.format;

import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Sixteen key slots, 16 KiB, immutable. The root names it by its SHA-256. A slot that makes no sense is refused by
 * itself and keeps its bytes; the others go on working.
 */
public final class KeySlotArea {
    /** How many slots there are. */
    public static final int SLOTS = 16;
    /** Size on disk. */
    public static final int AREA_BYTES = SLOTS * KeySlot.SLOT_BYTES;

    private final byte[] image;
    private final @Nullable KeySlot[] slots = new KeySlot[SLOTS];
    private final @Nullable String[] refusals = new String[SLOTS];

    private KeySlotArea(byte[] image) {
        this.image = image;
        for (int i = 0; i < SLOTS; i++) {
            if (!KeySlot.isEmpty(image, offset(i))) {
                try {
                    slots[i] = KeySlot.decode(image, offset(i), "key slot " + i);
                } catch (MalformedVolumeException e) {
                    refusals[i] = e.getMessage();
                }
            }
        }
    }

    /** Sixteen free slots. */
    public static KeySlotArea empty() {
        return new KeySlotArea(new byte[AREA_BYTES]);
    }

    /** Reads {@link #AREA_BYTES} bytes. */
    public static KeySlotArea decode(byte[] source) {
        if (source.length != AREA_BYTES) {
            throw new IllegalArgumentException(source.length + " bytes for a key slot area");
        }
        return new KeySlotArea(source.clone());
    }

    /** The slot, or null if it is free or refused. */
    public @Nullable KeySlot slot(int index) {
        return slots[index];
    }

    /** Why a slot is refused, or null. */
    public @Nullable String refusal(int index) {
        return refusals[index];
    }

    /** The first free slot, or -1. */
    public int firstFree() {
        for (int i = 0; i < SLOTS; i++) {
            if (KeySlot.isEmpty(image, offset(i))) {
                return i;
            }
        }
        return -1;
    }

    /** How many slots open the volume. */
    public int activeCount() {
        int count = 0;
        for (KeySlot slot : slots) {
            if (slot != null && slot.state() == KeySlot.State.ACTIVE) {
                count++;
            }
        }
        return count;
    }

    /** This area with one slot replaced. */
    public KeySlotArea with(int index, KeySlot slot) {
        byte[] changed = image.clone();
        slot.encode(changed, offset(index));
        return new KeySlotArea(changed);
    }

    /** This area with one slot freed and its bytes gone. */
    public KeySlotArea without(int index) {
        byte[] changed = image.clone();
        Arrays.fill(changed, offset(index), offset(index + 1), (byte) 0);
        return new KeySlotArea(changed);
    }

    /** A copy of the 16 KiB. */
    public byte[] image() {
        return image.clone();
    }

    /** By which the root knows it. */
    public byte[] sha256() {
        try {
            return MessageDigest.getInstance("SHA-256").digest(image);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }

    private static int offset(int index) {
        return index * KeySlot.SLOT_BYTES;
    }
}
