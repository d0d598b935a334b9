package io.blockseal.transfer;

import io.blockseal.transfer.TransferException.Kind;
import io.blockseal.volume.host.StateFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/** Where a {@link Checkpoint} is kept: a small file in the state directory that goes when the transfer is done. */
public final class CheckpointFile {
    private final @Nullable StateFile file;

    private CheckpointFile(@Nullable StateFile file) {
        this.file = file;
    }

    /** The one of transfers into {@code target}, in the operator's words without ambiguity: a UUID, a path, an address. */
    public static CheckpointFile of(Path stateDirectory, String target) {
        UUID name = UUID.nameUUIDFromBytes(target.getBytes(StandardCharsets.UTF_8));
        return new CheckpointFile(new StateFile(stateDirectory.resolve("transfer-" + name + ".checkpoint")));
    }

    /** For a transfer that cannot be gone on with. */
    public static CheckpointFile none() {
        return new CheckpointFile(null);
    }

    /** Whether anything is kept. */
    boolean keeps() {
        return file != null;
    }

    @Nullable
    Checkpoint load() throws TransferException {
        if (file == null) {
            return null;
        }
        try {
            String text = file.read();
            return text == null ? null : Checkpoint.parse(text);
        } catch (IOException | IllegalArgumentException wrong) {
            throw new TransferException(
                    Kind.REFUSED,
                    file.path() + ": the checkpoint cannot be read: "
                            + (wrong instanceof IOException failed ? StateFile.words(failed) : wrong.getMessage())
                            + ".\n  Remove the file and start over with --force.",
                    wrong);
        }
    }

    void save(Checkpoint checkpoint) throws TransferException {
        if (file == null) {
            return;
        }
        try {
            file.write(checkpoint.text());
        } catch (IOException failed) {
            throw new TransferException(
                    Kind.BROKEN,
                    file.path() + ": the checkpoint cannot be written: " + StateFile.words(failed)
                            + ".\n  Make room in the state directory, mend its mode, or name another: --state-dir.",
                    failed);
        }
    }

    /** There is nothing left to go on with. */
    void delete() throws TransferException {
        if (file == null) {
            return;
        }
        try {
            Files.deleteIfExists(file.path());
        } catch (IOException failed) {
            throw new TransferException(
                    Kind.BROKEN,
                    file.path() + ": everything was copied, but the checkpoint cannot be removed: "
                            + StateFile.words(failed) + ".",
                    failed);
        }
    }
}
