package io.blockseal.keysource.pkcs11;

import io.blockseal.keysource.FirstLine;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.PrivateFile;
import io.blockseal.keysource.SourceUri;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Where the PIN of a token stands: the first line of a file that is its owner's alone, of a credential, for whose
 * permissions systemd answers, or of an inherited descriptor. Files are read anew each time, as they may have been put
 * right; a descriptor is read once ({@link DescriptorPins}). From any thread.
 */
final class Pin {
    private static final String CREDENTIAL = "credential:";
    private static final String DESCRIPTOR = "fd:";
    private static final String FILE = "file:";

    /** Reads it anew. */
    @FunctionalInterface
    private interface Reader {
        byte[] read() throws KeySourceException;
    }

    private final String name;
    private final Reader reader;

    private @Nullable Object login;

    private Pin(String name, Reader reader) {
        this.name = name;
        this.reader = reader;
    }

    /**
     * What {@code pin-source} says: a path, {@code file:PATH}, {@code credential:NAME} or {@code fd:NUMBER}; null if it is
     * not given.
     */
    static @Nullable Pin of(SourceUri uri, KeySourceContext context, DescriptorPins descriptors)
            throws KeySourceException {
        String source = uri.text("pin-source");
        if (source == null) {
            return null;
        }
        if (source.startsWith(CREDENTIAL)) {
            return ofCredential(uri, source, context);
        }
        if (source.matches(DESCRIPTOR + "\\d{1,4}")) {
            int number = Integer.parseInt(source.substring(DESCRIPTOR.length()));
            return new Pin("descriptor " + number, () -> descriptors.read(number, context.engine()));
        }
        try {
            Path path = Path.of(source.startsWith(FILE) ? source.substring(FILE.length()) : source);
            if (!path.isAbsolute()) {
                throw uri.wrong("has pin-source=" + source
                        + ", which is neither /PATH, file:/PATH, credential:NAME nor fd:NUMBER");
            }
            return new Pin("file " + path, () -> FirstLine.ofFile(PrivateFile.realPathOf(path, "PIN file"))
                    .read());
        } catch (InvalidPathException notAPath) {
            throw uri.wrong("has pin-source=" + source + ", which is not a path");
        }
    }

    private static Pin ofCredential(SourceUri uri, String source, KeySourceContext context) throws KeySourceException {
        String credential = source.substring(CREDENTIAL.length());
        Path folder = context.credentialsDirectory();
        if (credential.isEmpty() || credential.contains("/") || credential.startsWith(".")) {
            throw uri.wrong("has pin-source=" + source + ", which names no credential");
        }
        if (folder == null) {
            throw uri.wrong("has pin-source=" + source
                    + ", which needs CREDENTIALS_DIRECTORY; systemd sets it for a unit with LoadCredential="
                    + credential
                    + ":PATH");
        }
        Path path = folder.resolve(credential);
        return new Pin(source, () -> FirstLine.ofFile(path).read());
    }

    /** What to call it. */
    String name() {
        return name;
    }

    /** The PIN, which the caller wipes. May block, as a pipe does that is still empty. */
    byte[] read() throws KeySourceException {
        return reader.read();
    }

    /** It is the one of that login, whatever is written in its place meanwhile. */
    synchronized void accepted(Object by) {
        login = by;
    }

    /** Whether it is known to be the one of that login. */
    synchronized boolean isAccepted(Object by) {
        return login == by;
    }
}
