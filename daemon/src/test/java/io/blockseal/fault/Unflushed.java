package io.blockseal.fault;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;

/**
 * What becomes of the operations that no flush followed when the power fails. What was flushed, and what was written
 * with FUA, is there under each of these.
 */
public enum Unflushed {
    /** All of it is there: the process died, the machine did not. */
    KEPT,
    /** None of it. */
    LOST,
    /** Some of it, whole and in order. */
    SOME,
    /** Some of it, in any order: of two that overlap the earlier one may be what is found. */
    REORDERED,
    /** Some 512-byte sectors of each. */
    SECTORS;

    /** What a disk writes at once, and no more. */
    public static final int SECTOR_BYTES = 512;

    /** Brings those of {@code pending} to the disk that this policy keeps. */
    void apply(List<Operation> pending, DiskImage image, Random random) {
        if (this != REORDERED) {
            pending.forEach(operation -> applyOne(operation, image, random));
            return;
        }
        // What was written with FUA ends a run: nothing from before it can land after it.
        List<Operation> run = new ArrayList<>();
        for (Operation operation : pending) {
            if (operation.fua()) {
                applyShuffled(run, image, random);
                operation.applyTo(image);
            } else {
                run.add(operation);
            }
        }
        applyShuffled(run, image, random);
    }

    private static void applyShuffled(List<Operation> run, DiskImage image, Random random) {
        Collections.shuffle(run, random);
        for (Operation operation : run) {
            if (random.nextBoolean()) {
                operation.applyTo(image);
            }
        }
        run.clear();
    }

    private void applyOne(Operation operation, DiskImage image, Random random) {
        if (operation.fua() || this == KEPT) {
            operation.applyTo(image);
        } else if (this == SOME && random.nextBoolean()) {
            operation.applyTo(image);
        } else if (this == SECTORS) {
            applySectors(operation, image, random);
        }
    }

    private static void applySectors(Operation operation, DiskImage image, Random random) {
        if (operation.kind() == Operation.Kind.GROW) {
            if (random.nextBoolean()) {
                operation.applyTo(image);
            }
            return;
        }
        for (long at = 0; at < operation.length(); at += SECTOR_BYTES) {
            int bytes = (int) Math.min(SECTOR_BYTES, operation.length() - at);
            if (random.nextBoolean()) {
                if (operation.kind() == Operation.Kind.WRITE) {
                    image.write(operation.offset() + at, operation.data(), (int) at, bytes);
                } else {
                    image.zero(operation.offset() + at, bytes);
                }
            }
        }
    }
}
