package io.blockseal.fault;

import io.blockseal.format.MetadataLayout;
import io.blockseal.store.StoreException;
import io.blockseal.volume.Renumbering;
import java.util.ArrayDeque;
import java.util.Queue;

/**
 * Bugs that the suite must find, each made by what a {@link Disturbance} does to the stores: the program under test is
 * the real one. Most act on the metadata alone, which is recognised by where it lies.
 */
final class PlantedBugs {
    private static final long EXTENT = MetadataLayout.EXTENT_BYTES;
    private static final long PAGES_A = MetadataLayout.pageOffsetInExtent(0, 0);
    private static final long PAGES_B = MetadataLayout.pageOffsetInExtent(0, 1);

    private PlantedBugs() {}

    private static boolean isMetadata(Scene scene, Operation operation) {
        return operation.store() == scene.metadata().index() && operation.offset() < EXTENT;
    }

    private static boolean isPage(Operation operation) {
        return operation.kind() == Operation.Kind.WRITE && operation.offset() >= PAGES_A && operation.offset() < EXTENT;
    }

    /** The flush of that number, counted from 0, is forgotten. */
    static Mutation skippedFlush(int number) {
        return new Mutation() {
            @Override
            public void whileRecording(Scene scene) {
                int[] met = {0};
                scene.metadata().disturb((operation, disk) -> {
                    boolean forgotten = operation.kind() == Operation.Kind.FLUSH && met[0]++ == number;
                    if (!forgotten) {
                        disk.perform(operation);
                    }
                });
            }
        };
    }

    /** What was written to data is not made durable; flushes of metadata are. */
    static Mutation dataFlushesSkipped() {
        return new Mutation() {
            @Override
            public void whileRecording(Scene scene) {
                boolean[] dataIsLast = {false};
                scene.data().disturb((operation, disk) -> {
                    if (operation.changes()) {
                        dataIsLast[0] = !isMetadata(scene, operation);
                    }
                    if (operation.kind() != Operation.Kind.FLUSH || !dataIsLast[0]) {
                        disk.perform(operation);
                    }
                });
            }
        };
    }

    /** The second copies, which overwrite a DEK that was destroyed, are not flushed. */
    static Mutation scrubNotFlushed() {
        return new Mutation() {
            @Override
            public void whileRecording(Scene scene) {
                Queue<Operation> unflushed = new ArrayDeque<>();
                scene.metadata().disturb((operation, disk) -> {
                    boolean flush = operation.kind() == Operation.Kind.FLUSH;
                    boolean second = unflushed.stream().anyMatch(PlantedBugs::isPage)
                            && unflushed.stream().anyMatch(each -> CommitCases.isRootWrite(scene, each));
                    if (flush && second) {
                        return;
                    }
                    if (flush) {
                        unflushed.clear();
                    } else if (isMetadata(scene, operation)) {
                        unflushed.add(operation);
                    }
                    disk.perform(operation);
                });
            }
        };
    }

    /** A commit gets the number of the one before. */
    static Mutation reusedSequenceNumber(Lab lab) {
        return new Mutation() {
            @Override
            public void whileRecording(Scene scene) throws Exception {
                scene.metadata()
                        .disturb(new Renumbering(
                                lab.fixture().engine(),
                                scene.metadata(),
                                lab.fixture().key(1)));
            }
        };
    }

    /** The second copy of a page is overwritten with the first, before the root is durable. */
    static Mutation scrubBeforeCommit() {
        return new Mutation() {
            @Override
            public void whileRecording(Scene scene) {
                scene.metadata().disturb((operation, disk) -> {
                    disk.perform(operation);
                    if (isMetadata(scene, operation) && isPage(operation)) {
                        long toTheTwin = operation.offset() < PAGES_B ? PAGES_B - PAGES_A : PAGES_A - PAGES_B;
                        disk.perform(operation.at(operation.offset() + toTheTwin));
                    }
                });
            }
        };
    }

