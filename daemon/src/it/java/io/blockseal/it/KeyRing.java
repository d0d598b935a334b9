package io.blockseal.it;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.keysource.Premises;
import io.blockseal.keysource.aws.KmsStub;
import io.blockseal.keysource.azure.KeyVaultStub;
import io.blockseal.keysource.exec.ProgramPremises;
import io.blockseal.keysource.rest.RestStub;
import io.blockseal.keysource.vault.VaultPremises;
import io.blockseal.keysource.vault.VaultStub;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A key of every kind that a daemon can be given, each for a volume of its own, and what proves who we are to those who
 * keep them. Secrets are made anew each time and are long enough to be searched for. Servers are stubs in this process; the
 * token is SoftHSM's, in the daemon's.
 */
final class KeyRing implements AutoCloseable {
    static final String TOKEN_MODULE = "/usr/lib/softhsm/libsofthsm2.so";

    /**
     * A key.
     *
     * @param volume the base name of the volume that it opens
     * @param option of the command line and of the configuration, such as {@code key-file}
     * @param value of the option; no secret
     */
    record Key(String volume, String option, String value) {
        /** What an order on the control socket says to name it. */
        String json() {
            return option.equals("key-file")
                    ? "{\"kind\":\"file\",\"path\":\"" + value + "\"}"
                    : "{\"kind\":\"source\",\"uri\":\"" + value + "\"}";
        }
    }

    private static final SecureRandom RANDOM = new SecureRandom();

    private final Path folder;
    private final List<Key> keys = new ArrayList<>();
    private final RestStub vaultServer;
    private final VaultStub vaultStub = new VaultStub();
    final VaultPremises vault;
    final KmsStub aws;
    final KeyVaultStub azure;
    final ProgramPremises program;
    private final String passphrase = word();
    private final String pin = word();

    /** Makes them all, in a folder that nobody else may change. */
    KeyRing(Path folder) throws Exception {
        this.folder = folder;
        vaultServer = RestStub.start(vaultStub);
        vault = new VaultPremises(Files.createDirectory(folder.resolve("vault")), vaultServer, vaultStub);
        aws = new KmsStub(Files.createDirectory(folder.resolve("aws")));
        azure = new KeyVaultStub(Files.createDirectory(folder.resolve("azure")));
        program = new ProgramPremises(Files.createDirectory(folder.resolve("exec")));
        keys.add(new Key("file", "key-file", keyFile("file.key").toString()));
        keys.add(new Key(
                "words", "passphrase-file", secretFile("passphrase", passphrase).toString()));
        keys.add(new Key("program", "key-source", program.place()));
        keys.add(new Key("token", "key-source", token()));
        keys.add(new Key("vault", "key-source", vault.uri("one", vault.appRole("1h"))));
        keys.add(new Key("aws", "key-source", aws.place()));
        keys.add(new Key("azure", "key-source", azure.place()));
    }

    private static String word() {
        byte[] random = new byte[24];
        RANDOM.nextBytes(random);
        return Base64.getUrlEncoder().encodeToString(random);
    }

    private Path secretFile(String name, String text) throws IOException {
        Path file = Files.writeString(folder.resolve(name), text + "\n");
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    }

    /** A new key file in hexadecimal. */
    Path keyFile(String name) throws IOException {
        byte[] key = new byte[32];
        RANDOM.nextBytes(key);
        return secretFile(name, HexFormat.of().formatHex(key));
    }

    /** A file with a new pre-shared key for each of these clients; each has its own in a folder of its name. */
    Path presharedKeys(String... clients) throws IOException {
        StringBuilder lines = new StringBuilder();
        for (String client : clients) {
            byte[] key = new byte[32];
            RANDOM.nextBytes(key);
            String line = client + ":" + HexFormat.of().formatHex(key);
            Files.createDirectory(folder.resolve(client));
            secretFile(client + "/keys.psk", line);
            lines.append(line).append('\n');
        }
        return secretFile("server.psk", lines.toString());
    }

