package io.blockseal.app.command;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.erase.DoomedKeys;
import io.blockseal.app.erase.EvidenceFile;
import io.blockseal.app.key.KeyPlaces;
import io.blockseal.app.verb.SentKeys;
import io.blockseal.app.verb.VerbCall;
import io.blockseal.config.KeyConfig;
import io.blockseal.control.Arguments;
import io.blockseal.control.ControlClient;
import io.blockseal.keysource.KeySourceException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Has a volume erased by the daemon that serves it: asks what would be erased, then, when somebody has confirmed that, for
 * the deed. A key file is destroyed by the daemon, where it lies.
 */
final class ServedEraseRun {
    private final ControlOptions.Serving serving;
    private final Path volume;
    private final List<KeyConfig> doomed;
    private final KeyPlaces places;

    ServedEraseRun(ControlOptions.Serving serving, Path volume, List<KeyConfig> doomed, KeyPlaces places) {
        this.serving = serving;
        this.volume = volume;
        this.doomed = doomed;
        this.places = places;
    }

    /** What would be erased. */
    ErasureReply plan() throws IOException, CommandException, KeySourceException {
        for (KeyConfig key : doomed) {
            DoomedKeys.requireDestructible(key.kind().word(), places.open(key, "Passphrase of " + volume));
        }
        ControlClient.Reply reply = post("/erase-plan", null);
        if (!reply.ok()) {
            throw JobWatch.refused(reply);
        }
        return ErasureReply.parse(reply.body());
    }

    /**
     * Erases the volume of that UUID.
     *
     * @param file where the record goes, begun already; or null
     * @return what the daemon says, with its exit code in {@code exit}
     */
    Done erase(String uuid, @Nullable EvidenceFile file) throws IOException, CommandException, KeySourceException {
        ControlClient.Reply reply = post("/erase", uuid);
        ErasureReply said = ErasureReply.parse(reply.body());
        if (said.record().isEmpty() && file != null) {
            file.withdraw();
        }
        return new Done(reply, said);
    }

    /**
     * How it went.
     *
     * @param reply as it came
     * @param said what it says
     */
    record Done(ControlClient.Reply reply, ErasureReply said) {
        /** Refuses as the daemon did, if it did. */
        void requireDone() throws CommandException {
            if (!reply.ok()) {
                throw JobWatch.refused(reply);
            }
        }

        /** How the command ends. */
        int exitCode() {
            return reply.exitCode();
        }
    }

    private ControlClient.Reply post(String word, @Nullable String uuid)
            throws IOException, CommandException, KeySourceException {
        try (Arguments arguments = new Arguments()
                .text(VerbCall.CALLED, volume.toString())
                .text("uuid", uuid)
                .flag("destroyKek", !doomed.isEmpty())) {
            if (doomed.size() > SentKeys.KEYS_MAX) {
                throw new CommandException(ExitCode.USAGE, doomed.size() + " keys; a volume has 16 key slots.");
            }
            for (int i = 0; i < doomed.size(); i++) {
                String name = i == 0 ? SentKeys.KEY : SentKeys.another(i + 1);
                Path file = Path.of(doomed.get(i).place()).toAbsolutePath().normalize();
                arguments.group(name, new Arguments().text("kind", "file").text("path", file.toString()));
            }
            byte[] body = arguments.encode();
            try {
                return serving.client().post(serving.path(word), false, body);
            } finally {
                Arrays.fill(body, (byte) 0);
            }
        }
    }
}
