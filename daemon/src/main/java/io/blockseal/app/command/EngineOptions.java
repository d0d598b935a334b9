package io.blockseal.app.command;

import io.blockseal.app.audit.AuditPlaces;
import io.blockseal.app.console.CommandException;
import io.blockseal.app.setup.Foundation;
import io.blockseal.config.EngineChoice;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Which cipher engine a one-off command runs, and where it leaves its lines for auditors. */
public final class EngineOptions {
    private static final int KEYS = 1024;

    @Option(
            names = "--engine",
            paramLabel = "auto|native|java",
            description = "Which cipher engine to run (default: ${DEFAULT-VALUE}).",
            defaultValue = "auto")
    private EngineChoice engine = EngineChoice.AUTO;

    @Option(names = "--require-locked-keys", description = "Refuse to work when keys cannot be kept in locked memory.")
    private boolean requireLockedKeys;

    @Mixin
    private final AuditOptions audit = new AuditOptions();

    /** What the command stands on; the caller closes it. */
    Foundation lay() throws CommandException {
        AuditPlaces.keep(audit.config());
        return Foundation.lay(engine, requireLockedKeys, KEYS);
    }
}
