package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.console.Progress;
import io.blockseal.app.console.Terminal;
import io.blockseal.app.host.ProcessSignals;
import io.blockseal.control.ControlClient;
import io.blockseal.control.JobReply;
import io.blockseal.keysource.KeySourceException;
import java.io.IOException;
import java.io.PrintWriter;

/** Looks on at a job until it ends, or whoever looks on has enough: the job goes on without them. */
final class JobWatch {
    private JobWatch() {}

    /** Is shown the job now and then, each of its phases at least once, and at its end. */
    interface Looker {
        /** The job as it is now. */
        void look(JobReply job) throws KeySourceException;
    }

    /** How the command ends: as the job did, or well if it was left running. */
    static int watch(ControlClient daemon, long id, boolean json, PrintWriter out, PrintWriter err)
            throws IOException, CommandException, KeySourceException {
        return watch(daemon, id, json, out, err, job -> {});
    }

    /** Likewise, with somebody who looks on. */
    static int watch(ControlClient daemon, long id, boolean json, PrintWriter out, PrintWriter err, Looker looker)
            throws IOException, CommandException, KeySourceException {
        boolean shown = Terminal.isError();
        try (ProcessSignals signals = ProcessSignals.install("leaving the job to the daemon")) {
            JobReply job = ask(daemon, id, 0, 0);
            looker.look(job);
            while (!job.ended() && !signals.asked()) {
                try (Progress progress = new Progress(err, shown, line(job))) {
                    String before = line(job);
                    while (!job.ended() && !signals.asked() && line(job).equals(before)) {
                        progress.count(job.done(), job.total());
                        job = ask(daemon, id, job.revision(), 1);
                    }
                }
                looker.look(job);
            }
            if (!job.ended()) {
                err.println("job " + id + " goes on. Watch it: blockseal job watch " + id
                        + "; end it: blockseal job cancel " + id);
                err.flush();
                return ExitCode.OK.number();
            }
        }
        ControlClient.Reply result = daemon.get("/v1/jobs/" + id + "/result", !json);
        if (!result.ok()) {
            throw refused(result);
        }
        out.print(result.body());
        out.flush();
        return result.exitCode();
    }

    private static String line(JobReply job) {
        return "job " + job.id() + ": " + job.verb() + (job.phase().isEmpty() ? "" : ", " + job.phase())
                + (job.state().equals("running") ? "" : ", " + job.state());
    }

    /** The job, as soon as its revision is another, or after so many seconds. */
    static JobReply ask(ControlClient daemon, long id, long since, int seconds) throws IOException, CommandException {
        ControlClient.Reply reply = daemon.get("/v1/jobs/" + id + "?wait=" + seconds + "s&since=" + since, false);
        if (!reply.ok()) {
            throw refused(reply);
        }
        return JobReply.parse(reply.body());
    }

    /** What a daemon refused, as if it had been refused here. */
    static CommandException refused(ControlClient.Reply reply) {
        ExitCode code = ExitCode.FAILURE;
        for (ExitCode each : ExitCode.values()) {
            code = each.number() == reply.exitCode() ? each : code;
        }
        return new CommandException(code, JobReply.error(reply.body()));
    }
}
