package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import io.blockseal.app.daemon.Daemon;
import io.blockseal.audit.AuditLines;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.slf4j.LoggerFactory;

/** Whoever looks for a volume in the log of a daemon has one word to look for, at night above all. */
@Timeout(120)
class OneNameTest {
    private static final Pattern NAMED = Pattern.compile("\\bvolume=(\\S+?)[:,]?(\\s|$)");

    @TempDir
    private Path directory;

    @Test
    void theLogCallsAServedVolumeByItsConfiguredName() throws Exception {
        Cli cli = new Cli(directory);
        cli.ok("create", "./disk.bsl", "--size", "32M", "--key-file", "./a.key", "--meta-mirror", "./disk.meta");
        Logger root = (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
        Logger ours = (Logger) LoggerFactory.getLogger("io.blockseal");
        Level before = ours.getLevel();
        ListAppender<ILoggingEvent> log = new ListAppender<>();
        log.start();
        ours.setLevel(Level.DEBUG);
        root.addAppender(log);
        AuditLines audit = AuditLines.listen();
        try (audit) {
            String volume = "path: ./disk.bsl, name: prod, key-file: ./a.key, meta-mirror: ./disk.meta";
            try (Daemon daemon = Daemon.start(cli.configuration(volume));
                    Guest guest = Guest.connect(daemon, "prod", 1)) {
                guest.fill();
                for (String order : List.of(
                        "key add prod --key-file ./a.key --new-key-file ./b.key",
                        "key priority ./disk.bsl --slot 1 --priority first --key-file ./a.key",
                        "key remove prod --slot 1",
                        "rotate-kek ./disk.bsl --key-file ./a.key --new-key-file ./c.key",
                        "rotate-dek prod --all",
                        "rotate-volume-key prod --key-file ./c.key",
                        "shred prod --range 0",
                        "check prod",
                        "lock prod",
                        "unlock prod --key-file ./c.key")) {
                    Cli.Result done = cli.served(order.split(" "));
                    assertEquals(0, done.exitCode(), order + ": " + done.all());
                }
            }
        } finally {
            root.detachAppender(log);
            ours.setLevel(before);
        }
        Map<String, Set<String>> names = new TreeMap<>();
        List<String> all = new ArrayList<>(audit.lines());
        log.list.stream().map(ILoggingEvent::getFormattedMessage).forEach(all::add);
        for (String line : all) {
            Matcher named = NAMED.matcher(line);
            while (named.find()) {
                names.computeIfAbsent(named.group(1), name -> new TreeSet<>()).add(line);
            }
        }
        assertEquals(Set.of("prod"), names.keySet(), names::toString);
        Set<String> lines = names.get("prod");
        assertTrue(lines.size() > 20, () -> "few lines: " + lines);
        assertTrue(
                lines.stream()
                        .anyMatch(line -> line.startsWith("audit event=volume-opened volume=prod ")
                                && line.contains(" path=" + cli.path("disk.bsl"))),
                lines::toString);
    }
}
