package io.blockseal.app.served;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.Cli;
import io.blockseal.app.Guest;
import io.blockseal.app.daemon.Daemon;
import io.netty.util.concurrent.FastThreadLocalThread;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** A key source that takes its time must not stand in the way of anybody's requests: no loop ever asks one. */
@Timeout(120)
class KeySourceThreadsTest {
    private static final String SOURCE = "unanswered:here";

    private final ClassLoader before = Thread.currentThread().getContextClassLoader();

    @TempDir
    private Path directory;

    private Cli cli;

    @BeforeEach
    void create() throws Exception {
        Thread.currentThread().setContextClassLoader(UnansweredKeySource.loader(directory.resolve("provider")));
        cli = new Cli(directory);
        cli.ok("create", "./far.bsl", "--size", "32M", "--key-source", SOURCE);
    }

    @AfterEach
    void restore() {
        Thread.currentThread().setContextClassLoader(before);
    }

    private void awaitQuestions(int more) {
        int enough = UnansweredKeySource.questions() + more;
        while (UnansweredKeySource.questions() < enough) {
            Thread.onSpinWait();
        }
    }

    private void ordered(String... words) {
        Cli.Result result = cli.served(words);
        assertEquals(0, result.exitCode(), result.all());
    }

    @Test
    void noLoopIsAmongThoseWhoAskIt() throws Exception {
        UnansweredKeySource.beAway();
        try (Daemon daemon = Daemon.start(
                cli.configuration("path: ./far.bsl, key-source: \"" + SOURCE + "\", key-check-seconds: 1"))) {
            // The first try, and a later one.
            awaitQuestions(1);
            UnansweredKeySource.beBack();
            while (!cli.served("status").out().contains("far.bsl, open,")) {
                Thread.onSpinWait();
            }
            try (Guest guest = Guest.connect(daemon, 1)) {
                guest.fill();
                guest.begin();
                // The canary's.
                awaitQuestions(2);
                ordered("key", "add", "far", "--key-source", SOURCE, "--new-key-file", "./more.key");
                ordered("rotate-dek", "far", "--all");
                ordered("lock", "far");
                ordered("unlock", "far", "--key-source", SOURCE);
                guest.awaitOneMore();
                guest.end();
                guest.requireAllRight();
            }
            Set<Thread> loops = Thread.getAllStackTraces().keySet().stream()
                    .filter(thread -> thread.getName().matches("loop-\\d+"))
                    .collect(Collectors.toSet());
            assertTrue(!loops.isEmpty(), "there must be a loop");
            loops.forEach(loop -> assertInstanceOf(FastThreadLocalThread.class, loop));
        }
        TreeSet<String> loops = new TreeSet<>();
        for (Thread asker : UnansweredKeySource.askers()) {
            if (asker instanceof FastThreadLocalThread) {
                loops.add(asker.getName());
            }
        }
        assertEquals(Set.of(), loops);
        assertTrue(UnansweredKeySource.askers().size() > 2, "keepers, and those who obey orders");
    }
}
