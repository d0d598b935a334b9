package io.blockseal.app;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class ErrorsPageTest {
    /** Words between quotes that the source breaks over lines are one text. */
    private static final Pattern JOINT = Pattern.compile("\"\\s*\\+\\s*\"");

    @Test
    void quotesMessagesAsTheCodeSaysThem() throws IOException {
        String sources;
        try (Stream<Path> files = Files.walk(Path.of("src", "main", "java"))) {
            sources = files.filter(file -> file.toString().endsWith(".java"))
                    .map(ErrorsPageTest::read)
                    .map(text -> JOINT.matcher(text).replaceAll(""))
                    .collect(Collectors.joining("\n"));
        }
        String page = Files.readString(Path.of("..", "docs", "errors.md"));
        for (String quoted : Pattern.compile("\\*\\*([^*]+)\\*\\*")
                .matcher(page)
                .results()
                .map((MatchResult match) -> match.group(1))
                .toList()) {
            for (String part : quoted.split("\\.\\.\\.|\\bN\\b")) {
                String words = part.strip().replaceAll("[(:,.]+$", "").strip();
                assertTrue(words.length() < 4 || sources.contains(words), "no message says: " + words);
            }
        }
    }

    private static String read(Path file) {
        try {
            return Files.readString(file);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
