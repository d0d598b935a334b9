package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.control.ControlClient;
import io.blockseal.control.JobReply;
import java.io.IOException;
import java.util.function.Predicate;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code blockseal job}: long work that a daemon does. */
@Command(
        name = "job",
        header = "Watch and steer long work of a daemon.",
        description = "%nLong work on a volume that is served is a job with a number; it goes on whoever looks on.%n",
        footer = {
            "",
            "Examples:",
            "  blockseal job list",
            "  blockseal job watch 7",
            "  blockseal job pause 7",
            "  blockseal job resume 7",
            "  blockseal job cancel 7",
            "  blockseal job show 7 --json",
            ""
        },
        subcommands = {
            JobCommand.JobList.class,
            JobCommand.Show.class,
            JobCommand.Watch.class,
            JobCommand.Pause.class,
            JobCommand.Resume.class,
            JobCommand.Cancel.class
        })
public final class JobCommand extends Verb {
    private static final String PAUSED = "paused";
    /** A job looks at its orders at least once a second. */
    private static final long OBEYS_NANOS = 3_000_000_000L;

    @Override
    public Integer call() throws CommandException {
        throw new CommandException(
                ExitCode.USAGE, "job what? list, show, watch, pause, resume or cancel.\n  Try: blockseal job --help");
    }

    private abstract static class OfADaemon extends Verb {
        @Mixin
        final ControlOptions control = new ControlOptions();

        @Option(names = "--json", description = "Print JSON.")
        boolean json;

        int print(ControlClient.Reply reply) throws CommandException {
            if (!reply.ok()) {
                throw JobWatch.refused(reply);
            }
            out().print(reply.body());
            out().flush();
            return reply.exitCode();
        }
    }

    private abstract static class OfOneJob extends OfADaemon {
        @Parameters(arity = "1", paramLabel = "ID", description = "The job's number.")
        long id;

        /** Orders it, and tells how the job is once it has obeyed, or after a while if it has not yet. */
        int order(String what, Predicate<JobReply> obeyed) throws CommandException, IOException {
            ControlClient daemon = control.withJob(id);
            ControlClient.Reply ordered = daemon.post("/v1/jobs/" + id + "/" + what, false, new byte[0]);
            if (!ordered.ok()) {
                throw JobWatch.refused(ordered);
            }
            JobReply job = JobReply.parse(ordered.body());
            long begun = System.nanoTime();
            while (!obeyed.test(job) && System.nanoTime() - begun < OBEYS_NANOS) {
                job = JobWatch.ask(daemon, id, job.revision(), 1);
            }
            int exitCode = print(daemon.get("/v1/jobs/" + id, !json));
            if (!json && !obeyed.test(job)) {
                out().println("  It does so at its next checkpoint: blockseal job show " + id);
                out().flush();
            }
            return exitCode;
        }
    }

    /** {@code job list}. */
    @Command(
            name = "list",
            header = "List the jobs of every daemon that can be asked.",
            description =
                    "%nEach daemon has numbers of its own. With --json one document is printed for each daemon.%n",
            footer = {"", "Example:", "  blockseal job list --json", ""})
    public static final class JobList extends OfADaemon {
        @Override
        public Integer call() throws CommandException {
            return StatusCommand.askAll(this, control, "/v1/jobs", json, true);
        }
    }

    /** {@code job show}. */
    @Command(
            name = "show",
            header = "Show a job.",
            footer = {"", "Example:", "  blockseal job show 7", ""})
    public static final class Show extends OfOneJob {
        @Override
        public Integer call() throws CommandException, IOException {
            return print(control.withJob(id).get("/v1/jobs/" + id, !json));
        }
    }

    /** {@code job watch}. */
    @Command(
            name = "watch",
            header = "Look on until a job ends, and end as it did.",
            description = "%nCtrl-C ends the looking on; the job goes on.%n",
            footer = {"", "Example:", "  blockseal job watch 7", ""})
    public static final class Watch extends OfOneJob {
        @Override
        public Integer call() throws Exception {
            return JobWatch.watch(control.withJob(id), id, json, out(), err());
        }
    }

    /** {@code job pause}. */
    @Command(
            name = "pause",
            header = "Let a job stand still at its next checkpoint.",
            footer = {"", "Example:", "  blockseal job pause 7", ""})
    public static final class Pause extends OfOneJob {
        @Override
        public Integer call() throws CommandException, IOException {
            return order("pause", job -> job.ended() || job.state().equals(PAUSED));
        }
    }

    /** {@code job resume}. */
    @Command(
            name = "resume",
            header = "Let a paused job go on.",
            footer = {"", "Example:", "  blockseal job resume 7", ""})
    public static final class Resume extends OfOneJob {
        @Override
        public Integer call() throws CommandException, IOException {
            return order("resume", job -> !job.state().equals(PAUSED));
        }
    }

    /** {@code job cancel}. */
    @Command(
            name = "cancel",
            header = "Let a job end at its next checkpoint; what it finished stays.",
            footer = {"", "Example:", "  blockseal job cancel 7", ""})
    public static final class Cancel extends OfOneJob {
        @Override
        public Integer call() throws CommandException, IOException {
            return order("cancel", JobReply::ended);
        }
    }
}
