package io.blockseal.app.console;

import java.io.Console;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Whether somebody sits at a terminal, and how to ask them. */
public final class Terminal {
    private Terminal() {}

    /** Whether standard output is a terminal, so that what is printed is seen once and kept nowhere. */
    public static boolean isOutput() {
        return isTerminal(1);
    }

    /** Whether standard error is a terminal: progress is shown only there. */
    public static boolean isError() {
        return isTerminal(2);
    }

    /** Whether a passphrase can be asked for. */
    @SuppressWarnings("SystemConsoleNull") // Null on Java 17; on newer ones the first question decides.
    public static boolean canAsk() {
        return isTerminal(0) && System.console() != null;
    }

    /** Asks for a line that may be seen while it is typed; null if there is nobody to ask or they ended the input. */
    @SuppressWarnings("SystemConsoleNull") // Null on Java 17.
    public static @Nullable String askLine(String prompt) {
        Console console = System.console();
        return console == null ? null : console.readLine("%s: ", prompt);
    }

    private static boolean isTerminal(int descriptor) {
        try {
            String target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor))
                    .toString();
            return target.startsWith("/dev/pts/") || target.startsWith("/dev/tty") || target.equals("/dev/console");
        } catch (IOException | UnsupportedOperationException unknown) {
            return false;
        }
    }

    /**
     * Asks without echo; the caller wipes the answer. Null if there is nobody to ask or they ended the input.
     *
     * <p>Bytes are UTF-8, as typed: no normalisation, so that the same keys give the same passphrase everywhere.
     */
    @SuppressWarnings("SystemConsoleNull") // Null on Java 17.
    public static byte @Nullable [] askPassphrase(String prompt) {
        Console console = System.console();
        char[] typed = console == null ? null : console.readPassword("%s: ", prompt);
        if (typed == null) {
            return null;
        }
        ByteBuffer encoded = ByteBuffer.wrap(new byte[typed.length * 4]);
        StandardCharsets.UTF_8.newEncoder().encode(CharBuffer.wrap(typed), encoded, true);
        byte[] bytes = Arrays.copyOf(encoded.array(), encoded.position());
        Arrays.fill(encoded.array(), (byte) 0);
        Arrays.fill(typed, '\0');
        return bytes;
    }
}
