package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * From the built tree to a running service, by the commands that {@code scripts/install-service} prints, under a systemd
 * that runs in a container: the daemon serves, with its keys locked and its disk by io_uring, and has nothing of the host.
 */
class ServiceIT {
    private static final int NOT_POSSIBLE_HERE = 77;
    private static final String NO_CAPABILITIES = " 0000000000000000";

    @TempDir
    Path folder;

    @Test
    void servesFromWithinItsSandbox() {
        Tool.Result booted = Tool.run(Blockseal.root().resolve("scripts/lib/service/boot.sh"), folder);
        String reason = booted.all().lines().reduce("", (before, line) -> line);
        assumeTrue(booted.exit() != NOT_POSSIBLE_HERE, "no container with systemd: " + reason);
        booted.ok();
        List<String> facts = booted.out()
                .lines()
                .filter(line -> line.startsWith("FACT "))
                .map(line -> line.substring("FACT ".length()).strip())
                .toList();
        facts.forEach(System.out::println);
        for (String set : List.of("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")) {
            has(facts, set + ":" + NO_CAPABILITIES);
        }
        has(facts, "active active, serving 1 volume");
        has(facts, "NoNewPrivs: 1");
        has(facts, "Seccomp: 2");
        String user = starting(facts, "user ");
        assertEquals(("Uid:" + (" " + user).repeat(4)), "Uid: " + starting(facts, "Uid: "), "all four are the user's");
        has(facts, "root-warning 0");
        has(facts, "keys=locked");
        has(facts, "sockets 600 blockseal 600 blockseal");
        has(facts, "audit 600 blockseal");
        has(facts, "data survives a restart");
        assertTrue(
                List.of("lane=ring", "lane=pool", "lane=inline", "refused by the system")
                        .contains(starting(facts, "direct ")),
                "io_uring is refused by the unit alone");
        has(facts, "stopped success 0");
        has(facts, "misconfigured failed 6");
        has(facts, "uninstalled");
    }

    private static void has(List<String> facts, String fact) {
        assertTrue(facts.contains(fact), () -> "'" + fact + "' is not among " + facts);
    }

    private static String starting(List<String> facts, String head) {
        return facts.stream()
                .filter(fact -> fact.startsWith(head))
                .map(fact -> fact.substring(head.length()))
                .findFirst()
                .orElse("nothing");
    }
}
