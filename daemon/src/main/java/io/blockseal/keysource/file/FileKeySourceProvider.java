package io.blockseal.keysource.file;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.KeySourceProvider;
import io.blockseal.keysource.KeySourceSpec;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;

/** {@code file:/path}, {@code fd:N} and {@code credential:NAME}. */
public final class FileKeySourceProvider implements KeySourceProvider {
    @Override
    public List<String> schemes() {
        return List.of("file", "fd", "credential");
    }

    @Override
    public boolean hasOptionOfItsOwn() {
        return true;
    }

    @Override
    public KeySource open(KeySourceSpec spec, KeySourceContext context) throws KeySourceException {
        try {
            return switch (spec.scheme()) {
                case "file" -> FileKeySource.ofFile(Path.of(requirePlace(spec)), context.engine());
                case "fd" -> FileKeySource.ofDescriptor(descriptor(spec), context.engine());
                default -> credential(spec, context);
            };
        } catch (InvalidPathException e) {
            throw wrong(spec, "is not a path", e);
        }
    }

    private static String requirePlace(KeySourceSpec spec) throws KeySourceException {
        if (spec.place().isEmpty()) {
            throw wrong(spec, "names no file", null);
        }
        return spec.place();
    }

    private static int descriptor(KeySourceSpec spec) throws KeySourceException {
        try {
            int number = Integer.parseInt(spec.place());
            if (number >= 0) {
                return number;
            }
        } catch (NumberFormatException e) {
            throw wrong(spec, "is not the number of a descriptor", e);
        }
        throw wrong(spec, "is not the number of a descriptor", null);
    }

    private static KeySource credential(KeySourceSpec spec, KeySourceContext context) throws KeySourceException {
        String name = requirePlace(spec);
        if (name.contains("/") || name.equals(".") || name.equals("..")) {
            throw wrong(spec, "is not the name of a credential, which has no slash", null);
        }
        Path directory = context.credentialsDirectory();
        if (directory == null) {
            throw wrong(
                    spec,
                    "needs CREDENTIALS_DIRECTORY, which systemd sets for a unit with LoadCredential=" + name + ":PATH",
                    null);
        }
        return FileKeySource.ofCredential(directory, name, context.engine());
    }

    private static KeySourceException wrong(
            KeySourceSpec spec, String what, @org.jspecify.annotations.Nullable Exception cause) {
        String message = "key source " + spec + " " + what;
        return cause == null
                ? new KeySourceException(Kind.MISCONFIGURED, message)
                : new KeySourceException(Kind.MISCONFIGURED, message, cause);
    }
}
