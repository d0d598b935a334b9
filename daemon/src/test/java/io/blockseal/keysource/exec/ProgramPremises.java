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
import java.util.Objects;

/** A shell script that wraps by RSA-OAEP with the openssl program, a key pair for each version. */
public final class ProgramPremises implements Premises {
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
        Path key = folder.resolve(name + "." + version);
        Process openssl = new ProcessBuilder(
                        "openssl",
                        "genpkey",
                        "-algorithm",
                        "RSA",
                        "-pkeyopt",
                        "rsa_keygen_bits:2048",
                        "-out",
                        key.toString())
                .redirectErrorStream(true)
                .start();
        openssl.getInputStream().readAllBytes();
        if (openssl.waitFor() != 0) {
            throw new IOException("openssl makes no key");
        }
        Files.writeString(folder.resolve(name + ".version"), Integer.toString(version));
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
        return source(context, "one", 2);
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
