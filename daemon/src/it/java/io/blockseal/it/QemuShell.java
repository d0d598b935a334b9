package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;

/** A qemu-io that stays connected, and connects again if it is told to, while it is given one command after the other. */
final class QemuShell implements AutoCloseable {
    private static final String PROMPT = "qemu-io> ";
    private static final long LIMIT_SECONDS = 60;

    private final Process qemu;
    private final Writer commands;
    private final Path out;
    private int read;

    /** Connected to an export. */
    QemuShell(Path folder, Path socket, String export, int reconnectSeconds) throws Exception {
        out = Files.createTempFile(folder, "qemu-io", ".out");
        qemu = new ProcessBuilder(
                        "qemu-io",
                        "--image-opts",
                        "driver=raw,file.driver=nbd,file.server.type=unix,file.server.path=" + socket + ",file.export="
                                + export + ",file.reconnect-delay=" + reconnectSeconds)
                .redirectErrorStream(true)
                .redirectOutput(out.toFile())
                .start();
        commands = qemu.outputWriter(StandardCharsets.UTF_8);
        awaitPrompt();
    }

    /** What it says to a command. */
    String say(String command) throws Exception {
        commands.write(command + "\n");
        commands.flush();
        return awaitPrompt();
    }

    /** Likewise, of a command that has to go well. */
    String ok(String command) throws Exception {
        String said = say(command);
        assertFalse(
                said.contains("failed") || said.contains("rror") || said.contains("annot"),
                () -> command + "\n" + said);
        return said;
    }

    private String awaitPrompt() throws Exception {
        long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LIMIT_SECONDS);
        String said = Files.readString(out).substring(read);
        while (!said.endsWith(PROMPT)) {
            assertTrue(qemu.isAlive() && System.nanoTime() < deadline, "qemu-io said no more than: " + said);
            assertFalse(qemu.waitFor(10, TimeUnit.MILLISECONDS), said);
            said = Files.readString(out).substring(read);
        }
        read += said.length();
        return said.substring(0, said.length() - PROMPT.length());
    }

    @Override
    public void close() throws IOException, InterruptedException {
        qemu.destroyForcibly().waitFor();
        commands.close();
    }
}
