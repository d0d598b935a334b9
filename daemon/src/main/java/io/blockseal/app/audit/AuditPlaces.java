package io.blockseal.app.audit;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.host.SyslogSocket;
import io.blockseal.audit.AuditFile;
import io.blockseal.audit.AuditLog;
import io.blockseal.audit.AuditSink;
import io.blockseal.audit.AuditTrail;
import io.blockseal.config.AuditConfig;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Opens the audit log where the configuration wants it. What cannot be told is not begun. */
public final class AuditPlaces {
    private AuditPlaces() {}

    /** From now on the process keeps its audit log there, until {@link AuditLog#end}. */
    public static void keep(AuditConfig wanted) throws CommandException {
        if (wanted.equals(AuditConfig.NONE)) {
            return;
        }
        Path syslog = wanted.syslog();
        List<AuditSink> sinks = syslog == null ? List.of() : List.of(SyslogSocket.open(syslog));
        Path path = wanted.file();
        try {
            AuditLog.keep(new AuditTrail(path == null ? null : AuditFile.open(path), sinks));
        } catch (IOException refused) {
            for (AuditSink sink : sinks) {
                closeQuietly(sink);
            }
            throw new CommandException(
                    ExitCode.FAILURE,
                    "the audit log " + path + " cannot be opened: " + AuditTrail.words(refused)
                            + "\n  Nothing was begun. Its directory has to exist and be writable for this user, who"
                            + " leaves a file beside it, too.",
                    refused);
        }
    }

    private static void closeQuietly(AuditSink sink) {
        try {
            sink.close();
        } catch (IOException unimportant) {
            // The other failure is told.
        }
    }
}
