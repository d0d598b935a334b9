package io.blockseal.keysource.exec;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.PrivateFile;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Runs the program: no shell, an empty environment, the root directory, one document on its standard input and one from
 * its standard output, within a time. When it has answered or the time is over, whatever is left of it is killed. From any
 * thread but one that serves I/O; blocks.
 */
final class Plugin {
    private static final int OUTPUT_BYTES_MAX = 64 << 10;
    private static final int COMPLAINT_BYTES_MAX = 4096;
    /** The JDK passes that much over its stack; more goes through memory of C's heap, which nobody wipes. */
    private static final int PIECE_BYTES = 8192;

    private static final long STRAGGLE_MILLIS = 500;
    /** How a program that is to become another says that it could not: 126, or 127 if there is none. */
    private static final int NOT_EXECUTED = 126;

    private final Path program;
    private final List<String> command;
    private final Duration within;

    Plugin(Path program, List<String> arguments, Duration within) {
        this.program = program;
        this.command = new ArrayList<>();
        command.add(program.toString());
        command.addAll(arguments);
        this.within = within;
    }

    /**
     * What it answers, which the caller wipes. What it says on standard error may be the question, with the key in it:
     * no more of that is told than {@link PluginWords} lets through.
     *
     * @throws KeySourceException MISCONFIGURED if it cannot be run, or others could change it; UNREACHABLE if it fails, is
     *     late or says too much
     */
    byte[] run(byte[] question) throws KeySourceException {
        PrivateFile.requireUnchangeable(program);
        PluginSession session;
        try {
            session = PluginSession.start(command);
        } catch (IOException cannot) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED, program + " cannot be run: " + cannot.getMessage(), cannot);
        }
        Process process = session.program();
        Capture output = Capture.of(process.getInputStream(), OUTPUT_BYTES_MAX);
        Capture complaint = Capture.of(process.getErrorStream(), COMPLAINT_BYTES_MAX);
        // On a thread of its own, with whose stack goes what the JDK has copied there.
        Thread giving = new Thread(() -> give(process, question), "key-source-exec");
        giving.setDaemon(true);
        giving.start();
        try {
            if (!process.waitFor(within.toMillis(), TimeUnit.MILLISECONDS)) {
                throw new KeySourceException(
                        Kind.UNREACHABLE, program + " has not answered within " + within.toSeconds() + " s");
            }
            byte[] answer = output.ofTheEnded();
            if (output.tooMany) {
                Arrays.fill(answer, (byte) 0);
                throw new KeySourceException(
                        Kind.UNREACHABLE, program + ": its answer has more than " + OUTPUT_BYTES_MAX + " bytes");
            }
            if (answer.length == 0) {
                throw withoutAnswer(process.exitValue(), complaint.ofTheEnded());
            }
            return answer;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new KeySourceException(Kind.UNREACHABLE, program + " was not waited for: we were interrupted");
        } finally {
            session.close();
            output.close();
            complaint.close();
            join(giving);
        }
    }

    /** The question is wiped as soon as {@link #run} returns; the program is gone, so nothing can be written any more. */
    private static void join(Thread giving) {
        boolean interrupted = false;
        while (giving.isAlive()) {
            try {
                giving.join();
            } catch (InterruptedException again) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    private static void give(Process process, byte[] question) {
        try (OutputStream input = process.getOutputStream()) {
            input.write(question);
        } catch (IOException deaf) {
            // It may know the answer without listening; if not, its exit code says more than a broken pipe.
            return;
        }
    }

    private KeySourceException withoutAnswer(int code, byte[] complaint) {
        String words = PluginWords.firstLine(complaint);
        Arrays.fill(complaint, (byte) 0);
        if (code >= NOT_EXECUTED && words.startsWith("setsid:")) {
            return new KeySourceException(Kind.MISCONFIGURED, program + " cannot be run: " + words);
        }
        return new KeySourceException(
                Kind.UNREACHABLE,
                program + " ended with exit code " + code + " and no answer" + (words.isEmpty() ? "" : ": " + words));
    }

    /** Reads a stream to its end on a thread of its own, so that the program never waits for us. */
    private static final class Capture {
        private final InputStream stream;
        private final int bytesMax;
        private final Thread thread;
        private final byte[] buffer;
        private volatile int length;
        private volatile boolean tooMany;
        private volatile boolean closed;

        private Capture(InputStream stream, int bytesMax) {
            this.stream = stream;
            this.bytesMax = bytesMax;
            // Less room than a piece would make the JDK read into a buffer of its own.
            this.buffer = new byte[bytesMax + PIECE_BYTES];
            this.thread = new Thread(this::read, "key-source-exec");
            thread.setDaemon(true);
        }

        static Capture of(InputStream stream, int bytesMax) {
            Capture capture = new Capture(stream, bytesMax);
            capture.thread.start();
            return capture;
        }

        private void read() {
            try {
                int filled = 0;
                int count = 0;
                while (filled <= bytesMax && count >= 0) {
                    filled += count;
                    length = Math.min(filled, bytesMax);
                    tooMany = filled > bytesMax;
                    if (!tooMany) {
                        count = stream.read(buffer, filled, PIECE_BYTES);
                    }
                }
                // Whoever goes on writing is told that nobody listens.
                stream.close();
            } catch (IOException over) {
                // What came before counts.
            } finally {
                wipeIfClosed();
            }
        }

        /** By both who close it and the thread that may have read something meanwhile: whoever is the last. */
        private void wipeIfClosed() {
            if (closed) {
                Arrays.fill(buffer, (byte) 0);
            }
        }

        /** What a program that has ended had said; something that it left running may keep the pipe open for ever. */
        byte[] ofTheEnded() throws InterruptedException {
            thread.join(STRAGGLE_MILLIS);
            return Arrays.copyOf(buffer, length);
        }

        void close() {
            closed = true;
            try {
                stream.close();
            } catch (IOException alreadyClosed) {
                // It was at its end.
            }
            wipeIfClosed();
        }
    }
}
