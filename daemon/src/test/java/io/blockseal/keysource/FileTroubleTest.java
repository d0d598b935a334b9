package io.blockseal.keysource;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import org.junit.jupiter.api.Test;

class FileTroubleTest {
    private static final String US = System.getProperty("user.name");

    @Test
    void saysWhatHasHappenedAndNotThePath() {
        assertEquals("it is not there", FileTrouble.words(new NoSuchFileException("/k")));
        assertEquals("permission denied for the user " + US, FileTrouble.words(new AccessDeniedException("/k")));
        assertEquals("Is a directory", FileTrouble.words(new FileSystemException("/k", null, "Is a directory")));
        assertEquals("the file system refuses it", FileTrouble.words(new FileSystemException("/k")));
        assertEquals("Input/output error", FileTrouble.words(new IOException("Input/output error")));
    }

    @Test
    void makesASentenceOfAFileThatCannotBeRead() {
        assertEquals("PSK file /k is not there", FileTrouble.unreadable("PSK file /k", new NoSuchFileException("/k")));
        assertEquals(
                "PSK file /k may not be read by the user " + US + "; it needs a way through every folder above, too",
                FileTrouble.unreadable("PSK file /k", new AccessDeniedException("/k")));
        assertEquals(
                "PSK file /k cannot be read: Is a directory",
                FileTrouble.unreadable("PSK file /k", new FileSystemException("/k", null, "Is a directory")));
    }
}
