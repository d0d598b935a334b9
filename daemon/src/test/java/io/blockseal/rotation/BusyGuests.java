package io.blockseal.rotation;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.device.DeviceStack;
import io.blockseal.device.TurnLoop;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.BufferBudget;
import io.blockseal.volume.DataPlane;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;

/**
 * Clients on several loops that read, write, trim and zero at random, and compare all that they read with an array of
 * bytes. Requests on their way at the same time touch no common block of 4096 bytes, so the answer to each is known. What
 * a failed request left behind is found out by reading it, and has to stay. On the test's thread.
 */
final class BusyGuests implements AutoCloseable {
    private static final int BLOCK = 4096;
    private static final int IN_FLIGHT_MAX = 6;

    private record InFlight(Command command, int from, int length, int first, int end) {}

    private final Random random;
    private final byte[] model;
    private final int rangeBytes;
    private final SlowStore store;
    private final TurnLoop[] loops;
    private final BlockChannel[] channels;
    private final List<InFlight> inFlight = new ArrayList<>();
    private long answered;
    private long failed;

    /** {@code model} is what the volume holds; it is kept so. */
    BusyGuests(DataPlane plane, SlowStore store, byte[] model, Random random) {
        this.random = random;
        this.model = model;
        this.store = store;
        this.rangeBytes = (int) plane.shape().rangeBytes();
        BufferBudget budget = new BufferBudget(16L << 20);
        DeviceStack stack = DeviceStack.build(plane);
        loops = new TurnLoop[] {new TurnLoop(0, budget), new TurnLoop(1, budget)};
        channels = new BlockChannel[loops.length];
        for (int i = 0; i < loops.length; i++) {
            channels[i] = stack.top().openChannel(loops[i]);
        }
    }

    /** Something small happens, perhaps a new request begins. */
    void live() {
        if (inFlight.size() < IN_FLIGHT_MAX && random.nextInt(3) == 0) {
            begin(random.nextInt(loops.length));
        } else {
            goOn();
        }
    }

    /** What is on its way gets a little further; false if nothing can. */
    boolean goOn() {
        boolean landFirst = random.nextBoolean();
        if (landFirst && store.land()) {
            return true;
        }
        int first = random.nextInt(loops.length);
        for (int i = 0; i < loops.length; i++) {
            if (loops[(first + i) % loops.length].takeTurn()) {
                return true;
            }
        }
        return store.land();
    }

    /** Once all requests are over, all of a range is discarded. */
    void discard(int range) {
        finish();
        send(0, Command.TRIM, 0, range * rangeBytes, rangeBytes, null);
        finish();
    }

    /** Until all requests are over. */
    void finish() {
        while (goOn()) {
            // Step by step.
        }
        assertEquals(List.of(), inFlight, "requests hang");
    }

    /** All requests are over, and all of the volume reads as it should. */
    void compareAll() {
        finish();
        for (int at = 0; at < model.length; at += 256 << 10) {
            send(0, Command.READ, 0, at, Math.min(256 << 10, model.length - at), null);
            finish();
        }
    }

    long answered() {
        return answered;
    }

    long failed() {
        return failed;
    }

    private void begin(int loop) {
        Command[] commands = {
            Command.READ,
            Command.WRITE,
            Command.WRITE,
            Command.WRITE,
            Command.TRIM,
            Command.WRITE_ZEROES,
            Command.WRITE_ZEROES,
            Command.BLOCK_STATUS,
            Command.FLUSH
        };
        Command command = commands[random.nextInt(commands.length)];
        int length = 1 + random.nextInt(random.nextInt(4) == 0 ? 160_000 : 6_000);
        int from = random.nextInt(model.length - length);
        if (random.nextInt(2) == 0) {
            from = from / BLOCK * BLOCK;
            length = (length + BLOCK - 1) / BLOCK * BLOCK;
        }
        if (command == Command.TRIM && random.nextBoolean()) {
            from = random.nextInt(model.length / rangeBytes) * rangeBytes;
            length = rangeBytes;
        }
        if (command == Command.FLUSH) {
            length = 0;
        }
        if (from + length > model.length || meetsAny(from, length)) {
            return;
        }
        byte[] data = null;
        if (command == Command.WRITE) {
            data = new byte[length];
            random.nextBytes(data);
        }
        int flags = command == Command.WRITE_ZEROES && random.nextBoolean() ? BlockRequest.NO_HOLE : 0;
        send(loop, command, flags, from, length, data);
    }

