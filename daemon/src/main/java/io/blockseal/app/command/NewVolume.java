package io.blockseal.app.command;

import io.blockseal.volume.IdentityPins;
import io.blockseal.volume.VolumeCreator.Created;
import io.blockseal.volume.host.StateFile;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;

/**
 * What a host remembers of a volume that was made on it, if others could make another one in its place that opens: else it
 * would be refused here as a stranger. Volumes of other keys are remembered when they are first opened.
 */
final class NewVolume {
    private NewVolume() {}

    /** Remembers it in {@code stateDirectory}; if that fails, says so, as the volume itself is whole. */
    static void remember(Path volume, Created made, Path stateDirectory, PrintWriter err) {
        if (!made.anybodyCanWrap()) {
            return;
        }
        try {
            IdentityPins.in(stateDirectory).remember(volume.toString(), made);
        } catch (IOException failed) {
            err.println("blockseal: " + volume + ": was made, but this host cannot remember its identity ("
                    + StateFile.words(failed) + ").\n  Name a state directory that can be written (--state-dir), or"
                    + " serve it with --expect-identity " + made.identity() + ".");
            err.flush();
        }
    }
}
