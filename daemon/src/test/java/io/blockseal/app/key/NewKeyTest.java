package io.blockseal.app.key;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.block.Errno;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.store.StoreException;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.VolumeRefusedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NewKeyTest {
    @TempDir
    private Path directory;

    @Test
    void theFileOfAKeyThatMayOpenAVolumeIsNeverRemoved() throws Exception {
        Map<Exception, Boolean> stays = new LinkedHashMap<>();
        stays.put(new VolumeRefusedException(VolumeRefusedException.Reason.UNSUITABLE, "no"), false);
        stays.put(new KeySourceException(KeySourceException.Kind.UNREACHABLE, "gone"), false);
        stays.put(new CommandException(ExitCode.USAGE, "what?"), false);
        stays.put(new StoreException(Errno.EIO, "a bad block, perhaps in the last of its writes"), true);
        stays.put(new IllegalStateException("a bug, perhaps behind the commit"), true);
        for (Map.Entry<Exception, Boolean> each : stays.entrySet()) {
            Path file = Files.writeString(directory.resolve("made.key"), "made");
            new NewKey(new VolumeFixture().key(1), "made", file).discardAfter(each.getKey());
            assertEquals(each.getValue(), Files.exists(file), () -> "after " + each.getKey());
        }
    }
}
