package io.blockseal.fault;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.device.DeviceStack;
import io.blockseal.device.TurnLoop;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.volume.Volume;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A client of a volume, through the same layers as the clients of a server, that tells the {@link Model} what it was
 * promised. Offsets and lengths are in sectors of 512 bytes, so that requests smaller than a data unit occur. One
 * request at a time, on the test's thread; those that begin with {@code begin} may be answered later.
 */
final class Guest implements AutoCloseable {
    private final TurnLoop loop;
    private final Volume volume;
    private final FaultJournal journal;
    private final Model model;
    private final BlockChannel channel;
    private long lossesTold;
    private boolean waiting;

    Guest(TurnLoop loop, Volume volume, FaultJournal journal, Model model) {
        this.loop = loop;
        this.volume = volume;
        this.journal = journal;
        this.model = model;
        this.lossesTold = volume.dataStore().lossCount();
        this.channel = DeviceStack.build(volume).top().openChannel(loop);
    }

    Errno write(int sector, int count) {
        return write(sector, count, 0);
    }

    /** {@code flags} as of {@link BlockRequest}. */
    Errno write(int sector, int count, int flags) {
        int content = model.newContent();
        int begun = journal.position();
        byte[] data = SectorContent.of(content, sector, count);
        ArenaBuf buf = loop.buffers().lease(data.length);
        buf.memory().bytes().put(buf.dataOffset(), data);
        Errno errno = run(Command.WRITE, flags, sector, count, buf);
        buf.release();
        return tell(errno, sector, count, content, begun, flags);
    }

    Errno trim(int sector, int count, int flags) {
        int begun = journal.position();
        return tell(run(Command.TRIM, flags, sector, count, null), sector, count, 0, begun, flags);
    }

    Errno writeZeroes(int sector, int count, int flags) {
        int begun = journal.position();
        return tell(run(Command.WRITE_ZEROES, flags, sector, count, null), sector, count, 0, begun, flags);
    }

    /** Begins a write of at most some sectors; {@link #isWaiting} says whether it was answered. */
    void beginWrite(int sector, int count, int flags) {
        int content = model.newContent();
        int begun = journal.position();
        byte[] data = SectorContent.of(content, sector, count);
        ArenaBuf buf = loop.buffers().lease(data.length);
        buf.memory().bytes().put(buf.dataOffset(), data);
        begin(Command.WRITE, flags, sector, count, buf, errno -> {
            buf.release();
            tell(errno, sector, count, content, begun, flags);
        });
    }

    /** Begins to make the sectors zeros. */
    void beginZeroes(Command command, int sector, int count, int flags) {
        int begun = journal.position();
        begin(command, flags, sector, count, null, errno -> tell(errno, sector, count, 0, begun, flags));
    }

    private void begin(
            Command command, int flags, int sector, int count, @Nullable ArenaBuf buf, Consumer<Errno> whenDone) {
        waiting = true;
        submit(command, flags, sector, count, buf, errno -> {
            waiting = false;
            whenDone.accept(errno);
        });
        turn();
    }

    /** Whether a request has no answer yet. */
    boolean isWaiting() {
        return waiting;
    }

    /** Lets the loop do all that it can. */
    void turn() {
        boolean more = true;
        while (more) {
            more = loop.takeTurn();
        }
    }

    private Errno tell(Errno errno, int sector, int count, int content, int begun, int flags) {
        if (errno == Errno.OK) {
            boolean fua = (flags & BlockRequest.FUA) != 0;
            model.done(sector, count, content, begun, journal.position(), fua);
        } else {
            model.failed(sector, count, content, begun);
        }
        model.sawGenerations(volume, journal.position());
        return errno;
    }

    Errno flush() {
        int begun = journal.position();
        Errno errno = run(Command.FLUSH, 0, 0, 0, null);
        long losses = volume.dataStore().lossCount();
        if (losses != lossesTold) {
            // As the server does: whoever was connected when the store lost something is told at its next FLUSH.
            lossesTold = losses;
            model.lost();
            return Errno.EIO;
        }
        if (errno == Errno.OK) {
            model.flushed(begun, journal.position());
        }
        return errno;
    }

    /** What the sectors hold, or null if they cannot be read. */
    byte @Nullable [] read(int sector, int count) {
        ArenaBuf buf = loop.buffers().lease(count * SectorContent.BYTES);
        Errno errno = run(Command.READ, 0, sector, count, buf);
        byte[] bytes = new byte[count * SectorContent.BYTES];
        buf.memory().bytes().get(buf.dataOffset(), bytes);
        buf.release();
        return errno == Errno.OK ? bytes : null;
    }

    private Errno run(Command command, int flags, int sector, int count, @Nullable ArenaBuf buf) {
        @Nullable Errno[] outcome = {null};
        submit(command, flags, sector, count, buf, errno -> outcome[0] = errno);
        while (outcome[0] == null) {
            if (!loop.takeTurn()) {
                throw new AssertionError("the request hangs: " + command + " at sector " + sector);
            }
        }
        return outcome[0];
    }

    private void submit(
            Command command, int flags, int sector, int count, @Nullable ArenaBuf buf, Consumer<Errno> whenDone) {
        BlockRequest request = loop.requests()
                .lease()
                .set(command, flags, (long) sector * SectorContent.BYTES, (long) count * SectorContent.BYTES);
        if (buf != null) {
            request.withMemory(buf.memory(), buf.dataOffset());
        }
        request.push(
                (done, token) -> {
                    Errno errno = done.errno();
                    loop.requests().release(done);
                    whenDone.accept(errno);
                },
                0);
        channel.submit(request);
        channel.kick();
    }

    @Override
    public void close() {
        channel.close();
    }
}
