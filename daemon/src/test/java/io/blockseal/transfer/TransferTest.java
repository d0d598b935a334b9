package io.blockseal.transfer;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.MemoryStore.Kind;
import io.blockseal.store.MemoryStore.Operation;
import java.io.ByteArrayOutputStream;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TransferTest {
    private static final int MIB = Bench.MIB;
    /** Beyond the first place whose sum is kept. */
    private static final int SIZE = 66 * MIB + 4711;

    @TempDir
    Path directory;

    private static byte[] all(MemoryStore store) {
        return store.peek(0, (int) store.sizeBytes());
    }

    private static String sha256(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    private static void assertCopied(Bench bench) {
        long size = bench.source.sizeBytes();
        assertSame(bench, size);
        int rest = (int) (bench.target.sizeBytes() - size);
        assertArrayEquals(new byte[rest], bench.target.peek(size, rest));
    }

    private static void assertSame(Bench bench, long length) {
        for (long at = 0; at < length; at += MIB) {
            int part = (int) Math.min(MIB, length - at);
            assertArrayEquals(bench.source.peek(at, part), bench.target.peek(at, part), "at " + at);
        }
    }

    private static TransferException refused(Bench bench, TransferException.Kind kind, String words) {
        TransferException refused = assertThrows(TransferException.class, bench::run);
        assertEquals(kind, refused.kind(), refused.getMessage());
        assertTrue(refused.getMessage().contains(words), refused.getMessage());
        return refused;
    }

    @Nested
    class OntoAnEmptyTarget {
        @ParameterizedTest
        @ValueSource(longs = {1, 2, 3, 4, 5})
        void everyByteArrivesAndBothSumsAreThatOfTheSource(long seed) throws Exception {
            try (Bench bench = new Bench(directory, SIZE + new Random(seed).nextInt(MIB), SIZE + 2 * MIB)) {
                Bench.fill(bench.source, seed);
                TransferReport report = bench.run();
                assertCopied(bench);
                assertEquals(sha256(all(bench.source)), report.sourceSha256());
                assertEquals(report.sourceSha256(), report.targetSha256());
                assertNull(bench.file.load(), "nothing is left to go on with");
                assertTrue(
                        bench.target.operations().stream().anyMatch(done -> done.kind() == Kind.FLUSH),
                        "what was copied was made durable");
            }
        }

        @Test
        void holesAndZerosAreNotWritten() throws Exception {
            try (Bench bench = new Bench(directory, 3L << 30, 3L << 30)) {
                bench.options = bench.options.verifying(false);
                bench.source.poke(MIB, new byte[4 * MIB]);
                bench.source.poke((2L << 30) + 200_000, (byte) 7);
                TransferReport report = bench.run();
                assertEquals(7, bench.target.peek((2L << 30) + 200_000, 1)[0]);
                List<Operation> writes = bench.target.operations().stream()
                        .filter(done -> done.kind() != Kind.FLUSH)
                        .toList();
                assertEquals(1, writes.size(), "one write, of the block that is not zeros");
                assertTrue(writes.get(0).length() <= 64 << 10);
                assertEquals(writes.get(0).length(), report.dataBytes());
            }
        }

        @Test
        void anEmptySourceIsCopied() throws Exception {
            try (Bench bench = new Bench(directory, 0, MIB)) {
                TransferReport report = bench.run();
                assertEquals(0, report.lengthBytes());
                assertEquals(sha256(new byte[0]), report.targetSha256());
            }
        }

        @Test
        void aStreamGetsEveryByteInOrder() throws Exception {
            try (Bench bench = new Bench(directory, SIZE, 0)) {
                Bench.fill(bench.source, 9);
                ByteArrayOutputStream out = new ByteArrayOutputStream();
                try (StreamDevice stream = new StreamDevice(Channels.newChannel(out), SIZE)) {
                    Side to = Side.disk("-", stream, Fingerprint::empty).withKind(Side.Kind.STREAM);
                    TransferReport report = bench.run(bench.from(), to);
                    assertArrayEquals(all(bench.source), out.toByteArray());
                    assertEquals(sha256(out.toByteArray()), report.sourceSha256());
                    assertFalse(report.verified());
                }
            }
        }
    }

    @Nested
    class OntoSomethingElse {
        @Test
        void isRefusedUnlessForcedAndThenNothingOldIsLeft() throws Exception {
            try (Bench bench = new Bench(directory, SIZE, SIZE + 5 * MIB + 1)) {
                Bench.fill(bench.source, 1);
                Bench.fill(bench.target, 2);
                byte[] before = all(bench.target);
                refused(bench, TransferException.Kind.REFUSED, "it is not empty, and would be overwritten");
                assertArrayEquals(before, all(bench.target));
                bench.options = bench.options.forced(true);
                bench.run();
                assertCopied(bench);
            }
        }

        @Test
        void whatATargetCallsDataCountsAsThatEvenIfItsEndsAreZeros() {
            try (Bench bench = new Bench(directory, MIB, MIB)) {
                bench.target.poke(0, new byte[MIB]);
                refused(bench, TransferException.Kind.REFUSED, "it is not empty");
            }
        }

        @Test
        void oneThatDoesNotKnowItsHolesIsLookedAtAndWrittenInFull() throws Exception {
            try (Bench bench = new Bench(directory, 8 * MIB, 9 * MIB)) {
                Bench.fill(bench.source, 31);
                long glance = bench.target.sizeBytes() / 256 * 100;
                bench.target.poke(glance, (byte) 1);
                Side to = bench.to().withoutHoles();
                TransferException refused = assertThrows(TransferException.class, () -> bench.run(bench.from(), to));
                assertTrue(refused.getMessage().contains("it is not empty"), refused.getMessage());
                // Between the places that are looked at: it goes, for all is written.
                bench.target.poke(glance, (byte) 0);
                bench.target.poke(glance + 5000, (byte) 1);
                bench.run(bench.from(), to);
                assertCopied(bench);
            }
        }

        @Test
        void withoutACommandForZerosTheyAreWritten() throws Exception {
            try (Bench bench = new Bench(directory, SIZE, SIZE + 5 * MIB + 1)) {
                Bench.fill(bench.source, 3);
                Bench.fill(bench.target, 4);
                bench.options = bench.options.forced(true);
                bench.run(bench.from(), bench.to().withKind(Side.Kind.WITHOUT_ZEROING));
                assertCopied(bench);
                assertTrue(bench.target.operations().stream().noneMatch(done -> done.kind() == Kind.ZERO));
            }
        }

        @Test
        void oneThatIsTooSmallIsRefused() {
            try (Bench bench = new Bench(directory, MIB + 1, MIB)) {
                refused(bench, TransferException.Kind.REFUSED, "too small: it has 1048576 bytes");
                assertEquals(List.of(), bench.target.operations());
            }
        }
    }

    @Nested
    class AfterACut {
        @ParameterizedTest
        @ValueSource(longs = {11, 12, 13, 14, 15, 16})
        void itGoesOnFromWhatIsDurable(long seed) throws Exception {
            Random random = new Random(seed);
            try (Bench bench = new Bench(directory, 2L * SIZE, 2L * SIZE + MIB)) {
                Bench.fill(bench.source, seed);
                long broken = (long) (random.nextDouble() * 2 * SIZE);
                boolean verify = random.nextBoolean();
                bench.options = bench.options.verifying(verify);
                bench.target.failWhen(
                        done -> done.kind() == Kind.WRITE && done.offset() + done.length() > broken, Errno.ENOSPC);
                TransferException failed = assertThrows(TransferException.class, bench::run);
                assertTrue(failed.getMessage().contains("no space is left"), failed.getMessage());
                assertTrue(failed.getMessage().contains("go on with --resume"), failed.getMessage());
                Checkpoint checkpoint = bench.file.load();
                assertNotNull(checkpoint);
                assertSame(bench, checkpoint.offset());
                refused(bench, TransferException.Kind.REFUSED, "was interrupted at offset " + checkpoint.offset());

                bench.target.failWhen(null, Errno.OK);
                bench.target.startRecording();
                bench.options = bench.options.resuming(true);
                TransferReport report = bench.run();
                assertCopied(bench);
                assertEquals(checkpoint.offset(), report.resumedAt());
                assertTrue(
                        bench.target.operations().stream()
                                .filter(done -> done.kind() == Kind.WRITE)
                                .allMatch(done -> done.offset() >= checkpoint.offset()),
                        "nothing is copied twice");
                if (verify) {
                    assertEquals(sha256(all(bench.source)), report.sourceSha256());
                    assertEquals(report.sourceSha256(), report.targetSha256());
                }
            }
        }

        @Test
        void aCopyWithoutSumsCanBeGoneOnWithAndVerified() throws Exception {
            try (Bench bench = new Bench(directory, SIZE, SIZE)) {
                Bench.fill(bench.source, 21);
                bench.options = bench.options.verifying(false);
                bench.target.failWhen(done -> done.kind() == Kind.WRITE && done.offset() > SIZE / 2, Errno.EIO);
                assertThrows(TransferException.class, bench::run);
                bench.target.failWhen(null, Errno.OK);
                bench.options = bench.options.verifying(true).resuming(true);
                TransferReport report = bench.run();
                assertTrue(report.resumedAt() > 0);
                assertEquals(sha256(all(bench.source)), report.targetSha256());
            }
        }

        private Bench cancelled() throws Exception {
            Bench bench = new Bench(directory, 100L * MIB, 100L * MIB);
            Bench.fill(bench.source, 5);
            // Slow enough for the control to be asked on the way.
            Gate gate = new Gate(bench.source, 90L * MIB);
            bench.control = Bench.cancelAt(70L * MIB);
            gate.openWhen(bench.control);
            JobCanceledException cancelled = assertThrows(
                    JobCanceledException.class,
                    () -> bench.run(Side.disk("the source", gate, () -> bench.sourcePrint), bench.to()));
            assertTrue(cancelled.getMessage().contains("go on with --resume"), cancelled.getMessage());
            bench.control = JobControl.ALONE;
            bench.options = bench.options.resuming(true);
            return bench;
        }

        @Test
        void aCancelledCopyGoesOn() throws Exception {
            try (Bench bench = cancelled()) {
                Checkpoint checkpoint = bench.file.load();
                assertNotNull(checkpoint);
                assertTrue(checkpoint.offset() >= 70L * MIB, "all that was copied is promised: " + checkpoint);
                TransferReport report = bench.run();
                assertEquals(checkpoint.offset(), report.resumedAt());
                assertCopied(bench);
            }
        }

        /** As of a volume that is locked: it need not be unlocked for a copy to be cancelled. */
        @Test
        void aCopyOfWhatStandsStillCanBeCancelled() throws Exception {
            try (Bench bench = new Bench(directory, 100L * MIB, 100L * MIB)) {
                Bench.fill(bench.source, 5);
                bench.control = Bench.cancelAt(50L * MIB);
                Frozen frozen = new Frozen(bench.source, 60L * MIB);
                assertThrows(
                        JobCanceledException.class,
                        () -> bench.run(Side.disk("the source", frozen, () -> bench.sourcePrint), bench.to()));
                Checkpoint checkpoint = bench.file.load();
                assertNotNull(checkpoint);
                assertTrue(checkpoint.offset() >= 50L * MIB, "what was copied is not lost: " + checkpoint);
                bench.control = JobControl.ALONE;
                bench.options = bench.options.resuming(true);
                bench.run();
                assertCopied(bench);
            }
        }

        @Test
        void aSourceThatChangedIsRefusedAndTheMessageSaysHow() throws Exception {
            try (Bench bench = cancelled()) {
                bench.sourcePrint = Fingerprint.empty().with("inode", "2");
                refused(
                        bench,
                        TransferException.Kind.BROKEN,
                        "the source has changed since the copy was interrupted: inode was 1 and is 2");
            }
        }

        @Test
        void anotherTargetIsRefused() throws Exception {
            try (Bench bench = cancelled()) {
                bench.targetPrint = Fingerprint.empty().with("volume", "u");
                refused(bench, TransferException.Kind.REFUSED, "it is not the target that was copied to");
            }
        }

        @Test
        void aTargetThatWasWrittenToIsRefused() throws Exception {
            try (Bench bench = cancelled()) {
                byte[] was = bench.target.peek(40L * MIB, 1);
                bench.target.poke(40L * MIB, (byte) (was[0] + 1));
                refused(bench, TransferException.Kind.REFUSED, "is not what was copied: it was written to since");
            }
        }

        @Test
        void thereMustBeSomethingToGoOnWith() {
            try (Bench bench = new Bench(directory, MIB, MIB)) {
                bench.options = bench.options.resuming(true);
                refused(bench, TransferException.Kind.REFUSED, "there is nothing to go on with");
            }
        }
    }

    @Nested
    class WhenSomethingFails {
        @Test
        void theMessageNamesTheBlockThatCannotBeRead() throws Exception {
            try (Bench bench = new Bench(directory, SIZE, SIZE)) {
                byte[] noise = new byte[SIZE];
                new Random(1).nextBytes(noise);
                bench.source.poke(0, noise);
                long bad = 33L * MIB + 5 * 4096;
                bench.source.spoil(bad);
                refused(bench, TransferException.Kind.BROKEN, "the source: cannot be read at offset " + bad + ":");
                assertNotNull(bench.file.load());
            }
        }

        @Test
        void aFlippedByteIsFoundAndItsPlaceIsNamed() {
            try (Bench bench = new Bench(directory, SIZE, SIZE)) {
                Bench.fill(bench.source, 6);
                byte[] content = all(bench.source);
                int at = 66 * MIB;
                while (content[at] == 0) {
                    at++;
                }
                int flipped = at;
                Side to = Side.disk("the target", bench.target, () -> bench.targetPrint)
                        .withForget(() -> bench.target.poke(flipped, (byte) (content[flipped] ^ 0x10)));
                TransferException different = assertThrows(TransferException.class, () -> bench.run(bench.from(), to));
                assertEquals(TransferException.Kind.DIFFERENT, different.kind());
                assertTrue(
                        different.getMessage().contains("differs from the source at offset " + flipped + "."),
                        different.getMessage());
            }
        }

        @Test
        void aFailedFlushIsNotTakenForDurable() throws Exception {
            try (Bench bench = new Bench(directory, SIZE, SIZE)) {
                Bench.fill(bench.source, 7);
                bench.target.failWhen(done -> done.kind() == Kind.FLUSH, Errno.EIO);
                refused(bench, TransferException.Kind.BROKEN, "could not be made durable: a flush failed");
                assertEquals(0, bench.file.load().offset());
            }
        }

        @Test
        void norIsOneWhoseLossSomebodyElseHeardOf() throws Exception {
            try (Bench bench = new Bench(directory, SIZE, SIZE)) {
                Bench.fill(bench.source, 8);
                bench.target.failWhen(
                        done -> {
                            if (done.kind() == Kind.WRITE && done.offset() > SIZE / 2) {
                                bench.target.countLoss();
                            }
                            return false;
                        },
                        Errno.OK);
                refused(bench, TransferException.Kind.BROKEN, "could not be made durable: a flush failed");
            }
        }

        @Test
        void aSourceThatIsWrittenToMeanwhileIsNoticed() throws Exception {
            try (Bench bench = new Bench(directory, SIZE, SIZE)) {
                Bench.fill(bench.source, 9);
                Fingerprint[] now = {bench.sourcePrint};
                Side from = Side.disk("the source", bench.source, () -> {
                    Fingerprint print = now[0];
                    now[0] = print.with("modified", "later");
                    return print;
                });
                TransferException changed = assertThrows(TransferException.class, () -> bench.run(from, bench.to()));
                assertTrue(
                        changed.getMessage().contains("the source has changed while it was copied"),
                        changed.getMessage());
            }
        }
    }
}
