package io.blockseal.keysource.azure;

import io.blockseal.keysource.FileTrouble;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.rest.RestResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Arc's agent wants to hear what stands in a file that only members of its group may read. It may name only files of its
 * own, or it could have us read out any file.
 *
 * @param folder where its files are
 */
record ArcChallenge(Path folder) {
    /** Where Arc's agent on Linux has its files. */
    static final ArcChallenge OF_LINUX = new ArcChallenge(Path.of("/var/opt/azcmagent/tokens"));

    private static final int BYTES_MAX = 4096;
    private static final Pattern REALM = Pattern.compile("(?i)Basic realm=\"?([^\",]+)\"?");

    /** The header field {@code Authorization} that answers it. */
    String answer(RestResponse challenge) throws KeySourceException {
        Matcher realm = REALM.matcher(challenge.header("WWW-Authenticate"));
        if (!realm.find()) {
            throw new KeySourceException(Kind.MISCONFIGURED, "Arc's agent asks for no proof that we know");
        }
        try {
            Path file = Path.of(realm.group(1).strip());
            Path real = file.toRealPath();
            if (!folder.toRealPath().equals(real.getParent())
                    || !real.toString().endsWith(".key")) {
                throw new KeySourceException(
                        Kind.MISCONFIGURED, "Arc's agent names " + file + ", which is no .key file in " + folder);
            }
            if (Files.size(real) > BYTES_MAX) {
                throw new KeySourceException(Kind.MISCONFIGURED, file + " is larger than a proof for Arc's agent");
            }
            return "Basic " + Files.readString(real, StandardCharsets.US_ASCII).strip();
        } catch (IOException | InvalidPathException unreadable) {
            throw new KeySourceException(
                    Kind.UNREACHABLE,
                    "the proof for Arc's agent cannot be read: "
                            + (unreadable instanceof IOException failed
                                    ? FileTrouble.words(failed)
                                    : unreadable.getMessage())
                            + ". Is our user in the group himds?",
                    unreadable);
        }
    }
}
