package io.blockseal.store.file;

import io.blockseal.memory.Memory;
import io.blockseal.shim.IoRing;
import io.blockseal.store.StoreException;
import io.blockseal.store.StoreOptions;
import java.io.IOException;
import java.nio.file.Path;

/**
 * An open file as the system sees it. Data calls return bytes, or a negative Linux error number, and never throw: they
 * run for every request. From any thread.
 */
interface SystemFile extends AutoCloseable {
    /** How files are opened: by the shim or by the JDK. */
    interface Opener {
        /** Opens an existing file for reading, and for writing unless that is not wanted. */
        SystemFile open(Path path, StoreOptions options) throws StoreException;
    }

    /** Means "this call would wait for the disk" from {@link #readCached}. */
    int WOULD_BLOCK = -11;

    /** Means "not supported here" from {@link #punch}. */
    int NOT_SUPPORTED = -95;

    /** Means "this file does not know its holes", as block devices do not, from {@link #nextData} and {@link #nextHole}. */
    int UNKNOWN = -22;

    /** Means "no data from here on" from {@link #nextData}. */
    int NO_DATA = -6;

    /** Whether reads and writes on an event loop are cheap: a native call without allocation. */
    boolean fast();

    /** Reads until {@code length} bytes are there or the file ends. */
    int read(Memory memory, int memoryOffset, int length, long offset);

    /** Like {@link #read}, but {@link #WOULD_BLOCK}, or fewer bytes, when the page cache has not got it all. */
    int readCached(Memory memory, int memoryOffset, int length, long offset);

    /** Writes all {@code length} bytes, or fails; some may have been written then. */
    int write(Memory memory, int memoryOffset, int length, long offset);

    /** Like {@link #write}, and durable when it returns. */
    int writeDurably(Memory memory, int memoryOffset, int length, long offset);

    /** Makes what was written durable. */
    int sync();

    /**
     * Forgets what is in the page cache and on the disk, too; a length of 0 means up to the end. Without the shim there
     * is no such call.
     */
    default void dropCache(long offset, long lengthBytes) {}

    /** Makes the stretch a hole that reads as zeros; {@link #NOT_SUPPORTED} if there are none here. */
    int punch(long offset, long lengthBytes);

    /** Makes the stretch read as zeros by the system's own means; {@link #NOT_SUPPORTED} if it has none. */
    int zeroOut(long offset, long lengthBytes);

    /** Where data begins at or after {@code offset}; {@link #NO_DATA} if only a hole follows. */
    long nextData(long offset);

    /** Where a hole begins at or after {@code offset}; the end of the file counts as one. */
    long nextHole(long offset);

    /** Sets the size of a regular file. */
    int resize(long sizeBytes);

    /**
     * Takes a lock, {@code shared} with others who ask so, that lasts as long as anything that was begun on the open file,
     * and not only as long as this process: a ring's writes land even after their process was killed.
     *
     * @return false if somebody has one that excludes it; true also where there is no such lock
     */
    default boolean lockUntilAllHasLanded(boolean shared) {
        return true;
    }

    /**
     * A ring for up to {@code entries} reads and writes of this file at a time, to be used by the calling thread and
     * closed before the file is.
     *
     * @throws IOException if there is none for this file, or the system refuses it; the message says why
     */
    default IoRing openRing(int entries) throws IOException {
        throw new IOException("io_uring needs the native library");
    }

    /** What kind of file it is, and how large. */
    FileFacts facts();

    @Override
    void close();
}
