package io.blockseal.shim;

import java.io.IOException;
import java.io.InputStream;
import java.lang.ref.Reference;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Locale;
import jnr.ffi.LibraryLoader;
import jnr.ffi.LibraryOption;
import org.jspecify.annotations.Nullable;

/**
 * Finds the native library, proves that it works, and hands out its {@link Shim}; or says in words why there is none.
 *
 * <p>One library per process: the first {@link #open} decides, later ones return the same answer. It never throws. The
 * library comes from the system property {@code blockseal.shim.path}, else from this jar (unpacked to a private
 * directory and deleted as soon as it is loaded). {@code -Dblockseal.shim=off} refuses it; {@code
 * -Dblockseal.libcrypto=PATH} names another libcrypto than the system's; {@code -Dblockseal.xts=libcrypto} has it do
 * XTS, too, which else the shim's own code does where the processor has the instructions, and {@code vaes256} keeps that
 * code off 512-bit registers.
 *
 * <p>Before it is trusted: ABI number, argument order, sizes of the parameter blocks, and an XTS known answer. Before
 * that the library itself has compared its own XTS with libcrypto's, and keeps to libcrypto if they differ anywhere.
 */
public final class ShimLibrary {
    private static @Nullable ShimLibrary opened;

    private final @Nullable Shim shim;
    private final String reason;

    private ShimLibrary(@Nullable Shim shim, String reason) {
        this.shim = shim;
        this.reason = reason;
    }

    /** With 16,384 key slots (1 MiB) and 3 MiB for expanded keys; together well under the usual limit of 8 MiB. */
    public static ShimLibrary open() {
        return open(0, 0);
    }

    /** With {@code keySlots} slots of 64 bytes and a schedule pool of {@code poolBytes}; 0 means the default. */
    public static synchronized ShimLibrary open(int keySlots, long poolBytes) {
        ShimLibrary library = opened;
        if (library == null) {
            library = attempt(0, keySlots, poolBytes);
            opened = library;
        }
        return library;
    }

    /**
     * A library with key slots of its own beside the one of the process, opened with these flags of {@link Shim#init};
     * for tests of what the flags switch off. libcrypto's memory is then the first one's.
     */
    public static ShimLibrary beside(int initFlags) {
        return attempt(initFlags, 1024, 1 << 20);
    }

    /** A library that is not there, for the reason given; for tests of those who must do without. */
    public static ShimLibrary absent(String reason) {
        return new ShimLibrary(null, reason);
    }

    /** The functions, or null where {@link #reason()} says why not. */
    public @Nullable Shim shim() {
        return shim;
    }

    public boolean isPresent() {
        return shim != null;
    }

    /** Empty if the library is there; else a sentence for the log. */
    public String reason() {
        return reason;
    }

    /** Words for the log about how well keys are protected, from {@link Shim#protection()}. */
    public static String describeProtection(int protection) {
        boolean locked = (protection & Shim.SLOTS_LOCKED) != 0;
        boolean schedules = (protection & Shim.SCHEDULES_LOCKED) != 0;
        boolean undumpable = (protection & Shim.UNDUMPABLE) != 0;
        boolean noFork = (protection & Shim.NO_FORK) != 0;
        return "keys=" + (locked ? "locked" : "swappable") + " schedules=" + (schedules ? "locked" : "swappable")
                + " core-dumps=" + (undumpable ? "excluded" : "included") + " children="
                + (noFork ? "excluded" : "included");
    }

    private static ShimLibrary attempt(int initFlags, int keySlots, long poolBytes) {
        if (System.getProperty("blockseal.shim", "on").equals("off")) {
            return new ShimLibrary(null, "switched off by -Dblockseal.shim=off");
        }
        try {
            Shim shim = load();
            String failure = ShimSelfTest.beforeInit(shim);
            if (failure.isEmpty()) {
                failure = initialise(shim, initFlags | xtsFlag(), keySlots, poolBytes);
            }
            if (failure.isEmpty()) {
                failure = ShimSelfTest.afterInit(shim);
            }
            return failure.isEmpty() ? new ShimLibrary(shim, "") : new ShimLibrary(null, failure);
        } catch (IOException | RuntimeException | LinkageError e) {
            return new ShimLibrary(null, "the native library does not load: " + e);
        }
    }

