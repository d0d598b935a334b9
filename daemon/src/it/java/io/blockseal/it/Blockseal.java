package io.blockseal.it;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** The product as a user has it: its launcher. */
final class Blockseal {
    private static final Path ROOT =
            Path.of(System.getProperty("blockseal.root", "..")).toAbsolutePath().normalize();

    private Blockseal() {}

    /** The top of the source tree. */
    static Path root() {
        return ROOT;
    }

    static String launcher() {
        return ROOT.resolve("scripts/blockseal").toString();
    }

    /** Runs one command to its end. */
    static Tool.Result run(Object... arguments) {
        return Tool.run(command(arguments).toArray());
    }

    static List<String> command(Object... arguments) {
        List<String> words = new ArrayList<>();
        words.add(launcher());
        Arrays.stream(arguments).map(Object::toString).forEach(words::add);
        return words;
    }
}
