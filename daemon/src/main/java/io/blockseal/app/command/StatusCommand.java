package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.control.ControlClient;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code blockseal status}: what is served on this host. */
@Command(
        name = "status",
        header = "List the volumes that daemons of this host serve.",
        description =
                "%nAsks every daemon whose control socket this user may use. Says of a key that is awaited, in doubt or"
                        + " revoked why, and until when its volume is served.%n",
        footer = {"", "Example:", "  blockseal status", ""})
public final class StatusCommand extends Verb {
    @Mixin
    private final ControlOptions control = new ControlOptions();

    @Option(names = "--json", description = "Print JSON: one document for each daemon.")
    private boolean json;

    @Override
    public Integer call() throws CommandException {
        return askAll(this, control, "/v1/volumes", json, false);
    }

    /**
     * Prints the same page of every daemon; fails if none answers.
     *
     * @param apart whether to say of several whose page it is: what is on it has another meaning for each
     */
    static int askAll(Verb command, ControlOptions control, String path, boolean json, boolean apart)
            throws CommandException {
        Map<ControlClient, String> pages = new LinkedHashMap<>();
        for (ControlClient each : control.daemons()) {
            try {
                ControlClient.Reply reply = each.get(path, !json);
                if (!reply.ok()) {
                    throw JobWatch.refused(reply);
                }
                pages.put(each, reply.body());
            } catch (IOException silent) {
                if (control.given()) {
                    throw ControlOptions.unreachable(each, silent);
                }
            }
        }
        pages.forEach((daemon, page) -> {
            if (apart && !json && pages.size() > 1) {
                command.out().println("daemon on " + daemon.socket() + ":");
            }
            command.out().print(page);
        });
        command.out().flush();
        if (pages.isEmpty()) {
            throw ControlOptions.nobodyAnswers();
        }
        return ExitCode.OK.number();
    }
}