    private boolean meetsAny(int from, int length) {
        int first = from / BLOCK;
        int end = (from + length + BLOCK - 1) / BLOCK;
        return inFlight.stream().anyMatch(other -> first < other.end && other.first < end);
    }

    private void send(int loop, Command command, int flags, int from, int length, byte[] data) {
        InFlight mine = new InFlight(command, from, length, from / BLOCK, (from + length + BLOCK - 1) / BLOCK);
        inFlight.add(mine);
        BlockRequest request = loops[loop].requests().lease().set(command, flags, from, length);
        ArenaBuf buf = null;
        if (command == Command.READ || command == Command.WRITE) {
            buf = loops[loop].buffers().lease(length);
            if (data != null) {
                buf.memory().bytes().put(buf.dataOffset(), data);
            }
            request.withMemory(buf.memory(), buf.dataOffset());
        }
        ExtentList list = command == Command.BLOCK_STATUS ? new ExtentList(1000) : null;
        if (list != null) {
            request.withExtents(list);
        }
        ArenaBuf mineToo = buf;
        request.push(
                (done, token) -> {
                    inFlight.remove(mine);
                    answered++;
                    Errno errno = done.errno();
                    loops[loop].requests().release(done);
                    byte[] read = command == Command.READ ? bytesOf(mineToo, length) : null;
                    if (mineToo != null) {
                        mineToo.release();
                    }
                    answer(loop, mine, errno, data, read, list);
                },
                0);
        channels[loop].submit(request);
        channels[loop].kick();
    }

    private static byte[] bytesOf(ArenaBuf buf, int length) {
        byte[] bytes = new byte[length];
        buf.memory().bytes().get(buf.dataOffset(), bytes);
        return bytes;
    }

    private void answer(int loop, InFlight mine, Errno errno, byte[] data, byte[] read, ExtentList list) {
        int from = mine.from;
        int end = from + mine.length;
        if (errno != Errno.OK) {
            failed++;
            int first = mine.first * BLOCK;
            lookAt(loop, first, Math.min(mine.end * BLOCK, model.length) - first);
            return;
        }
        switch (mine.command) {
            case READ -> assertArrayEquals(Arrays.copyOfRange(model, from, end), read, "read at " + from);
            case WRITE -> System.arraycopy(data, 0, model, from, data.length);
            case TRIM, WRITE_ZEROES -> Arrays.fill(model, from, end, (byte) 0);
            case BLOCK_STATUS -> compareExtents(from, list);
            default -> {}
        }
    }

    private void compareExtents(int from, ExtentList list) {
        int at = from;
        for (int i = 0; i < list.count(); i++) {
            int next = at + (int) list.lengthBytes(i);
            boolean zeros = (list.state(i) & ExtentList.ZERO) != 0;
            for (int b = at; zeros && b < next; b++) {
                assertEquals(0, model[b], "called zeros, byte " + b);
            }
            at = next;
        }
    }

    /** After a failure nobody promised anything, but what is found now has to stay. */
    private void lookAt(int loop, int first, int length) {
        InFlight look = new InFlight(Command.READ, first, length, first / BLOCK, (first + length + BLOCK - 1) / BLOCK);
        inFlight.add(look);
        ArenaBuf buf = loops[loop].buffers().lease(length);
        BlockRequest request = loops[loop]
                .requests()
                .lease()
                .set(Command.READ, 0, first, length)
                .withMemory(buf.memory(), buf.dataOffset());
        request.push(
                (done, token) -> {
                    inFlight.remove(look);
                    assertEquals(Errno.OK, done.errno());
                    loops[loop].requests().release(done);
                    System.arraycopy(bytesOf(buf, length), 0, model, first, length);
                    buf.release();
                },
                0);
        channels[loop].submit(request);
        channels[loop].kick();
    }

    @Override
    public void close() {
        finish();
        for (int i = 0; i < loops.length; i++) {
            channels[i].close();
            assertEquals(0, loops[i].requests().leasedCount(), "requests that were not released");
            assertEquals(0, loops[i].buffers().leasedCount(), "buffers that were not released");
        }
    }
}
