package io.blockseal.keysource.allof;

import io.blockseal.keysource.FirstLine;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceProvider;
import io.blockseal.keysource.KeySourceRegistry;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.SourceUri;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** {@code all-of:?source=URI&source=URI}: two to four parts. */
public final class AllOfKeySourceProvider implements KeySourceProvider {
    private static final String ALL_OF = "all-of";
    private static final String RECOVERY = "recovery";
    private static final Set<String> NO_PARTS = Set.of(ALL_OF, RECOVERY);

    @Override
    public List<String> schemes() {
        return List.of(ALL_OF);
    }

    @Override
    public KeySource open(KeySourceSpec spec, KeySourceContext context) throws KeySourceException {
        SourceUri uri = SourceUri.withoutAddress(spec);
        List<String> wanted = uri.texts("source");
        requireNoOptionOfAPart(uri);
        if (wanted.size() < AllOfSlot.PARTS_MIN || wanted.size() > AllOfSlot.PARTS_MAX) {
            throw uri.wrong("names " + wanted.size() + (wanted.size() == 1 ? " part" : " parts") + ", and needs "
                    + AllOfSlot.PARTS_MIN + " to " + AllOfSlot.PARTS_MAX + ": all-of:?source=URI&source=URI");
        }
        List<KeySource> parts = new ArrayList<>();
        boolean done = false;
        try {
            Set<String> references = new HashSet<>();
            for (String each : wanted) {
                KeySource part = part(uri, KeySourceSpec.parse(each), context);
                parts.add(part);
                if (!references.add(part.reference())) {
                    throw uri.wrong("names " + part.reference() + " twice, which proves nothing more than once");
                }
            }
            done = true;
            return new AllOfKeySource(context.engine(), parts);
        } finally {
            if (!done) {
                parts.forEach(KeySource::close);
            }
        }
    }

    /** An ampersand within a part ends the part, and what follows looks like an option beside it. */
    private static void requireNoOptionOfAPart(SourceUri uri) throws KeySourceException {
        try {
            uri.requireAllTaken();
        } catch (KeySourceException strange) {
            throw new KeySourceException(
                    strange.kind(),
                    strange.getMessage() + ". If it belongs to a part, write the ampersand before it as %26",
                    strange);
        }
    }

    private static KeySource part(SourceUri uri, KeySourceSpec part, KeySourceContext context)
            throws KeySourceException {
        switch (part.scheme()) {
            case ALL_OF, RECOVERY -> throw uri.wrong("names " + part.scheme() + ": as a part, and that cannot be one");
            case "passphrase" -> {
                if (!part.place().isEmpty()) {
                    return KeySourceRegistry.open(
                            new KeySourceSpec("passphrase", ""), typedIn(uri, part.place(), context));
                }
            }
            default -> {
                // Any other source.
            }
        }
        return KeySourceRegistry.open(
                part, context, provider -> provider.schemes().stream().noneMatch(scheme -> NO_PARTS.contains(scheme)));
    }

    private static KeySourceContext typedIn(SourceUri uri, String file, KeySourceContext context)
            throws KeySourceException {
        try {
            return new KeySourceContext(
                    context.engine(),
                    context.credentialsDirectory(),
                    context.environment(),
                    FirstLine.ofSecretFile(Path.of(file), "passphrase file"),
                    context.uses());
        } catch (InvalidPathException notAPath) {
            throw uri.wrong("names passphrase:" + file + ", which is not a path");
        }
    }
}
