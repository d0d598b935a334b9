package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.control.ControlClient;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal reload}: a daemon's configuration is loaded again. */
@Command(
        name = "reload",
        header = "Have a daemon load its configuration again.",
        description = {
            "%nVolumes that are new in the file are opened and offered, those that are gone from it are not served any"
                    + " more, and those that are described otherwise are opened anew, with their clients sent away before."
                    + " All others are left alone. A file with a mistake changes nothing.",
            "%nA HUP to the daemon does the same, without telling whoever sent it what came of it."
        },
        footer = {
            "",
            "Exit code: 0 if all that the file says is in force.",
            "",
            "Example:",
            "  blockseal serve --config blockseal.yaml --check-config && blockseal reload",
            ""
        })
public final class ReloadCommand extends Verb {
    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Option(names = "--json", description = "Print JSON.")
    private boolean json;

    @Override
    public Integer call() throws CommandException, IOException {
        ControlClient.Reply reply = only().post("/v1/reload", !json, new byte[0]);
        if (!reply.ok() && !json) {
            throw JobWatch.refused(reply);
        }
        out().print(reply.body());
        out().flush();
        return reply.exitCode();
    }

    /** The only daemon that answers. */
    private ControlClient only() throws CommandException {
        List<ControlClient> answering = new ArrayList<>();
        for (ControlClient each : control.daemons()) {
            try {
                each.get("/v1/volumes", false);
                answering.add(each);
            } catch (IOException silent) {
                if (control.given()) {
                    throw ControlOptions.unreachable(each, silent);
                }
            }
        }
        if (answering.size() == 1) {
            return answering.get(0);
        }
        StringBuilder which = new StringBuilder();
        answering.forEach(each -> which.append("\n  --control ").append(each.socket()));
        throw answering.isEmpty()
                ? ControlOptions.nobodyAnswers()
                : new CommandException(ExitCode.USAGE, "several daemons answer; say which is meant:" + which);
    }
}
