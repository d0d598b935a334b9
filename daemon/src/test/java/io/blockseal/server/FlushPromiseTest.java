package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.block.Errno;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdReplyStyle;
import java.io.IOException;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * The store lost something and told of it whoever asked next. Every client whose data it may have been hears EIO to a
 * FLUSH of its own, and no FLUSH says "durable" of what is gone.
 */
@Timeout(60)
class FlushPromiseTest {
    private static final int EIO = Errno.EIO.wireValue();
    private static final int FUA = 1;

    private ServerRig rig;

    @BeforeEach
    void start() throws IOException {
        rig = new ServerRig();
    }

    @AfterEach
    void stop() throws Exception {
        rig.assertEverythingIsBack();
        rig.close();
    }

    private RawNbd client() throws IOException {
        return RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE);
    }

    private static int flush(RawNbd client) throws IOException {
        return client.ask(0, NbdCommand.FLUSH, 0, 0).error();
    }

    private static int write(RawNbd client) throws IOException {
        return client.write(0, 0, new byte[512]).error();
    }

    private static void write(RawNbd client, long cookie) throws IOException {
        client.send(0, NbdCommand.WRITE.code(), cookie, 0, 512, new byte[512]);
    }

    private void awaitHeld(int count) {
        while (rig.disk.heldCount() < count) {
            Thread.onSpinWait();
        }
    }

    @Test
    void everyConnectionThatWasOpenIsToldExactlyOnceThoughItsOwnSyncSucceeds() throws Exception {
        try (RawNbd one = client();
                RawNbd two = client();
                RawNbd reader = client()) {
            assertEquals(0, write(one));
            assertEquals(0, write(two));
            assertEquals(0, flush(one));
            rig.disk.lose();
            for (RawNbd client : new RawNbd[] {one, two, reader}) {
                assertEquals(EIO, flush(client));
                assertEquals(0, flush(client));
            }
            rig.disk.lose();
            assertEquals(EIO, flush(two));
            assertEquals(0, flush(two));
        }
    }

    @Test
    void theFlushThatMetTheLossItselfIsTheOneThatTells() throws Exception {
        try (RawNbd client = client()) {
            assertEquals(0, write(client));
            rig.disk.failFlushesWith = Errno.ENOSPC;
            assertEquals(Errno.ENOSPC.wireValue(), flush(client), "its own error, not another");
            rig.disk.failFlushesWith = Errno.OK;
            assertEquals(0, flush(client));
        }
    }

    @Test
    void aDurableWriteThatFailsIsNoNewsOfWhatWasWrittenBeforeIt() throws Exception {
        try (RawNbd client = client()) {
            assertEquals(0, write(client));
            rig.disk.failFlushesWith = Errno.EIO;
            assertEquals(EIO, client.write(FUA, 0, new byte[512]).error());
            rig.disk.failFlushesWith = Errno.OK;
            assertEquals(EIO, flush(client), "the write before it may be lost too");
            assertEquals(0, flush(client));
        }
    }

    /** The write is answered after the FLUSH that failed: that FLUSH told nothing of it. */
    @Test
    void aWriteThatWasUnderWayDuringTheFailingFlushIsToldByTheNextOne() throws Exception {
        try (RawNbd client = client();
                RawNbd other = client()) {
            rig.disk.hold = true;
            write(other, 7);
            awaitHeld(1);
            client.send(0, NbdCommand.FLUSH.code(), 1, 0, 0);
            awaitHeld(2);
            rig.disk.lose();
            rig.disk.letGo(1);
            assertEquals(EIO, client.reply(1, 0).error());
            rig.disk.letGo();
            assertEquals(0, other.reply(7, 0).error());
            assertEquals(EIO, flush(client), "with CAN_MULTI_CONN it speaks for the other's write, too");
            assertEquals(0, flush(client));
            assertEquals(EIO, flush(other));
        }
    }

    /** The same with a write that comes and is answered while the FLUSH is at the store. */
    @Test
    void aWriteAnsweredDuringTheFailingFlushIsToldByTheNextOne() throws Exception {
        try (RawNbd client = client()) {
            rig.disk.hold = true;
            client.send(0, NbdCommand.FLUSH.code(), 1, 0, 0);
            awaitHeld(1);
            rig.disk.hold = false;
            write(client, 2);
            assertEquals(0, client.reply(2, 0).error());
            rig.disk.lose();
            rig.disk.letGo();
            assertEquals(EIO, client.reply(1, 0).error());
            assertEquals(EIO, flush(client));
            assertEquals(0, flush(client));
        }
    }

    @Nested
    class WhoLeaves {
        private void end(RawNbd client) throws Exception {
            client.close();
            rig.assertEverythingIsBack();
        }

        @Test
        void passesWhatItWasNotToldToTheNext() throws Exception {
            RawNbd first = client();
            assertEquals(0, write(first));
            rig.disk.lose();
            end(first);
            RawNbd idle = client();
            end(idle);
            try (RawNbd heir = client()) {
                assertEquals(EIO, flush(heir), "it came by way of one that did nothing");
                assertEquals(0, flush(heir));
                try (RawNbd later = client()) {
                    assertEquals(0, flush(later), "a debt is paid once");
                }
            }
        }

        /** A client comes back with several connections and sends its FLUSH on any of them. */
        @Test
        void passesItToEveryConnectionThatComesBeforeItIsPaid() throws Exception {
            RawNbd first = client();
            assertEquals(0, write(first));
            rig.disk.lose();
            end(first);
            RawNbd idle = client();
            try (RawNbd one = client();
                    RawNbd two = client()) {
                assertEquals(EIO, flush(two));
                assertEquals(0, flush(two));
                assertEquals(EIO, flush(one), "it may be another client");
                assertEquals(0, flush(one));
            }
            idle.close();
            rig.assertEverythingIsBack();
            try (RawNbd next = client()) {
                assertEquals(0, flush(next), "who did nothing leaves no debt");
            }
        }

        /** Written, gone, and only then the error comes up, at somebody's sync. */
        @Test
        void isStillOwedWhatIsLostAfterItLeft() throws Exception {
            RawNbd first = client();
            assertEquals(0, write(first));
            end(first);
            rig.disk.lose();
            try (RawNbd heir = client()) {
                assertEquals(EIO, flush(heir));
                assertEquals(0, flush(heir));
            }
        }

        @Test
        void owesNothingIfItWroteNothingOrFlushed() throws Exception {
            RawNbd flushed = client();
            assertEquals(0, write(flushed));
            assertEquals(0, flush(flushed));
            end(flushed);
            RawNbd reader = client();
            assertEquals(0, reader.read(0, 512).error());
            rig.disk.lose();
            end(reader);
            try (RawNbd next = client()) {
                assertEquals(0, flush(next), "what it had flushed was durable before the loss");
            }
        }
    }

    /**
     * Random writes, flushes, losses and reconnections of three clients, one request at a time, against a model: whether
     * a client's unflushed write was lost and it has not been told.
     */
    @Test
    void noSequenceOfRequestsHidesALossFromWhoWrote() throws Exception {
        long seed = Long.getLong("blockseal.test.seed", System.nanoTime());
        System.out.println("FlushPromiseTest seed " + seed);
        Random random = new Random(seed);
        int clients = 3;
        RawNbd[] client = new RawNbd[clients];
        boolean[] dirty = new boolean[clients];
        boolean[] untold = new boolean[clients];
        for (int i = 0; i < clients; i++) {
            client[i] = client();
        }
        int told = 0;
        for (int step = 0; step < 3_000; step++) {
            int who = random.nextInt(clients);
            switch (random.nextInt(8)) {
                case 0, 1, 2, 3 -> {
                    assertEquals(0, write(client[who]));
                    dirty[who] = true;
                }
                case 4, 5, 6 -> {
                    int error = flush(client[who]);
                    if (untold[who]) {
                        assertEquals(EIO, error, "step " + step + " of seed " + seed);
                        told++;
                    }
                    untold[who] = false;
                    dirty[who] &= error != 0 && dirty[who];
                    if (error == 0) {
                        dirty = new boolean[clients];
                    }
                }
                default -> {
                    rig.disk.lose();
                    for (int i = 0; i < clients; i++) {
                        untold[i] |= dirty[i];
                        dirty[i] = false;
                    }
                }
            }
        }
        for (RawNbd open : client) {
            open.close();
        }
        assertEquals(true, told > 100, "the model saw " + told + " losses told");
    }
}
