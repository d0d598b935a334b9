package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.config.AuditConfig;
import picocli.CommandLine.Option;

/** Where a command leaves its lines for auditors besides standard error. */
public final class AuditOptions {
    @Option(
            names = "--audit-log",
            paramLabel = "FILE",
            description = "Keep what is done with keys in this file as well; audit verify checks it (default: off).",
            defaultValue = "off")
    private String file = "off";

    @Option(
            names = "--audit-syslog",
            paramLabel = "SOCKET",
            description = "Send it to syslog or journald as well; auto: /dev/log (default: off).",
            defaultValue = "off")
    private String syslog = "off";

    /** As it stands in a configuration. */
    AuditConfig config() throws CommandException {
        try {
            return new AuditConfig(AuditConfig.file(file), AuditConfig.syslog(syslog));
        } catch (IllegalArgumentException wrong) {
            throw new CommandException(ExitCode.USAGE, "--audit-log, --audit-syslog: " + wrong.getMessage(), wrong);
        }
    }
}
