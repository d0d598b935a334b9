package io.blockseal.keysource.exec;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceProvider;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.SourceUri;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/** {@code exec:/PROGRAM?arg=A&arg=B&timeout-seconds=30}. */
public final class ExecKeySourceProvider implements KeySourceProvider {
    @Override
    public List<String> schemes() {
        return List.of("exec");
    }

    @Override
    public KeySource open(KeySourceSpec spec, KeySourceContext context) throws KeySourceException {
        SourceUri uri = SourceUri.of(spec);
        List<String> arguments = uri.texts("arg");
        int seconds = uri.number("timeout-seconds", 30, 1, 3600);
        uri.requireAllTaken();
        try {
            Path program = Path.of(uri.address());
            if (!program.isAbsolute()) {
                throw uri.wrong("names no program by its whole path, exec:/PATH");
            }
            Plugin plugin = new Plugin(program, arguments, Duration.ofSeconds(seconds));
            return new ExecKeySource(uri.reference(), plugin, context);
        } catch (InvalidPathException notAPath) {
            throw uri.wrong("is not a path");
        }
    }
}
