package io.blockseal.fuzz;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/**
 * Writes the seeds of all targets into their folders: {@code scripts/fuzz --make-seeds}, after a target was added or its
 * seeds were changed. {@link FuzzCorpusTest} fails while the folders hold something else.
 */
public final class SeedMaker {
    private SeedMaker() {}

    /** {@code arguments} is the folder of all folders. */
    public static void main(String[] arguments) throws IOException {
        Path corpus = Path.of(arguments[0]);
        for (String name : FuzzTargets.names()) {
            Path folder = Files.createDirectories(corpus.resolve(name));
            for (Map.Entry<String, byte[]> seed :
                    FuzzTargets.named(name).seeds().byName().entrySet()) {
                Files.write(folder.resolve(seed.getKey()), seed.getValue());
            }
        }
    }
}
