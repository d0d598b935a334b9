package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.desk.ControlPlaces;
import io.blockseal.app.setup.Surroundings;
import io.blockseal.control.ControlClient;
import io.blockseal.control.JobReply;
import io.blockseal.store.StoreInUseException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where to find the daemon that serves a volume. */
public final class ControlOptions {
    /** A daemon, and what it calls the volume. */
    record Serving(ControlClient client, String name) {
        String path(String more) {
            return "/v1/volumes/" + ControlClient.part(name) + more;
        }
    }

    @Option(
            names = "--control",
            paramLabel = "SOCKET",
            description = "The control socket of the daemon that serves it (default: the usual places).")
    private @Nullable Path socket;

    /** Whether the operator named a socket. */
    boolean given() {
        return socket != null;
    }

    /** Every daemon that can be asked. */
    List<ControlClient> daemons() {
        List<ControlClient> all = new ArrayList<>();
        List<Path> sockets = socket == null ? ControlPlaces.toAsk(Surroundings.stateDirectory()) : List.of(socket);
        sockets.forEach(path -> all.add(new ControlClient(path)));
        return all;
    }

    /** The daemon that serves the volume, by path, name or UUID; null if none that can be asked does. */
    @Nullable
    Serving find(Path volume) throws CommandException {
        String name = isStore(volume) ? volume.toAbsolutePath().normalize().toString() : volume.toString();
        for (ControlClient each : daemons()) {
            Serving candidate = new Serving(each, name);
            try {
                if (each.get(candidate.path(""), false).status() != 404) {
                    return candidate;
                }
            } catch (IOException silent) {
                if (socket != null) {
                    throw unreachable(each, silent);
                }
            }
        }
        return null;
    }

    /** Whether a volume may lie there: a folder of that name does not hide an export. */
    private static boolean isStore(Path volume) {
        return Files.exists(volume) && !Files.isDirectory(volume);
    }

    /** The daemon that serves it, since there is no file of that name, or the operator named its socket; null if none. */
    @Nullable
    Serving findFirst(Path volume) throws CommandException {
        if (!given() && isStore(volume)) {
            return null;
        }
        return findNamed(volume);
    }

    /** Likewise, whether or not there is a file. */
    @Nullable
    Serving findNamed(Path volume) throws CommandException {
        Serving serving = find(volume);
        if (serving == null && given()) {
            throw new CommandException(
                    ExitCode.FAILURE, "the daemon on that control socket serves no volume " + volume + ".");
        }
        return serving;
    }

    /** The daemon that holds the file's lock, as {@code inUse} says that somebody does. */
    Serving findHolder(Path volume, StoreInUseException inUse) throws CommandException {
        Serving serving = find(volume);
        if (serving == null) {
            throw new CommandException(
                    ExitCode.IN_USE,
                    inUse.getMessage()
                            + "\n  If a daemon serves it, name its control socket (--control SOCKET): no daemon that"
                            + " this user may ask serves it. Else wait until whoever uses it has ended.",
                    inUse);
        }
        return serving;
    }

    /**
     * The daemon that has the job. Each daemon counts its own: of several that have one of that number it is meant whose
     * job has not ended, and if that does not tell, the operator has to.
     */
    ControlClient withJob(long id) throws CommandException {
        return withJob(daemons(), id, given());
    }

    static ControlClient withJob(List<ControlClient> daemons, long id, boolean named) throws CommandException {
        String why = "there is no daemon that could be asked; name its socket: --control SOCKET";
        List<ControlClient> underWay = new ArrayList<>();
        List<ControlClient> all = new ArrayList<>();
        StringBuilder which = new StringBuilder();
        for (ControlClient each : daemons) {
            try {
                ControlClient.Reply reply = each.get("/v1/jobs/" + id, false);
                if (reply.ok()) {
                    JobReply job = JobReply.parse(reply.body());
                    all.add(each);
                    if (!job.ended()) {
                        underWay.add(each);
                    }
                    which.append("\n  --control ")
                            .append(each.socket())
                            .append(": ")
                            .append(job.verb())
                            .append(" of ")
                            .append(job.volume())
                            .append(", ")
                            .append(job.state());
                } else {
                    why = JobReply.error(reply.body());
                }
            } catch (IOException silent) {
                if (named) {
                    throw unreachable(each, silent);
                }
            }
        }
        if (underWay.size() == 1 || all.size() == 1) {
            return (underWay.size() == 1 ? underWay : all).get(0);
        }
        if (all.size() > 1) {
            throw new CommandException(
                    ExitCode.USAGE, "several daemons have a job " + id + "; say which is meant:" + which);
        }
        throw new CommandException(ExitCode.FAILURE, why);
    }

    static CommandException nobodyAnswers() {
        return new CommandException(
                ExitCode.FAILURE,
                "no daemon answers on a control socket.\n  Is one running, by this user? Name its socket:"
                        + " --control SOCKET");
    }

    static CommandException unreachable(ControlClient daemon, IOException cause) {
        return new CommandException(
                ExitCode.FAILURE,
                "no daemon answers on " + daemon.socket() + ": " + cause.getMessage()
                        + "\n  Is it running, by this user, and does its log say 'listening on control socket'?",
                cause);
    }
}
