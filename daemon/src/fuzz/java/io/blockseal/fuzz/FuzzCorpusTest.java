package io.blockseal.fuzz;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicContainer;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.slf4j.LoggerFactory;

/**
 * Every input that is kept, seeds and what once was a finding, goes through its target without an engine: what was
 * repaired stays repaired, on every JDK.
 */
@Timeout(120)
class FuzzCorpusTest {
    private static final Path CORPUS = Path.of("src/fuzz/corpus");

    private static final Logger VOLUMES = (Logger) LoggerFactory.getLogger("io.blockseal.volume");

    /** A hundred damaged volumes have much to say. */
    @BeforeAll
    static void quiet() {
        VOLUMES.setLevel(Level.OFF);
    }

    @AfterAll
    static void loud() {
        VOLUMES.setLevel(null);
    }

    @TestFactory
    Stream<DynamicContainer> inputs() {
        List<DynamicContainer> targets = new ArrayList<>();
        for (String name : FuzzTargets.names()) {
            FuzzBounds bounds = new FuzzBounds(FuzzTargets.named(name));
            Stream<DynamicTest> tests = files(CORPUS.resolve(name)).stream()
                    .map(file -> DynamicTest.dynamicTest(file.getFileName().toString(), () -> run(bounds, file)));
            targets.add(DynamicContainer.dynamicContainer(name, tests));
        }
        return targets.stream();
    }

    private static void run(FuzzBounds bounds, Path file) throws IOException {
        byte[] input = Files.readAllBytes(file);
        try {
            bounds.run(input);
        } catch (Throwable finding) {
            throw new AssertionError(file + ": " + finding, finding);
        }
    }

    @Test
    void everyTargetHasSeedsAndEveryFolderATarget() {
        TreeSet<String> folders = new TreeSet<>();
        files(CORPUS).forEach(folder -> folders.add(folder.getFileName().toString()));
        TreeSet<String> names = new TreeSet<>();
        FuzzTargets.names().forEach(names::add);
        assertEquals(names, folders);
        names.forEach(name -> assertFalse(files(CORPUS.resolve(name)).isEmpty(), name));
    }

    @Test
    void seedsAreTheOnesThatTheTargetsMake() throws IOException {
        for (String name : FuzzTargets.names()) {
            Map<String, byte[]> seeds = FuzzTargets.named(name).seeds().byName();
            for (Map.Entry<String, byte[]> seed : seeds.entrySet()) {
                Path file = CORPUS.resolve(name).resolve(seed.getKey());
                assertTrue(
                        Files.exists(file) && Arrays.equals(seed.getValue(), Files.readAllBytes(file)),
                        () -> file + " is not what the target makes; run scripts/fuzz --make-seeds");
            }
        }
    }

    private static List<Path> files(Path folder) {
        try (Stream<Path> entries = Files.list(folder)) {
            return entries.sorted().toList();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