    /** Opening leaves the first page as it is, orphan or not. */
    static Mutation forgottenOrphan() {
        return new Mutation() {
            @Override
            public void whileOpening(Layout layout, FaultJournal found) {
                layout.metadata(found).disturb((operation, disk) -> {
                    boolean firstPage = operation.offset() == PAGES_A || operation.offset() == PAGES_B;
                    if (operation.kind() != Operation.Kind.WRITE || !firstPage) {
                        disk.perform(operation);
                    }
                });
            }
        };
    }

    /** Slots are not zeroed as a whole; what guests and copies zero within them is. */
    static Mutation noZeroOfWholeSlots() {
        return new Mutation() {
            @Override
            public void whileRecording(Scene scene) {
                scene.data().disturb((operation, disk) -> {
                    if (operation.kind() != Operation.Kind.ZERO || operation.length() != Layout.RANGE_BYTES) {
                        disk.perform(operation);
                    }
                });
            }
        };
    }

    /** A slot is not zeroed, neither when it is given back nor before it is used again. */
    static Mutation noZeroBeforeReuse() {
        Disturbance noZeros = (operation, disk) -> {
            if (operation.kind() != Operation.Kind.ZERO) {
                disk.perform(operation);
            }
        };
        return new Mutation() {
            @Override
            public void whileRecording(Scene scene) {
                scene.data().disturb(noZeros);
            }

            @Override
            public void whileOpening(Layout layout, FaultJournal found) {
                layout.data(found).disturb(noZeros);
            }
        };
    }

    /** The first bytes under a DEK are written before the commit that gives it. */
    static Mutation dataBeforeDekCommit() {
        return new Mutation() {
            @Override
            public void whileRecording(Scene scene) {
                Queue<Operation> held = new ArrayDeque<>();
                boolean[] over = {false};
                Disturbance.Disk[] metadataDisk = new Disturbance.Disk[1];
                Disturbance late = (operation, disk) -> {
                    boolean data = operation.kind() == Operation.Kind.WRITE && !isMetadata(scene, operation);
                    if (over[0]) {
                        disk.perform(operation);
                    } else if (data) {
                        over[0] = true;
                        disk.perform(operation);
                        for (Operation earlier : held) {
                            metadataDisk[0].perform(earlier);
                        }
                    } else {
                        metadataDisk[0] = disk;
                        held.add(operation);
                    }
                };
                scene.journal().stores().forEach(store -> store.disturb(late));
            }
        };
    }

    /** The root is written first and its pages after it. */
    static Mutation rootBeforePages() {
        return new Mutation() {
            @Override
            public void whileRecording(Scene scene) {
                Queue<Operation> pages = new ArrayDeque<>();
                scene.metadata().disturb((operation, disk) -> {
                    if (isMetadata(scene, operation) && isPage(operation)) {
                        pages.add(operation);
                        return;
                    }
                    disk.perform(operation);
                    if (CommitCases.isRootWrite(scene, operation)) {
                        performAll(pages, disk);
                    }
                });
            }
        };
    }

    private static void performAll(Queue<Operation> pages, Disturbance.Disk disk) throws StoreException {
        for (Operation page = pages.poll(); page != null; page = pages.poll()) {
            disk.perform(page);
        }
    }

    /** The old key slot area is left as it was after the commit. */
    static Mutation oldKeySlotsLeft() {
        return new Mutation() {
            @Override
            public void whileRecording(Scene scene) {
                int[] met = {0};
                scene.metadata().disturb((operation, disk) -> {
                    boolean slots = operation.kind() == Operation.Kind.WRITE
                            && (operation.offset() == MetadataLayout.keySlotAreaOffset(0)
                                    || operation.offset() == MetadataLayout.keySlotAreaOffset(1));
                    if (!slots || met[0]++ != 1) {
                        disk.perform(operation);
                    }
                });
            }
        };
    }
}
