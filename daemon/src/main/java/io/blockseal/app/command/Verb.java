package io.blockseal.app.command;

import java.io.PrintWriter;
import java.util.concurrent.Callable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What every command has: help, a switch for whoever changes the program, and where to print. */
abstract class Verb implements Callable<Integer> {
    @Spec
    private CommandSpec spec;

    @SuppressWarnings("unused") // The parser acts on it.
    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            description = "Show this help and exit.")
    private boolean help;

    @Option(names = "--debug", description = "Log at DEBUG and show stack traces: for whoever changes the program.")
    private boolean debug;

    /** Standard output. */
    final PrintWriter out() {
        return spec.commandLine().getOut();
    }

    /** Standard error. */
    final PrintWriter err() {
        return spec.commandLine().getErr();
    }

    /** The command as it was parsed. */
    final CommandSpec spec() {
        return spec;
    }

    /** Whether to log at DEBUG. */
    final boolean debug() {
        return debug;
    }
}
