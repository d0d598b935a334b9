package io.blockseal.device;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Requests of every kind and shape on several loops at once, against an array of bytes that they must agree with.
 * Stretches of requests in flight may share a unit but not a byte, so the model knows the answer to each.
 */
class RandomRequestsTest {
    private static final int REQUESTS = 3000;
    private static final int IN_FLIGHT = 12;

    private record InFlight(Rig.Sent sent, Command command, int from, int length, int skew, byte[] data) {
        boolean meets(int otherFrom, int otherLength) {
            return from < otherFrom + otherLength && otherFrom < from + length;
        }
    }

    @ParameterizedTest
    @CsvSource({"4096,1,LATER", "4096,512,MIXED", "512,1,MIXED", "512,4096,LATER", "4096,4096,INLINE"})
    void agreeWithTheModel(int unit, int alignment, ScatterStore.Timing timing) {
        long seed = Long.getLong("blockseal.seed", 1124L + unit + alignment);
        System.out.println("RandomRequestsTest unit=" + unit + " alignment=" + alignment + " seed=" + seed);
        Random random = new Random(seed);
        byte[] model = new byte[Rig.SIZE];
        List<InFlight> inFlight = new ArrayList<>();
        Rig.Plan plan = Rig.plan().unit(unit).storeAlignment(alignment).timing(timing);
        try (Rig rig = plan.loops(3).seed(seed).build()) {
            for (int i = 0; i < REQUESTS; i++) {
                while (inFlight.size() >= IN_FLIGHT) {
                    assertTrue(rig.turn() || timing == ScatterStore.Timing.INLINE, "hangs");
                    collect(rig, inFlight, model);
                }
                sendOne(rig, random, inFlight, model);
                for (int t = random.nextInt(4); t > 0; t--) {
                    rig.turn();
                }
                collect(rig, inFlight, model);
                if (i % 100 == 99) {
                    rig.turnUntilIdle();
                    collect(rig, inFlight, model);
                    assertEquals(0, inFlight.size(), "hangs");
                    checkStatus(rig, model);
                }
            }
            for (int at = 0; at < model.length; at += 1 << 20) {
                int length = Math.min(1 << 20, model.length - at);
                assertArrayEquals(Arrays.copyOfRange(model, at, at + length), rig.read(at, length));
            }
            assertTrue(rig.plane.allocations.get() > 0);
        }
    }

    private static void sendOne(Rig rig, Random random, List<InFlight> inFlight, byte[] model) {
        Command[] commands = {
            Command.READ,
            Command.READ,
            Command.WRITE,
            Command.WRITE,
            Command.WRITE,
            Command.TRIM,
            Command.WRITE_ZEROES,
            Command.FLUSH
        };
        Command command = commands[random.nextInt(commands.length)];
        int length = lengthOf(random);
        int from = random.nextInt(Rig.SIZE - length);
        if (random.nextInt(3) == 0) {
            from = from / 4096 * 4096;
            length = Math.max(4096, length / 4096 * 4096);
        }
        for (InFlight other : inFlight) {
            boolean bothRead = command == Command.READ && other.command == Command.READ;
            if (!bothRead && other.meets(from, length)) {
                // Right behind it instead: most likely in the same unit.
                from = other.from + other.length;
                length = 1 + random.nextInt(300);
            }
        }
        for (InFlight other : inFlight) {
            boolean bothRead = command == Command.READ && other.command == Command.READ;
            if (from + length > Rig.SIZE || (!bothRead && other.meets(from, length))) {
                return;
            }
        }
        byte[] data = command == Command.WRITE ? Rig.noise(random.nextLong(), length) : null;
        if (data != null && random.nextInt(8) == 0) {
            Arrays.fill(data, (byte) 0);
        }
        int skew = random.nextInt(4) == 0 ? random.nextInt(9) : 0;
        int flags = random.nextInt(4) == 0 ? BlockRequest.FUA : 0;
        if (command == Command.WRITE_ZEROES && random.nextInt(3) == 0) {
            flags |= BlockRequest.NO_HOLE;
        }
        Rig.Sent sent = rig.send(random.nextInt(rig.loops.length), command, flags, from, length, data, skew);
        inFlight.add(new InFlight(sent, command, from, command == Command.FLUSH ? 0 : length, skew, data));
    }

    private static int lengthOf(Random random) {
        return switch (random.nextInt(5)) {
            case 0 -> 1 + random.nextInt(600);
            case 1, 2 -> 1 + random.nextInt(10_000);
            case 3 -> 1 + random.nextInt(100_000);
            default -> 1 + random.nextInt(400_000);
        };
    }

    private static void collect(Rig rig, List<InFlight> inFlight, byte[] model) {
        inFlight.removeIf(f -> {
            if (!f.sent.isDone()) {
                return false;
            }
            assertEquals(Errno.OK, f.sent.errno, f.toString());
            switch (f.command) {
                case READ -> {
                    byte[] got = rig.bytesOf(f.sent, f.length, f.skew);
                    assertArrayEquals(Arrays.copyOfRange(model, f.from, f.from + f.length), got, f.toString());
                }
                case WRITE -> {
                    rig.outcome(f.sent);
                    System.arraycopy(f.data, 0, model, f.from, f.length);
                }
                default -> Arrays.fill(model, f.from, f.from + f.length, (byte) 0);
            }
            return true;
        });
    }

    /** Nothing that is not zeros may ever be called zeros. */
    private static void checkStatus(Rig rig, byte[] model) {
        long position = 0;
        while (position < model.length) {
            ExtentList list = rig.status(0, position, model.length - position, 50);
            assertTrue(list.totalBytes() > 0);
            for (int i = 0; i < list.count(); i++) {
                int end = (int) (position + list.lengthBytes(i));
                if ((list.state(i) & ExtentList.ZERO) != 0) {
                    for (int b = (int) position; b < end; b++) {
                        assertEquals(0, model[b], "called zero at " + b);
                    }
                }
                position = end;
            }
        }
    }
}
