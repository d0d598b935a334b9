package io.blockseal.app.command;

import io.blockseal.app.console.Progress;
import io.blockseal.app.host.ProcessSignals;
import io.blockseal.job.JobCanceledException;
import io.blockseal.job.JobControl;
import java.io.PrintWriter;

/**
 * Long work that somebody waits for at a terminal: a line that tells how far it is, and Ctrl-C (or TERM, or HUP) to end it
 * in order. A second signal ends the process at once.
 */
public final class ForegroundJob implements JobControl, AutoCloseable {
    private final PrintWriter err;
    private final boolean shown;
    private final String what;
    private final ProcessSignals signals;
    private Progress progress;

    private ForegroundJob(PrintWriter err, boolean shown, String what, ProcessSignals signals) {
        this.err = err;
        this.shown = shown;
        this.what = what;
        this.signals = signals;
        this.progress = new Progress(err, shown, what);
    }

    /** Begins to tell about {@code what} on {@code err} if {@code shown}, and to listen for signals. */
    public static ForegroundJob begin(PrintWriter err, boolean shown, String what) {
        return new ForegroundJob(err, shown, what, ProcessSignals.install("ending in order"));
    }

    @Override
    public void checkpoint() throws JobCanceledException {
        if (signals.asked()) {
            throw new JobCanceledException(what + ": interrupted");
        }
    }

    @Override
    public boolean isDisturbed() {
        return signals.asked();
    }

    @Override
    public void phase(String words) {
        progress.close();
        progress = new Progress(err, shown, what + ", " + words);
    }

    @Override
    public void progress(long done, long total) {
        progress.count(done, total);
    }

    /** Takes the line away and gives the signals back. */
    @Override
    public void close() {
        progress.close();
        signals.close();
    }
}