    private static Shim load() throws IOException {
        String path = System.getProperty("blockseal.shim.path");
        if (path != null) {
            return bind(Path.of(path));
        }
        String resource = "/native/linux-" + machine() + "/libblockseal_shim.so";
        if (!System.getProperty("os.name", "").equals("Linux")) {
            throw new IOException("there is one for Linux only");
        }
        try (InputStream library = ShimLibrary.class.getResourceAsStream(resource)) {
            if (library == null) {
                throw new IOException("this build contains no " + resource);
            }
            Path directory = Files.createTempDirectory(
                    "blockseal-shim-",
                    PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
            Path file = directory.resolve("libblockseal_shim.so");
            try {
                Files.copy(library, file);
                return bind(file);
            } finally {
                // The mapping stays valid; a file left behind could be replaced or simply pile up.
                Files.deleteIfExists(file);
                Files.delete(directory);
            }
        }
    }

    private static Shim bind(Path library) {
        Shim shim = LibraryLoader.create(Shim.class)
                .option(LibraryOption.IgnoreError, true)
                .mapper((name, context) -> symbol(name))
                .load(library.toAbsolutePath().toString());
        for (Method method : Shim.class.getMethods()) {
            if (!isBound(shim, method)) {
                throw new UnsatisfiedLinkError("it has no " + symbol(method.getName()) + "; is it another library?");
            }
        }
        int version = shim.abiVersion();
        if (version != Shim.ABI_VERSION) {
            throw new UnsatisfiedLinkError("it speaks ABI " + version + ", this build speaks " + Shim.ABI_VERSION);
        }
        return shim;
    }

    /** The binding leaves methods abstract whose function it does not find, and would fail at the first call only. */
    private static boolean isBound(Shim shim, Method method) {
        try {
            Method found = shim.getClass().getMethod(method.getName(), method.getParameterTypes());
            return !Modifier.isAbstract(found.getModifiers());
        } catch (NoSuchMethodException e) {
            return false;
        }
    }

    /** {@code xtsDecryptSparse} is {@code bs_xts_decrypt_sparse}. */
    static String symbol(String method) {
        StringBuilder symbol = new StringBuilder("bs_");
        for (int i = 0; i < method.length(); i++) {
            char c = method.charAt(i);
            if (Character.isUpperCase(c)) {
                symbol.append('_');
            }
            symbol.append(Character.toLowerCase(c));
        }
        return symbol.toString();
    }

    private static String machine() {
        String machine = System.getProperty("os.arch", "").toLowerCase(Locale.ROOT);
        return machine.equals("amd64") ? "x86_64" : machine;
    }

    private static int xtsFlag() throws IOException {
        String wanted = System.getProperty("blockseal.xts", "auto");
        return switch (wanted) {
            case "auto" -> 0;
            case "libcrypto" -> Shim.INIT_XTS_LIBCRYPTO;
            case "vaes256" -> Shim.INIT_XTS_VAES256;
            default -> throw new IOException("-Dblockseal.xts=" + wanted + " is neither auto, libcrypto nor vaes256");
        };
    }

    private static String initialise(Shim shim, int initFlags, int keySlots, long poolBytes) {
        String libcrypto = System.getProperty("blockseal.libcrypto");
        OffHeap path = cString(libcrypto == null ? "" : libcrypto);
        int result;
        try {
            result = shim.init(initFlags, keySlots, poolBytes, libcrypto == null ? 0 : path.address());
        } finally {
            // The call sees an address only; without this the collector may free the path under it.
            Reference.reachabilityFence(path);
        }
        if (result == 0) {
            return "";
        }
        OffHeap message = OffHeap.allocate(512);
        int length = shim.message(message.address(), message.length());
        String words = length < 1 ? "" : new String(message.get(0, length), StandardCharsets.UTF_8);
        return words.isEmpty() ? ShimError.describe(result) : words;
    }

    /** A NUL-terminated copy, for {@link Shim#open} and its like. */
    public static OffHeap cString(String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        return OffHeap.allocate(bytes.length + 1).put(0, bytes);
    }
}
