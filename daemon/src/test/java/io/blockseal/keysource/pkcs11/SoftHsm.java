package io.blockseal.keysource.pkcs11;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.shim.ForeignLibrary;
import io.blockseal.shim.OffHeap;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.ref.Reference;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * A token of SoftHSM in this process, and what its administrator does to it. SoftHSM reads its configuration once, from
 * where SOFTHSM2_CONF says, so there is one for all tests; pom.xml sets the variable.
 */
final class SoftHsm {
    static final String TOKEN = "blockseal tests";
    static final String PIN = "tangerine";

    private static final String CONFIGURATION = "SOFTHSM2_CONF";
    private static final List<Path> MODULES = List.of(
            Path.of("/usr/lib/softhsm/libsofthsm2.so"),
            Path.of("/usr/lib64/pkcs11/libsofthsm2.so"),
            Path.of("/usr/lib/pkcs11/libsofthsm2.so"));
    // Places in CK_FUNCTION_LIST.
    private static final int C_SET_PIN = 11;
    private static final int C_OPEN_SESSION = 12;
    private static final int C_CLOSE_SESSION = 13;
    private static final int C_CLOSE_ALL_SESSIONS = 14;
    private static final int C_LOGOUT = 19;
    private static final int C_DESTROY_OBJECT = 22;
    private static final int C_SET_ATTRIBUTE_VALUE = 25;
    private static final int C_GENERATE_KEY = 58;

    private static final long READ_WRITE_SESSION = 6;
    private static final long AES_KEY_GEN = 0x1080;
    private static final long TOKEN_OBJECT = 1;
    private static final long PRIVATE = 2;

    private static SoftHsm made;

    private final Path module;
    private final Path tokens;
    private final OffHeap functions;
    private final Cryptoki cryptoki;
    private final long slot;

    private SoftHsm(Path module, Path tokens) throws Exception {
        this.tokens = tokens;
        this.module = module;
        OffHeap list = OffHeap.allocate(Long.BYTES);
        ForeignLibrary.call(ForeignLibrary.open(module).function("C_GetFunctionList"), list.address());
        this.functions = OffHeap.at(list.getLong(0), 69 * Long.BYTES);
        this.cryptoki = new Cryptoki(Functions.load(module));
        cryptoki.initialize();
        this.slot = cryptoki.tokens().stream()
                .filter(each -> each.label().equals(TOKEN))
                .findFirst()
                .orElseThrow()
                .slot();
    }

    /** The token, or a skipped test that says why. */
    static synchronized SoftHsm open() throws Exception {
        if (made == null) {
            Path module = MODULES.stream().filter(Files::exists).findFirst().orElse(null);
            assumeTrue(module != null, "SoftHSM is not installed (Debian: softhsm2)");
            String configuration = System.getenv(CONFIGURATION);
            assumeTrue(configuration != null, CONFIGURATION + " is not set, as pom.xml does");
            // It flushes after every change; in memory that costs nothing.
            Path memory = Path.of("/dev/shm");
            Path folder = Files.createTempDirectory(
                    Files.isWritable(memory) ? memory : Path.of(System.getProperty("java.io.tmpdir")),
                    "blockseal-softhsm-");
            Runtime.getRuntime().addShutdownHook(new Thread(() -> remove(folder)));
            initialise(Path.of(configuration), folder.resolve("tokens"));
            made = new SoftHsm(module.toRealPath(), folder.resolve("tokens"));
        }
        return made;
    }

    private static void remove(Path folder) {
        try (Stream<Path> all = Files.walk(folder)) {
            for (Path each : all.sorted(Comparator.reverseOrder()).toList()) {
                Files.delete(each);
            }
        } catch (IOException left) {
            throw new UncheckedIOException(left);
        }
    }

    private static void initialise(Path configuration, Path tokens) throws IOException, InterruptedException {
        Files.createDirectories(configuration.toAbsolutePath().getParent());
        Files.createDirectory(tokens);
        Files.writeString(configuration, "directories.tokendir = " + tokens + "\nlog.level = ERROR\n");
        Process util;
        try {
            util = new ProcessBuilder(
                            "softhsm2-util",
                            "--init-token",
                            "--free",
                            "--label",
                            TOKEN,
                            "--so-pin",
                            "quetzalcoatl",
                            "--pin",
                            PIN)
                    .redirectErrorStream(true)
                    .start();
        } catch (IOException missing) {
            assumeTrue(false, "softhsm2-util is not installed (Debian: softhsm2)");
            throw missing;
        }
        String words = new String(util.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, util.waitFor(), words);
    }

    Path module() {
        return module;
    }

    /** The place of a key on it. */
    String uri(String label) {
        return "pkcs11:token=blockseal%20tests;object=" + label;
    }

    /** What is done in a session that may change things. */
    private interface Deed {
        void in(long session) throws Exception;
    }

    private void login(Deed deed) throws Exception {
        OffHeap session = OffHeap.allocate(Long.BYTES);
        call(C_OPEN_SESSION, slot, READ_WRITE_SESSION, 0, 0, session.address());
        long handle = session.getLong(0);
        try {
            cryptoki.login(handle, PIN.getBytes(StandardCharsets.UTF_8));
            deed.in(handle);
        } finally {
            call(C_CLOSE_SESSION, handle);
        }
    }

