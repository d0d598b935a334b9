package io.blockseal.app.command;

import io.blockseal.app.console.ExitCode;
import io.blockseal.app.key.NewKey;
import io.blockseal.control.JobReply;
import io.blockseal.keysource.KeySourceException;
import java.io.PrintWriter;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/**
 * Tells whoever made a new key and gave it to a job what becomes of it: that it opens the volume from now on, as soon as
 * the job has a phase, long before it ends. Closed before that is known, it shows what would otherwise be lost.
 */
final class NewKeyNews implements JobWatch.Looker, AutoCloseable {
    private final NewKey made;
    private final Path volume;
    private final PrintWriter out;
    private @Nullable JobReply last;
    private boolean told;

    NewKeyNews(NewKey made, Path volume, PrintWriter out) {
        this.made = made;
        this.volume = volume;
        this.out = out;
    }

    @Override
    public void look(JobReply job) throws KeySourceException {
        last = job;
        if (!told && (!job.phase().isEmpty() || job.state().equals("done"))) {
            taken();
        }
    }

    /** It opens the volume. */
    void taken() throws KeySourceException {
        told = true;
        out.println(volume + ": opens by " + made.description() + " from now on.");
        NewKeyOptions.showOnce(made, out);
    }

    /** The job ended like that. A key file that opens nothing would only mislead; one that may open something stays. */
    void failed(ExitCode how) {
        JobReply job = last;
        if (!told && job != null && job.ended() && how != ExitCode.FAILURE) {
            told = true;
            made.discard();
        }
    }

    @Override
    public void close() throws KeySourceException {
        if (!told) {
            told = true;
            NewKeyOptions.showOnce(made, out);
        }
    }
}
