package io.blockseal.app.erase;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.keysource.FileTrouble;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;

/**
 * A record that is written twice: before the act, so that it is certain that it can be, and after it. At each moment the
 * file holds one of the two as a whole. It never takes the place of another file.
 */
public final class EvidenceFile {
    private final Path path;

    private EvidenceFile(Path path) {
        this.path = path.toAbsolutePath();
    }

    /**
     * Takes the name, and writes what is known before the act.
     *
     * @throws CommandException if there is such a file already, or it cannot be written
     */
    public static EvidenceFile begin(Path path, String text) throws CommandException {
        EvidenceFile file = new EvidenceFile(path);
        Path folder = file.path.toAbsolutePath().getParent();
        if (folder != null && Files.notExists(folder)) {
            throw new CommandException(
                    ExitCode.FAILURE,
                    "the evidence cannot be written to " + path + ", so nothing was erased: the folder "
                            + path.getParent() + " is not there");
        }
        try {
            file.write(file.path, text);
            return file;
        } catch (FileAlreadyExistsException taken) {
            throw new CommandException(
                    ExitCode.FAILURE,
                    path + ": exists already, and evidence is never overwritten; nothing was erased. Choose another"
                            + " name.",
                    taken);
        } catch (IOException e) {
            throw new CommandException(
                    ExitCode.FAILURE,
                    "the evidence cannot be written to " + path + ", so nothing was erased: " + FileTrouble.words(e),
                    e);
        }
    }

    /** Takes it back: it was refused, and nothing was done. */
    public void withdraw() throws IOException {
        Files.deleteIfExists(path);
    }

    /** Replaces it by what is known after the act, durably. */
    public void end(String text) throws IOException {
        Path fresh = path.resolveSibling(path.getFileName() + ".new");
        Files.deleteIfExists(fresh);
        write(fresh, text);
        Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        Path folder = path.getParent();
        if (folder != null) {
            try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
                channel.force(true);
            }
        }
    }

    private void write(Path target, String text) throws IOException {
        try (FileChannel channel = FileChannel.open(
                target,
                Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE),
                PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")))) {
            ByteBuffer bytes = ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
    }
}