    private void call(int function, long... arguments) {
        assertEquals(0, ForeignLibrary.call(functions.getLong(Long.BYTES * (1 + function)), arguments), "CKR");
    }

    /** A new AES-256 key. */
    void generate(String label, int id, boolean extractable) throws Exception {
        generate(label, id, extractable, 32);
    }

    /** A new AES key of so many bytes. */
    void generate(String label, int id, boolean extractable, int bytes) throws Exception {
        Template template = new Template()
                .number(Template.VALUE_LEN, bytes)
                .bytes(Template.LABEL, label.getBytes(StandardCharsets.UTF_8))
                .bytes(Template.ID, new byte[] {(byte) id});
        Map<Long, Boolean> flags = Map.of(
                TOKEN_OBJECT,
                true,
                PRIVATE,
                true,
                Template.ENCRYPT,
                true,
                Template.DECRYPT,
                true,
                Template.SENSITIVE,
                !extractable,
                Template.EXTRACTABLE,
                extractable);
        flags.forEach((type, value) -> template.bytes(type, flag(value)));
        OffHeap array = template.memory();
        OffHeap mechanism = OffHeap.allocate(3 * Long.BYTES).putLong(0, AES_KEY_GEN);
        OffHeap key = OffHeap.allocate(Long.BYTES);
        login(session ->
                call(C_GENERATE_KEY, session, mechanism.address(), array.address(), template.count(), key.address()));
        Reference.reachabilityFence(template);
        Reference.reachabilityFence(array);
    }

    private static byte[] flag(boolean value) {
        return new byte[] {(byte) (value ? 1 : 0)};
    }

    /** Has the key be called something else from now on. */
    void rename(String from, String to) throws Exception {
        change(from, new Template().bytes(Template.LABEL, to.getBytes(StandardCharsets.UTF_8)));
    }

    /** Has the key have another id from now on. */
    void renumber(String label, int id) throws Exception {
        change(label, new Template().bytes(Template.ID, new byte[] {(byte) id}));
    }

    /** Whether it may be used. */
    void allow(String label, boolean use) throws Exception {
        change(label, new Template().bytes(Template.ENCRYPT, flag(use)).bytes(Template.DECRYPT, flag(use)));
    }

    private void change(String label, Template change) throws Exception {
        OffHeap array = change.memory();
        login(session -> {
            for (long object : objects(session, label)) {
                call(C_SET_ATTRIBUTE_VALUE, session, object, array.address(), change.count());
            }
        });
        Reference.reachabilityFence(change);
        Reference.reachabilityFence(array);
    }

    /** Removes all keys of that name. */
    void destroy(String label) throws Exception {
        login(session -> {
            for (long object : objects(session, label)) {
                call(C_DESTROY_OBJECT, session, object);
            }
        });
    }

    private List<Long> objects(long session, String label) throws CkException {
        Template template = new Template()
                .number(Template.CLASS, Template.OBJECT_SECRET_KEY)
                .bytes(Template.LABEL, label.getBytes(StandardCharsets.UTF_8));
        return cryptoki.find(session, template);
    }

    /** Takes the token away, or puts it back. Sessions and logins live on meanwhile, but there are no keys. */
    void beThere(boolean there) throws IOException {
        Path elsewhere = tokens.resolveSibling("pulled-out");
        if (there && Files.exists(elsewhere)) {
            Files.delete(tokens);
            Files.move(elsewhere, tokens);
        } else if (!there) {
            Files.move(tokens, elsewhere);
            Files.createDirectory(tokens);
        }
    }

    /** Gives the user another PIN. */
    void changePin(String from, String to) {
        OffHeap before = OffHeap.allocate(from.length()).put(0, from.getBytes(StandardCharsets.UTF_8));
        OffHeap after = OffHeap.allocate(to.length()).put(0, to.getBytes(StandardCharsets.UTF_8));
        OffHeap session = OffHeap.allocate(Long.BYTES);
        call(C_OPEN_SESSION, slot, READ_WRITE_SESSION, 0, 0, session.address());
        try {
            call(C_SET_PIN, session.getLong(0), before.address(), before.length(), after.address(), after.length());
        } finally {
            call(C_CLOSE_SESSION, session.getLong(0));
        }
        Reference.reachabilityFence(before);
        Reference.reachabilityFence(after);
    }

    /** What another process would leave behind: the new PIN is in the token's files, and the module knows the old one. */
    void changePinBehindTheModule(String from, String to) throws IOException {
        changePin(from, to);
        Path token;
        try (Stream<Path> all = Files.walk(tokens)) {
            token = all.filter(each -> each.endsWith("token.object"))
                    .findFirst()
                    .orElseThrow();
        }
        byte[] changed = Files.readAllBytes(token);
        changePin(to, from);
        Files.write(token, changed);
    }

    /** Logs the whole process out; its sessions stay. */
    void logOut() throws Exception {
        OffHeap session = OffHeap.allocate(Long.BYTES);
        call(C_OPEN_SESSION, slot, READ_WRITE_SESSION, 0, 0, session.address());
        call(C_LOGOUT, session.getLong(0));
        call(C_CLOSE_SESSION, session.getLong(0));
    }

    /** What it is to us when somebody pulls the token out and puts it back: all sessions are gone, and so is the login. */
    void pullOutAndPutBack() {
        call(C_CLOSE_ALL_SESSIONS, slot);
    }
}
