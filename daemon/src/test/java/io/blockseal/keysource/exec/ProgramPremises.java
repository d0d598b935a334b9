package io.blockseal.keysource.exec;

import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.KeySourceRegistry;
import io.blockseal.keysource.KeySourceSpec;
import io.blockseal.keysource.Premises;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;

/** A shell script that wraps by RSA-OAEP with the openssl program, a key pair for each version. The pairs are made once. */
public final class ProgramPremises implements Premises {
    private static final Map<String, byte[]> KEY_PAIRS = new HashMap<>();

    private final Path folder;
    private final Path script;

    /** One, with its script and its keys in that folder. */
    public ProgramPremises(Path folder) throws IOException, InterruptedException {
        this.folder = folder;
        this.script = folder.resolve("plugin");
        try (InputStream text = ProgramPremises.class.getResourceAsStream("/keysource/openssl-plugin.sh")) {
            Files.copy(Objects.requireNonNull(text), script);
        }
        Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
        make("one", 1);
        make("other", 1);
    }

    private void make(String name, int version) throws IOException, InterruptedException {
        Files.write(folder.resolve(name + "." + version), keyPair(name + "." + version));
        Files.writeString(folder.resolve(name + ".version"), Integer.toString(version));
    }

    private static byte[] keyPair(String name) throws IOException, InterruptedException {
        synchronized (KEY_PAIRS) {
            byte[] known = KEY_PAIRS.get(name);
            if (known == null) {
                known = generate();
                KEY_PAIRS.put(name, known);
            }
            return known;
        }
    }

    private static byte[] generate() throws IOException, InterruptedException {
        Process openssl = new ProcessBuilder(
                        "openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
                .redirectError(ProcessBuilder.Redirect.DISCARD)
                .start();
        byte[] pem = openssl.getInputStream().readAllBytes();
        if (openssl.waitFor() != 0) {
            throw new IOException("openssl makes no key");
        }
        return pem;
    }

    Path script() {
        return script;
    }

    @Override
    public KeySource source(KeySourceContext context) throws Exception {
        return source(context, "one", 10);
    }

    @Override
    public KeySource hastySource(KeySourceContext context) throws Exception {
        return source(context, "one", 1);
    }

    @Override
    public boolean hastySourceHasTime() {
        // An answer takes some processes, for which a busy machine may need more than that second.
        return false;
    }

    @Override
    public KeySource patientSource(KeySourceContext context) throws Exception {
        return source(context, "one", 60);
    }

    @Override
    public KeySource otherSource(KeySourceContext context) throws Exception {
        return source(context, "other", 10);
    }

    @Override
    public String place() {
        return uri("one", 30);
    }

    private String uri(String name, int seconds) {
        return "exec:" + script + "?arg=" + folder + "&arg=" + name + "&timeout-seconds=" + seconds;
    }

    private KeySource source(KeySourceContext context, String name, int seconds) throws Exception {
        return KeySourceRegistry.open(KeySourceSpec.parse(uri(name, seconds)), context);
    }

    @Override
    public boolean can(Trouble trouble) {
        // We do not run a program again that has said no; it knows best when that helps.
        return trouble != Trouble.THROTTLED_ONCE && trouble != Trouble.BROKEN_ONCE;
    }

    @Override
    public void have(Trouble trouble) throws IOException {
        Path file = folder.resolve("trouble");
        if (trouble == Trouble.NONE) {
            Files.deleteIfExists(file);
        } else {
            Files.writeString(file, trouble.name());
        }
    }

    @Override
    public boolean hasVersions() {
        return true;
    }

    @Override
    public void rotate() throws Exception {
        make("one", 2);
    }

    @Override
    public void close() {
        // The directory is JUnit's.
    }
}
