package io.blockseal.transfer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class CheckpointTest {
    private static final Checkpoint SAMPLE = new Checkpoint(
            Fingerprint.empty().with("address", "nbd://h/\u00fcbung & =\n").with("size", "7"),
            Fingerprint.empty().with("volume", "v"),
            100,
            64,
            true,
            "ab".repeat(32));

    @TempDir
    Path directory;

    @Test
    void comesBackAsItWasWritten() throws Exception {
        CheckpointFile file = CheckpointFile.of(directory.resolve("made"), "target");
        assertNull(file.load());
        file.save(SAMPLE);
        assertEquals(SAMPLE, file.load());
        file.save(SAMPLE.at(80, ""));
        assertEquals(80, file.load().offset());
        assertNull(CheckpointFile.of(directory.resolve("made"), "another").load());
        file.delete();
        assertNull(file.load());
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "something else",
                "blockseal transfer 1\nsource \ntarget \nlength 10\noffset 11\nblank true\nsum ",
                "blockseal transfer 1\nsource \ntarget \nlength 10\noffset x\nblank true\nsum ",
                "blockseal transfer 1\nsource \ntarget \nlength 10\noffset 1\nblank true\nsum 12",
                "blockseal transfer 1\nsource \ntarget \nlength 10"
            })
    void whatIsDamagedIsRefusedAndNotGuessed(String text) throws Exception {
        CheckpointFile file = CheckpointFile.of(directory, "target");
        file.save(SAMPLE);
        Path path;
        try (Stream<Path> files = Files.list(directory)) {
            path = files.findFirst().orElseThrow();
        }
        Files.writeString(path, text);
        TransferException refused = assertThrows(TransferException.class, file::load);
        assertTrue(refused.getMessage().contains("the checkpoint cannot be read"), refused.getMessage());
    }

    @Test
    void aFileThatWasChangedLooksDifferentAndSaysHow() throws Exception {
        Path file = Files.writeString(directory.resolve("disk"), "abc");
        Fingerprint before = Fingerprint.ofFile(file, Files.size(file), true);
        assertEquals("", Fingerprint.ofFile(file, Files.size(file), true).changeSince(before));
        Files.writeString(file, "abcd");
        Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000_000_000L));
        String change = Fingerprint.ofFile(file, Files.size(file), true).changeSince(before);
        assertTrue(change.contains("size was 3 and is 4"), change);
        assertTrue(change.contains("and is 2001-09-09T01:46:40Z"), change);
        Path other = Files.writeString(directory.resolve("other"), "abcd");
        Files.move(other, file, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
        assertTrue(Fingerprint.ofFile(file, 4, false).changeSince(before).contains("inode was"));
    }
}
