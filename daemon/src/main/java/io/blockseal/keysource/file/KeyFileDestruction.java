package io.blockseal.keysource.file;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.PrivateFile;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.SecureRandom;

/**
 * Ends a key file: overwrites its bytes where they are, makes that durable, and removes it. What the medium keeps of the
 * old bytes (flash, snapshots, backups) is beyond any program; so are other copies of the file.
 */
final class KeyFileDestruction {
    private KeyFileDestruction() {}

    /**
     * Destroys it, if it is such a file as we would take a key from.
     *
     * @throws KeySourceException if it is not known to be gone; the message says how far it came
     */
    static void destroy(Path path) throws KeySourceException {
        Path real = PrivateFile.realPathOf(path);
        String done = "nothing was changed";
        try (FileChannel file = FileChannel.open(real, StandardOpenOption.WRITE)) {
            byte[] random = new byte[KeyText.READ_BYTES_MAX];
            new SecureRandom().nextBytes(random);
            ByteBuffer bytes = ByteBuffer.wrap(random, 0, (int) Math.min(random.length, file.size()));
            while (bytes.hasRemaining()) {
                file.write(bytes);
            }
            file.force(true);
            done = "it was overwritten, but is still there";
            Files.delete(real);
            // A link in the same folder would lead nowhere.
            Files.deleteIfExists(path);
            done = "it was overwritten and removed, but the removal may not be durable";
            try (FileChannel folder = FileChannel.open(PrivateFile.folderOf(real), StandardOpenOption.READ)) {
                folder.force(true);
            }
        } catch (IOException e) {
            throw new KeySourceException(
                    Kind.REFUSED,
                    "key file " + path + " cannot be destroyed (" + done + "): " + e.getMessage() + ". Destroy it by"
                            + " hand",
                    e);
        }
    }
}