    /** Adds the key of a client. */
    void addPresharedKey(Needles needles, String client) throws IOException {
        String line = Files.readString(folder.resolve(client).resolve("keys.psk"));
        needles.add(
                "the pre-shared key of " + client,
                HexFormat.of().parseHex(line.strip().split(":")[1]));
    }

    /** What a process needs to find the token. */
    Map<String, String> environment() {
        return Map.of("SOFTHSM2_CONF", folder.resolve("softhsm2.conf").toString());
    }

    private String token() throws IOException {
        assumeTrue(Files.exists(Path.of(TOKEN_MODULE)), "softhsm2 is not installed");
        Path tokens = Files.createDirectory(folder.resolve("tokens"));
        Files.writeString(
                folder.resolve("softhsm2.conf"), "directories.tokendir = " + tokens + "\nlog.level = ERROR\n");
        // 32 bytes, and printable ones: of others softhsm2-util imports a key that now and then enciphers nothing.
        Path raw = Files.writeString(folder.resolve("token.kek"), word());
        String configuration = "SOFTHSM2_CONF=" + folder.resolve("softhsm2.conf");
        String util = "softhsm2-util";
        Tool.run("env", configuration, util, "--init-token", "--free", "--label", "t", "--so-pin", word(), "--pin", pin)
                .ok();
        Tool.run(
                        "env",
                        configuration,
                        util,
                        "--import",
                        raw,
                        "--aes",
                        "--token",
                        "t",
                        "--label",
                        "kek",
                        "--id",
                        "01",
                        "--pin",
                        pin)
                .ok();
        Files.delete(raw);
        return "pkcs11:token=t;object=kek?module-path=" + TOKEN_MODULE + "&pin-source=" + secretFile("pin", pin);
    }

    List<Key> keys() {
        return keys;
    }

    /** The key of a volume. */
    Key of(String volume) {
        return keys.stream()
                .filter(key -> key.volume().equals(volume))
                .findFirst()
                .orElseThrow();
    }

    /** Those whose KEK has versions. */
    Map<String, Premises> versioned() {
        return Map.of("program", program, "vault", vault, "aws", aws, "azure", azure);
    }

    /** Whether a volume's key comes from outside the process as a text that our code does not read from the wire. */
    static boolean comesAsText(String volume) {
        return !List.of("file", "words", "token").contains(volume);
    }

    /** Adds what only we read and wipe. */
    void addPin(Needles needles) {
        needles.add("the PIN", pin);
    }

    /** Adds what passes through the Java heap while Argon2id works. */
    void addPassphrase(Needles needles) {
        needles.add("the passphrase", passphrase);
    }

    /** Adds what is shown to a server, in the body of a question, to get a token for it. */
    void addProofs(Needles needles) throws IOException {
        needles.add(
                        "Vault's secret ID",
                        Files.readString(folder.resolve("vault/secret-id")).strip())
                .add("Azure's client secret", KeyVaultStub.SECRET);
    }

    /** Adds what is at hand for each question, as a text in a field of its header or to sign it. */
    void addTokens(Needles needles) {
        needles.add("AWS's secret access key", KmsStub.SECRET);
        vaultStub.tokens().forEach(token -> needles.add("a token of Vault", token));
        azure.tokens().forEach(token -> needles.add("a token of Azure", token));
    }

    /** The TCP ports of the servers. */
    Set<Integer> ports() {
        Set<Integer> ports = new TreeSet<>();
        for (Key key : keys) {
            Matcher server = Pattern.compile("localhost:(\\d+)").matcher(key.value());
            if (server.find()) {
                ports.add(Integer.parseInt(server.group(1)));
            }
        }
        return ports;
    }

    /** The key in a key file, as it stands there and as it is. */
    static void addKeyFile(Needles needles, Path file) throws IOException {
        String text = Files.readString(file).strip();
        needles.add("the key of " + file.getFileName(), HexFormat.of().parseHex(text));
    }

    @Override
    public void close() throws Exception {
        vault.close();
        vaultServer.close();
        aws.close();
        azure.close();
        program.close();
    }
}
