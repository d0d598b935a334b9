package io.blockseal.audit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What an auditor reads is what was written, or he is told of it. */
class AuditFileTest {
    @TempDir
    private Path directory;

    private Path log() {
        return directory.resolve("audit.log");
    }

    private static void write(Path log, int count) throws IOException {
        try (AuditFile file = AuditFile.open(log)) {
            for (int i = 0; i < count; i++) {
                file.append(record(i));
            }
        }
    }

    private static AuditRecord record(int i) {
        return AuditRecord.now(
                AuditEvent.KEY_USED,
                AuditField.of("volume", "/srv/Größe Å хор \"1\".bsl"),
                AuditField.of("request", i));
    }

    private static AuditVerification verify(Path... files) throws IOException {
        AuditVerification found = new AuditVerification(null);
        found.read(List.of(files));
        return found;
    }

    private static String what(AuditVerification found) {
        return found.problems().toString();
    }

    /** Without what the file beside the log knows: that of a copy, far from where it was written. */
    private AuditVerification verifyAlone(byte[] bytes) throws IOException {
        Path copy = directory.resolve("copy");
        Files.write(copy, bytes);
        return verify(copy);
    }

    private static byte[] joined(List<String> lines) {
        return (String.join("\n", lines) + "\n").getBytes(StandardCharsets.UTF_8);
    }

