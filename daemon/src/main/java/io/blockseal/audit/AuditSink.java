package io.blockseal.audit;

import java.io.Closeable;
import java.io.IOException;

/** Somebody who gets each line of the audit log besides the daemon's own log. From any thread, one at a time. */
public interface AuditSink extends Closeable {
    /** Takes the line, or says why not; does not wait for long. */
    void send(String line) throws IOException;
}
