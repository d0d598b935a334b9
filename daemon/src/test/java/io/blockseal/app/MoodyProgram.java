package io.blockseal.app;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;

/**
 * A program to be a key source of tests ({@code exec:}). It wraps nothing: a blob is the key itself. It answers as it was
 * last told to: {@code well}, {@code silent}, or a kind of trouble.
 */
public final class MoodyProgram {
    private static final String TEXT = """
            #!/bin/sh
            printf . >> %s
            read -r mood < %s
            question=$(cat)
            case $mood in
              well) printf '%%s' "$question" | sed 's/"volume":"[^"]*",//; s/"key"/"swap"/; s/"blob"/"key"/; s/"swap"/"blob"/' ;;
              silent) sleep 60 ;;
              *) printf '{"error":{"kind":"%%s","message":"not now"}}' "$mood" ;;
            esac
            """;

    private final Path program;
    private final Path asked;
    private final Path mood;

    private MoodyProgram(Path program, Path asked, Path mood) {
        this.program = program;
        this.asked = asked;
        this.mood = mood;
    }

    /** One in that directory, in a good mood. */
    public static MoodyProgram in(Path directory) throws IOException {
        Path asked = directory.resolve("asked");
        Path mood = directory.resolve("mood");
        Path program = Files.writeString(directory.resolve("kms"), TEXT.formatted(asked, mood));
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        MoodyProgram made = new MoodyProgram(program, asked, mood);
        made.mood("well");
        return made;
    }

    /** Answers like that from now on. */
    public void mood(String next) throws IOException {
        Path written = Files.writeString(mood.resolveSibling("mood.next"), next + "\n");
        Files.move(written, mood, StandardCopyOption.ATOMIC_MOVE);
    }

    /** How often it has been asked so far. */
    public long asked() throws IOException {
        return Files.exists(asked) ? Files.size(asked) : 0;
    }

    /** How it is named as a source. */
    public String uri() {
        return "exec:" + program;
    }
}
