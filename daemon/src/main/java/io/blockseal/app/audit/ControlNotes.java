package io.blockseal.app.audit;

import io.blockseal.audit.AuditEvent;
import io.blockseal.audit.AuditField;
import io.blockseal.audit.AuditLog;
import io.blockseal.control.Caller;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Takes what the control loop has for the audit log, which it may not wait for, and writes it on a thread that lives as
 * long as there is something. Nothing is left out: refusals beyond what may wait are counted by user, so that whoever
 * knocks ten thousand times a second fills no memory, and one line says how often that was.
 */
public final class ControlNotes implements AutoCloseable {
    private static final int WAITING_MAX = 1024;
    private static final long CLOSE_MILLIS = 10_000;

    private record Note(Caller caller, boolean admitted, String what, long times) {}

    private final Deque<Note> waiting = new ArrayDeque<>();
    /** By user, with the process that was the first. */
    private final Map<Integer, Note> refusedBeyond = new LinkedHashMap<>();

    private @Nullable Thread writer;

    /** On the control loop. */
    public synchronized void take(Caller caller, boolean admitted, String what) {
        Note note = new Note(caller, admitted, what, 1);
        // Whoever is admitted could do worse than fill our memory.
        if (admitted || waiting.size() < WAITING_MAX) {
            waiting.add(note);
        } else {
            refusedBeyond.merge(
                    caller.uid(), note, (first, more) -> new Note(first.caller, false, what, first.times + more.times));
        }
        if (writer == null) {
            Thread started = new Thread(this::write, "control-notes");
            started.setDaemon(true);
            writer = started;
            started.start();
        }
    }

    private void write() {
        for (Note note = next(); note != null; note = next()) {
            List<AuditField> fields = new ArrayList<>();
            fields.add(AuditField.of("verb", note.what));
            fields.add(AuditField.of("caller-uid", Integer.toUnsignedString(note.caller.uid())));
            fields.add(AuditField.of("caller-pid", note.caller.pid()));
            if (note.times > 1) {
                fields.add(AuditField.of("times", note.times));
            }
            AuditLog.record(
                    note.admitted ? AuditEvent.CONTROL_CALL : AuditEvent.CONTROL_REFUSED,
                    fields.toArray(AuditField[]::new));
        }
    }

    private synchronized @Nullable Note next() {
        Note note = waiting.poll();
        if (note == null) {
            Iterator<Note> counted = refusedBeyond.values().iterator();
            if (counted.hasNext()) {
                note = counted.next();
                counted.remove();
            }
        }
        if (note == null) {
            writer = null;
        }
        return note;
    }

    /** Waits until what was taken is written. */
    @Override
    public void close() {
        Thread last;
        synchronized (this) {
            last = writer;
        }
        if (last == null) {
            return;
        }
        try {
            last.join(CLOSE_MILLIS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
