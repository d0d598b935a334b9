package io.blockseal.device;

import io.blockseal.volume.DataPlane;

/**
 * What stands between a client and a volume's store, put together in one place: {@link UnitAligner} over
 * {@link EncryptedDevice}. Layers are composed here and not loaded from outside, since a layer that ignores a command
 * corrupts data.
 *
 * @param top what an export serves
 * @param encrypted the encryption layer, for its counter
 */
public record DeviceStack(UnitAligner top, EncryptedDevice encrypted) {
    /**
     * The stack over an open volume. The volume stays the caller's and must outlive every channel.
     *
     * @throws IllegalArgumentException if the store's alignment does not fit the volume
     */
    public static DeviceStack build(DataPlane plane) {
        EncryptedDevice encrypted = new EncryptedDevice(plane);
        return new DeviceStack(new UnitAligner(encrypted, plane.dataStore().alignmentBytes()), encrypted);
    }
}