    @Test
    void isIntactAsItWasWrittenAndForItsOwnerOnly() throws IOException {
        write(log(), 3);
        write(log(), 2);
        AuditVerification found = verify(log());
        assertTrue(found.isIntact(), what(found));
        assertEquals(6, found.lines(), "log-begun and five");
        assertEquals(6, found.lastSeq());
        assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(log())));
        assertTrue(Files.readString(log()).contains("\"volume\":\"/srv/Größe Å хор \\\"1\\\".bsl\",\"request\":\"0\""));
    }

    @Nested
    class WhenSomebodyTampers {
        @Test
        void findsEveryByteThatWasChanged() throws IOException {
            write(log(), 2);
            byte[] bytes = Files.readAllBytes(log());
            for (int at = 0; at < bytes.length; at++) {
                byte before = bytes[at];
                for (int bit : new int[] {1, 0x20}) {
                    bytes[at] = (byte) (before ^ bit);
                    assertFalse(verifyAlone(bytes).isIntact(), "byte " + at + " ^ " + bit);
                }
                bytes[at] = before;
            }
            assertTrue(verifyAlone(bytes).isIntact());
        }

        @Test
        void findsALineThatWasRemovedRepeatedOrMovedAndNamesIt() throws IOException {
            write(log(), 5);
            List<String> lines = Files.readAllLines(log());
            for (int at = 0; at < lines.size() - 1; at++) {
                List<String> without = new ArrayList<>(lines);
                without.remove(at);
                AuditVerification found = verifyAlone(joined(without));
                assertEquals(1, found.problemCount(), "without line " + (at + 1) + what(found));
                assertEquals(at + 1, found.problems().get(0).line());
                assertTrue(what(found).contains("missing"), what(found));

                List<String> twice = new ArrayList<>(lines);
                twice.add(at, lines.get(at));
                assertFalse(verifyAlone(joined(twice)).isIntact(), "line twice: " + (at + 1));

                List<String> moved = new ArrayList<>(lines);
                Collections.swap(moved, at, at + 1);
                assertFalse(verifyAlone(joined(moved)).isIntact(), "line moved: " + (at + 1));
            }
        }

        @Test
        void findsAnEndThatWasCutOffByTheFileBesideItOrByAHashThatWasNoted() throws IOException {
            write(log(), 3);
            String last = verify(log()).lastHash();
            List<String> lines = Files.readAllLines(log());
            byte[] shorter = joined(lines.subList(0, 2));
            assertTrue(verifyAlone(shorter).isIntact(), "nothing else can know");
            Files.write(log(), shorter);
            assertTrue(what(verify(log())).contains("line number 4"), what(verify(log())));

            Files.delete(AuditTip.of(log()));
            AuditVerification expecting = new AuditVerification(last);
            expecting.read(List.of(log()));
            assertTrue(what(expecting).contains(last), what(expecting));
            assertEquals(0, expecting.problems().get(0).line());
        }

        @Test
        void doesNotGoOnAsIfNothingWasMissing() throws IOException {
            write(log(), 3);
            Files.write(log(), joined(Files.readAllLines(log()).subList(0, 2)));
            write(log(), 1);
            AuditVerification found = verify(log());
            assertEquals(1, found.problemCount(), what(found));
            assertTrue(what(found).contains("lines before it are missing: 3 to 4"), what(found));
            assertEquals(1, found.repairs(), "and the log itself says so");
        }

        @Test
        void leavesALineThatIsNoneForTheAuditor() throws IOException {
            write(log(), 1);
            Files.writeString(log(), "audit event=forged\n", StandardOpenOption.APPEND);
            write(log(), 1);
            AuditVerification found = verify(log());
            assertEquals(1, found.problemCount(), what(found));
            assertEquals(3, found.problems().get(0).line());
        }
    }

    @Nested
    class AfterACrash {
        @Test
        void tellsOfALineThatWasCutShortAnywhere() throws IOException {
            write(log(), 2);
            byte[] whole = Files.readAllBytes(log());
            byte[] tip = Files.readAllBytes(AuditTip.of(log()));
            write(log(), 1);
            byte[] more = Files.readAllBytes(log());
            for (int length = whole.length; length < more.length; length += length < more.length - 3 ? 7 : 1) {
                Files.write(log(), Arrays.copyOf(more, length));
                Files.write(AuditTip.of(log()), tip);
                write(log(), 1);
                AuditVerification found = verify(log());
                assertTrue(found.isIntact(), "cut at " + length + what(found));
                assertEquals(length == whole.length ? 0 : 1, found.repairs(), "cut at " + length);
                assertEquals(
                        new String(more, 0, length, StandardCharsets.UTF_8),
                        Files.readString(log())
                                .substring(0, new String(more, 0, length, StandardCharsets.UTF_8).length()),
                        "what was found stays");
            }
        }

        @Test
        void findsWhereATornLineThatWasToldOfIsGone() throws IOException {
            write(log(), 1);
            Files.writeString(log(), "{\"seq\":3,", StandardOpenOption.APPEND);
            write(log(), 1);
            assertTrue(verify(log()).isIntact(), what(verify(log())));
            List<String> lines = new ArrayList<>(Files.readAllLines(log()));
            assertEquals("{\"seq\":3,", lines.remove(2));
            assertTrue(what(verifyAlone(joined(lines))).contains("torn line"), "removed");
        }

        @Test
        void goesOnFromALineThatTheFileBesideDoesNotKnowYet() throws IOException {
            write(log(), 1);
            byte[] tip = Files.readAllBytes(AuditTip.of(log()));
            write(log(), 1);
            Files.write(AuditTip.of(log()), tip);
            write(log(), 1);
            AuditVerification found = verify(log());
            assertTrue(found.isIntact(), what(found));
            assertEquals(0, found.repairs());
        }
    }

    @Nested
    class WhenRenamed {
        @Test
        void beginsANewFileThatSaysWhatItGoesOnFrom() throws IOException {
            Path old = directory.resolve("audit.log.1");
            try (AuditFile file = AuditFile.open(log())) {
                file.append(record(1));
                Files.move(log(), old);
                file.append(record(2));
            }
            AuditVerification found = verify(old, log());
            assertTrue(found.isIntact(), what(found));
            assertEquals(4, found.lines());
            assertTrue(Files.readString(log()).contains("log-continued"));

            assertTrue(verify(log()).isIntact(), "an older file may be gone");
            assertEquals(verify(old).lastHash(), verify(log()).begunAfter());
            assertFalse(verify(log(), old).isIntact(), "in the wrong order");
        }

        @Test
        void goesOnInAFileThatAnotherProcessRenamed() throws IOException {
            write(log(), 1);
            Path old = directory.resolve("audit.log.1");
            Files.move(log(), old);
            write(log(), 1);
            Path older = directory.resolve("audit.log.2");
            Files.move(old, older);
            Files.move(log(), old);
            write(log(), 1);
            assertTrue(verify(older, old, log()).isIntact(), what(verify(older, old, log())));
            assertTrue(what(verify(older, log())).contains("missing"), "the file between them is gone");
        }
    }

    @Test
    void isWrittenByTwoProcessesAndManyThreadsAtATime() throws Exception {
        int each = 40;
        Process other = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        Appending.class.getName(),
                        log().toString(),
                        Integer.toString(each))
                .inheritIO()
                .redirectOutput(ProcessBuilder.Redirect.PIPE)
                .start();
        assertEquals('r', other.getInputStream().read(), "ready");
        Thread beside = new Thread(() -> Appending.append(log(), each));
        beside.start();
        Appending.append(log(), each);
        beside.join();
        assertEquals(0, other.waitFor());
        AuditVerification found = verify(log());
        assertTrue(found.isIntact(), what(found));
        assertEquals(3 * each + 1, found.lines());
        assertEquals(0, found.repairs());
    }

    /** The other process. */
    static final class Appending {
        private Appending() {}

        public static void main(String[] arguments) {
            System.out.print('r');
            System.out.flush();
            append(Path.of(arguments[0]), Integer.parseInt(arguments[1]));
        }

        static void append(Path log, int count) {
            try {
                write(log, count);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }

    @Test
    void refusesAFileThatIsNoLog() throws IOException {
        Files.write(log(), new byte[2 << 20]);
        IOException refused = assertThrows(IOException.class, () -> AuditFile.open(log()));
        assertTrue(refused.getMessage().contains("no audit log"), refused.getMessage());
        assertEquals(2 << 20, Files.size(log()));
    }
}
