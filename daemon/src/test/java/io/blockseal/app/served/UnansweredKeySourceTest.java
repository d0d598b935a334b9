package io.blockseal.app.served;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.blockseal.app.Cli;
import io.blockseal.app.Guest;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.daemon.Daemon;
import io.blockseal.config.ConfigReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** A daemon is told to stop while a key source keeps a question that nobody can end. */
@Timeout(120)
class UnansweredKeySourceTest {
    private static final String SOURCE = "unanswered:here";
    private static final String FAR = "path: ./far.bsl, key-source: \"" + SOURCE + "\", key-check-seconds: 1";

    private final ClassLoader before = Thread.currentThread().getContextClassLoader();
    private final Logger logger = (Logger) LoggerFactory.getLogger(VolumesClosing.class);
    private final ListAppender<ILoggingEvent> log = new ListAppender<>();

    @TempDir
    private Path directory;

    private Cli cli;

    @BeforeEach
    void create() throws Exception {
        Thread.currentThread().setContextClassLoader(UnansweredKeySource.loader(directory.resolve("provider")));
        log.start();
        logger.addAppender(log);
        cli = new Cli(directory);
        cli.ok("create", "./far.bsl", "--size", "32M", "--key-source", SOURCE);
    }

    @AfterEach
    void restore() {
        UnansweredKeySource.answer();
        logger.detachAppender(log);
        Thread.currentThread().setContextClassLoader(before);
    }

    private Daemon serve(String... volumes) throws Exception {
        cli.configuration(volumes);
        Path file = cli.path("c.yaml");
        Files.writeString(file, "storage-seconds: 1\n" + Files.readString(file));
        return Daemon.start(ConfigReader.read(file));
    }

    /** Of a volume that is not open yet, it keeps none of the others. */
    @Test
    void itIsLeftBehindWithTheVolumeThatItWouldOpen() throws Exception {
        cli.ok("create", "./near.bsl", "--size", "32M", "--key-file", "./near.key");
        UnansweredKeySource.beAway();
        Daemon daemon = serve(FAR, "path: ./near.bsl, key-file: ./near.key");
        try (Guest near = Guest.connect(daemon, "near", 1)) {
            near.fill();
            UnansweredKeySource.beSilent();
        }
        daemon.close();
        assertEquals(List.of(), log.list);
        // It is closed, as nobody has it open any more.
        cli.ok("check", "./near.bsl", "--key-file", "./near.key");
        UnansweredKeySource.answer();
        // The answer comes too late to open the other one: it is let go as it is.
        Cli.Result checked = checkFar();
        while (checked.exitCode() == ExitCode.IN_USE.number()) {
            Thread.onSpinWait();
            checked = checkFar();
        }
        assertEquals(0, checked.exitCode(), checked::all);
        try (Stream<Path> state = Files.list(directory.resolve("state"))) {
            assertEquals(
                    1, state.filter(file -> file.toString().endsWith(".anchor")).count(), "of the one that was open");
        }
    }

    private Cli.Result checkFar() {
        return cli.run("check", "./far.bsl", "--key-source", SOURCE);
    }

    /** What clients have written does not wait for it. */
    @Test
    void itIsLeftBehindWhenAllIsDurable() throws Exception {
        Daemon daemon = serve(FAR);
        try (Guest guest = Guest.connect(daemon, 1)) {
            guest.fill();
            UnansweredKeySource.beSilent();
        }
        daemon.close();
        List<String> lines =
                log.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
        assertEquals(1, lines.size(), lines::toString);
        assertTrue(lines.get(0).contains("its key source or its storage has not answered for 1 s"), lines::toString);
        assertTrue(lines.get(0).contains("What clients have written is durable"), lines::toString);
        UnansweredKeySource.answer();
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            if (thread.getName().equals("close-far")) {
                thread.join();
            }
        }
        cli.ok("check", "./far.bsl", "--key-source", SOURCE);
    }
}
