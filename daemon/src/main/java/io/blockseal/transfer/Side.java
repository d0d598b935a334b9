package io.blockseal.transfer;

import io.blockseal.block.BlockDevice;
import java.util.function.LongSupplier;
import java.util.function.Supplier;

/**
 * One end of a transfer. Whoever opened it closes what is behind it, after the transfer.
 *
 * @param name how the operator called it
 * @param device what is read or written; any offset and length must do
 * @param fingerprint what it looks like just now, to tell later whether it is still the same
 * @param losses how often it failed to keep what was written, see {@link io.blockseal.store.BlockStore#lossCount}
 * @param forget makes reads ask the storage rather than the system's memory, as far as that is possible
 * @param trouble what its server or the system said of its last failure; empty if nothing
 * @param kind what can be done with it
 * @param knowsHoles whether its BLOCK_STATUS tells data from holes, so that what it calls data is taken for that
 */
public record Side(
        String name,
        BlockDevice device,
        Supplier<Fingerprint> fingerprint,
        LongSupplier losses,
        Runnable forget,
        Supplier<String> trouble,
        Kind kind,
        boolean knowsHoles) {
    /** What can be done with one end. */
    public enum Kind {
        /** Everything. */
        DISK,
        /** As a disk, but zeros have to be written as data. */
        WITHOUT_ZEROING,
        /** It takes bytes in their order, once, and never gives them back. */
        STREAM
    }

    /** A disk that says nothing of its failures but their number. */
    public static Side disk(String name, BlockDevice device, Supplier<Fingerprint> fingerprint) {
        return new Side(name, device, fingerprint, () -> 0, () -> {}, () -> "", Kind.DISK, true);
    }

    /** The same, with another way to count losses. */
    public Side withLosses(LongSupplier newLosses) {
        return new Side(name, device, fingerprint, newLosses, forget, trouble, kind, knowsHoles);
    }

    /** The same, with a way to forget what is cached. */
    public Side withForget(Runnable newForget) {
        return new Side(name, device, fingerprint, losses, newForget, trouble, kind, knowsHoles);
    }

    /** The same, with words for failures. */
    public Side withTrouble(Supplier<String> newTrouble) {
        return new Side(name, device, fingerprint, losses, forget, newTrouble, kind, knowsHoles);
    }

    /** The same, of another kind. */
    public Side withKind(Kind newKind) {
        return new Side(name, device, fingerprint, losses, forget, trouble, newKind, knowsHoles);
    }

    /** The same, which calls everything data for want of knowing better. */
    public Side withoutHoles() {
        return new Side(name, device, fingerprint, losses, forget, trouble, kind, false);
    }

    /** How large it is. */
    public long sizeBytes() {
        return device.geometry().sizeBytes();
    }

    /** Whether it is a stream. */
    boolean isStream() {
        return kind == Kind.STREAM;
    }
}
