package io.blockseal.app;

import io.blockseal.audit.AuditLog;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import picocli.CommandLine;

/** The process: arguments in, exit code out. */
public final class Main {
    private Main() {}

    /** Runs one command and ends the process with its exit code. */
    public static void main(String[] arguments) {
        PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
        PrintWriter err = new PrintWriter(System.err, true, StandardCharsets.UTF_8);
        int exitCode = run(out, err, arguments);
        out.flush();
        err.flush();
        // Threads of a half-built daemon must not keep the process alive.
        System.exit(exitCode);
    }

    /** The same within a process that goes on. */
    static int run(PrintWriter out, PrintWriter err, String... arguments) {
        CommandLine line = CommandTree.forArguments(arguments);
        line.setOut(out);
        line.setErr(err);
        try {
            return line.execute(arguments);
        } finally {
            AuditLog.end();
        }
    }
}
