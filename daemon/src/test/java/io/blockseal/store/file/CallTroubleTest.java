package io.blockseal.store.file;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.Memory;
import io.blockseal.store.StoreOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Storage that is full is found in the log, whichever way the write took, and does not fill it. */
class CallTroubleTest {
    private static final int BYTES = 4096;
    private static final int ENOSPC = -28;
    private static final String FULL = "WARN store=f failed=%d: writes fail: no space is left on the filesystem"
            + " (system error 28). Clients are told by an error to those requests; all others go on";

    private final ListAppender<ILoggingEvent> log = new ListAppender<>();
    private final Logger logger = (Logger) LoggerFactory.getLogger(CallTrouble.class);
    private final Level before = logger.getLevel();
    private final AtomicLong nanos = new AtomicLong();
    private final CallTrouble writes = new CallTrouble("f", "writes", nanos::get);
    private final CallTrouble reads = new CallTrouble("f", "reads", nanos::get);

    @BeforeEach
    void listen() {
        logger.setLevel(Level.INFO);
        log.start();
        logger.addAppender(log);
    }

    @AfterEach
    void leave() {
        logger.detachAppender(log);
        logger.setLevel(before);
    }

    private List<String> said() {
        return log.list.stream()
                .map(event -> event.getLevel() + " " + event.getFormattedMessage())
                .toList();
    }

    private void passSeconds(long seconds) {
        nanos.addAndGet(TimeUnit.SECONDS.toNanos(seconds));
    }

    @Test
    void isToldAtOnceThenOnceAMinuteAndWhenItIsOver() {
        writes.wentWell();
        for (int second = 0; second < 61; second++) {
            writes.ended(ENOSPC, BYTES);
            writes.ended(BYTES, BYTES);
            passSeconds(1);
        }
        assertEquals(List.of(FULL.formatted(1), FULL.formatted(60)), said());
        passSeconds(58);
        writes.wentWell();
        assertEquals(2, said().size(), "what has its room is written all the time, and says nothing of the rest");
        passSeconds(1);
        writes.wentWell();
        writes.wentWell();
        assertEquals(
                List.of("INFO store=f failed=61: writes go well again; none has failed for a minute"),
                said().subList(2, said().size()));
    }

    @Test
    void saysWhatItIs() {
        writes.ended(-122, BYTES);
        reads.ended(100, BYTES);
        assertEquals(
                List.of(
                        "WARN store=f failed=1: writes fail: the quota on the filesystem is used up (system error 122)."
                                + " Clients are told by an error to those requests; all others go on",
                        "WARN store=f failed=1: reads fail: the storage answers with an input/output error (system"
                                + " error 5). Clients are told by an error to those requests; all others go on"),
                said());
    }

    @Test
    void isNoticedOnEveryWayIntoTheFile(@TempDir Path directory) throws Exception {
        Path path = Files.write(directory.resolve("f"), new byte[2 * BYTES]);
        Memory memory = new JvmMemorySource().map(BYTES);
        BlockRequest request = new BlockRequest();
        try (FullFile file = new FullFile(JdkFile.open(path, StoreOptions.BUFFERED))) {
            Zeroing zeroing = Zeroing.probe(file, file.facts(), false, memory);
            for (boolean cached : new boolean[] {true, false}) {
                for (int flags : new int[] {0, BlockRequest.FUA}) {
                    assertEquals(
                            Errno.ENOSPC,
                            call(file, zeroing, cached)
                                    .perform(request.set(Command.WRITE, flags, 0, BYTES)
                                            .withMemory(memory, 0)));
                }
            }
            assertEquals(
                    Errno.ENOSPC,
                    call(file, zeroing, true).perform(new BlockRequest().set(Command.WRITE_ZEROES, 0, 0, BYTES)));
            FileCall ring = call(file, zeroing, false);
            ring.ended(request, ENOSPC);
            assertEquals(6, said().size(), "each is the first of its store");
            said().forEach(line -> assertEquals(FULL.formatted(1), line));
            assertEquals(
                    Errno.OK,
                    ring.perform(request.set(Command.READ, 0, 0, BYTES).withMemory(memory, 0)));
            assertEquals(
                    Errno.ENOTSUP,
                    call(file, zeroing, true)
                            .perform(new BlockRequest().set(Command.WRITE_ZEROES, BlockRequest.FAST_ZERO, 0, BYTES)));
            assertEquals(6, said().size());
        }
    }

    private static FileCall call(SystemFile file, Zeroing zeroing, boolean cached) {
        return new FileCall(file, zeroing, new Durability(file, "f"), StoreTroubles.of("f"), cached);
    }

    /** A file without holes on a filesystem without room. */
    private static final class FullFile extends ForwardingFile {
        FullFile(SystemFile file) {
            super(file);
        }

        @Override
        public int write(Memory memory, int memoryOffset, int length, long offset) {
            return ENOSPC;
        }

        @Override
        public int writeDurably(Memory memory, int memoryOffset, int length, long offset) {
            return ENOSPC;
        }

        @Override
        public int punch(long offset, long lengthBytes) {
            return NOT_SUPPORTED;
        }

        @Override
        public int zeroOut(long offset, long lengthBytes) {
            return NOT_SUPPORTED;
        }
    }
}
