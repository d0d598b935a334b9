package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.export.AccessPolicy;
import io.blockseal.export.Caller;
import io.blockseal.export.Rights;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.server.RawNbd.OptionReply;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** One export is taken out of service, and the clients of the others notice nothing. */
@Timeout(60)
class DismissTest {
    /** As good as never: whoever waits for the end of that has failed. */
    private static final ServerOptions PATIENT = ServerOptions.DEFAULT.withDrainTimeoutMillis(600_000);

    private ServerRig rig;

    @BeforeEach
    void start() throws Exception {
        rig = new ServerRig(ServerOptions.DEFAULT.withDrainTimeoutMillis(2000));
    }

    @AfterEach
    void stop() throws Exception {
        rig.close();
    }

    @Test
    void itsClientsGoTheOthersStayAndNewOnesHearWhy() throws Exception {
        try (RawNbd theirs = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE);
                RawNbd haggling = RawNbd.haggling(rig.socket);
                RawNbd other = RawNbd.transmitting(rig.socket, "plain", NbdReplyStyle.SIMPLE)) {
            assertEquals(0, theirs.read(0, 512).error());
            assertNotNull(rig.exports.withdraw("disk", "it is gone"));
            assertTrue(rig.server.dismiss("disk", false));
            assertTrue(theirs.isClosedByServer());
            assertEquals(0, rig.disk.channelsOpen.get());
            assertEquals(0, other.read(0, 512).error());
            List<OptionReply> replies = haggling.option(NbdOption.GO.code(), RawNbd.infoRequest("disk"));
            assertEquals(RawNbd.ERR_UNKNOWN, replies.get(0).type());
            assertEquals("it is gone", replies.get(0).text());
            haggling.go("plain");
        }
    }

    @Test
    void whatIsUnderWayEndsFirst() throws Exception {
        try (RawNbd theirs = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            assertEquals(0, theirs.read(0, 512).error());
            rig.disk.hold = true;
            theirs.send(0, NbdCommand.READ.code(), 7, 0, 512);
            while (rig.metrics.recorder(0).inFlight() + rig.metrics.recorder(1).inFlight() == 0) {
                Thread.onSpinWait();
            }
            rig.exports.withdraw("disk", "it is gone");
            CompletableFuture<Boolean> dismissed =
                    CompletableFuture.supplyAsync(() -> rig.server.dismiss("disk", false));
            rig.disk.letGo();
            assertEquals(0, theirs.reply(7, 512).error());
            assertTrue(theirs.isClosedByServer());
            assertTrue(dismissed.get(30, TimeUnit.SECONDS));
        }
    }

    /** To somebody who writes on, an error is the end; a request without an answer is one to be sent again. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatIsNotBegunIsRefusedOrLeftToBeSentAgain(boolean forReturn) throws Exception {
        try (RawNbd theirs = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            assertEquals(0, theirs.read(0, 512).error());
            rig.disk.hold = true;
            theirs.send(0, NbdCommand.READ.code(), 7, 0, 512);
            while (rig.metrics.recorder(0).inFlight() + rig.metrics.recorder(1).inFlight() == 0) {
                Thread.onSpinWait();
            }
            rig.disk.frozen = true;
            theirs.send(0, NbdCommand.READ.code(), 8, 512, 512);
            rig.disk.awaitThawWaiter();
            rig.exports.withdraw("disk", "it is gone");
            CompletableFuture<Boolean> dismissed =
                    CompletableFuture.supplyAsync(() -> rig.server.dismiss("disk", forReturn));
            if (!forReturn) {
                assertEquals(Errno.ESHUTDOWN.wireValue(), theirs.reply(8, 0).error());
            }
            rig.disk.letGo();
            assertEquals(0, theirs.reply(7, 512).error());
            assertTrue(theirs.isClosedByServer());
            assertTrue(dismissed.get(30, TimeUnit.SECONDS));
            rig.disk.frozen = false;
        }
        rig.assertEverythingIsBack();
    }

    /** It was received, and its client waits for an answer. */
    @Test
    void whatHadNoRoomIsRefusedAsSoonAsItHas() throws Exception {
        int room = ServerOptions.DEFAULT.requestsPerConnection();
        try (LogLines log = LogLines.listen(NbdServer.class);
                RawNbd theirs = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            assertEquals(0, theirs.read(0, 512).error());
            rig.disk.hold = true;
            for (int i = 0; i <= room; i++) {
                theirs.put(0, NbdCommand.READ.code(), i, 0, 512);
            }
            theirs.out.flush();
            while (rig.disk.heldCount() < room) {
                Thread.onSpinWait();
            }
            rig.exports.withdraw("disk", "it is gone");
            CompletableFuture<Boolean> dismissed =
                    CompletableFuture.supplyAsync(() -> rig.server.dismiss("disk", false));
            log.await("its clients are sent away");
            rig.disk.letGo();
            for (int i = 0; i <= room; i++) {
                RawNbd.Chunk reply = theirs.chunk(512);
                assertEquals(reply.cookie() < room ? 0 : Errno.ESHUTDOWN.wireValue(), reply.type());
            }
            assertTrue(theirs.isClosedByServer());
            assertTrue(dismissed.get(30, TimeUnit.SECONDS));
        }
        rig.assertEverythingIsBack();
    }

    /** As it may never come; and what the storage has is answered all the same. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void whatWaitsForAKeyIsRefusedOrLeftToBeSentAgain(boolean forReturn) throws Exception {
        try (ServerRig slow = new ServerRig(PATIENT);
                RawNbd theirs = RawNbd.transmitting(slow.socket, "disk", NbdReplyStyle.SIMPLE)) {
            slow.disk.hold = true;
            theirs.send(0, NbdCommand.FLUSH.code(), 7, 0, 0);
            while (slow.disk.heldCount() < 1) {
                Thread.onSpinWait();
            }
            slow.disk.parks = true;
            theirs.send(0, NbdCommand.READ.code(), 8, 512, 512);
            while (slow.disk.parkedCount.get() < 1) {
                Thread.onSpinWait();
            }
            slow.disk.frozen = true;
            slow.exports.withdraw("disk", "it is gone");
            CompletableFuture<Boolean> dismissed =
                    CompletableFuture.supplyAsync(() -> slow.server.dismiss("disk", forReturn));
            while (slow.disk.abandoned.get() < 1) {
                Thread.onSpinWait();
            }
            slow.disk.letGo();
            if (!forReturn) {
                assertEquals(Errno.ESHUTDOWN.wireValue(), theirs.reply(8, 0).error());
            }
            assertEquals(0, theirs.reply(7, 0).error());
            assertTrue(theirs.isClosedByServer());
            assertTrue(dismissed.get(30, TimeUnit.SECONDS));
            slow.assertEverythingIsBack();
        }
    }

    /** Its client is in the midst of the payload when the freeze comes, and when it is sent away. */
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void soIsAWriteWhosePayloadIsStillComing(boolean forReturn) throws Exception {
        try (LogLines log = LogLines.listen(NbdServer.class);
                ServerRig slow = new ServerRig(PATIENT);
                RawNbd theirs = RawNbd.transmitting(slow.socket, "disk", NbdReplyStyle.SIMPLE)) {
            theirs.send(0, NbdCommand.WRITE.code(), 9, 0, 8192, new byte[4096]);
            while (slow.metrics.recorder(0).inFlight()
                            + slow.metrics.recorder(1).inFlight()
                    == 0) {
                Thread.onSpinWait();
            }
            slow.disk.parks = true;
            slow.disk.frozen = true;
            slow.exports.withdraw("disk", "it is gone");
            CompletableFuture<Boolean> dismissed =
                    CompletableFuture.supplyAsync(() -> slow.server.dismiss("disk", forReturn));
            // By then all connections were told.
            log.await("its clients are sent away");
            theirs.out.write(new byte[4096]);
            theirs.out.flush();
            if (!forReturn) {
                assertEquals(Errno.ESHUTDOWN.wireValue(), theirs.reply(9, 0).error());
            }
            assertTrue(theirs.isClosedByServer());
            assertTrue(dismissed.get(30, TimeUnit.SECONDS));
            slow.assertEverythingIsBack();
        }
    }

    /** It had to wait for what the one before it holds; nobody but that one can tell it to go on. */
    @Test
    void whatWasBegunAndWaitsForRoomEndsToo() throws Exception {
        ServerOptions patient = ServerOptions.DEFAULT.withDrainTimeoutMillis(50_000);
        try (LogLines log = LogLines.listen(NbdServer.class);
                ServerRig slow = new ServerRig(patient);
                RawNbd theirs = RawNbd.transmitting(slow.socket, "disk", NbdReplyStyle.SIMPLE)) {
            assertEquals(0, theirs.read(0, 512).error());
            slow.disk.hold = true;
            int length = 12 << 20;
            theirs.send(0, NbdCommand.READ.code(), 7, 0, length);
            theirs.send(0, NbdCommand.READ.code(), 8, 0, length);
            while (slow.metrics.recorder(0).inFlight()
                            + slow.metrics.recorder(1).inFlight()
                    < 2) {
                Thread.onSpinWait();
            }
            slow.exports.withdraw("disk", "it is gone");
            CompletableFuture<Boolean> dismissed =
                    CompletableFuture.supplyAsync(() -> slow.server.dismiss("disk", false));
            // By then all connections were told.
            log.await("its clients are sent away");
            slow.disk.letGo();
            assertEquals(0, theirs.reply(7, length).error());
            assertEquals(0, theirs.reply(8, length).error());
            assertTrue(theirs.isClosedByServer());
            assertTrue(dismissed.get(30, TimeUnit.SECONDS));
            slow.assertEverythingIsBack();
        }
    }

    @Test
    void saysSoIfADeviceDoesNotAnswer() throws Exception {
        try (ServerRig slow = new ServerRig(ServerOptions.DEFAULT.withDrainTimeoutMillis(100));
                RawNbd theirs = RawNbd.transmitting(slow.socket, "disk", NbdReplyStyle.SIMPLE)) {
            assertEquals(0, theirs.read(0, 512).error());
            slow.disk.hold = true;
            theirs.send(0, NbdCommand.READ.code(), 7, 0, 512);
            while (slow.metrics.recorder(0).inFlight()
                            + slow.metrics.recorder(1).inFlight()
                    == 0) {
                Thread.onSpinWait();
            }
            slow.exports.withdraw("disk", "it is gone");
            assertFalse(slow.server.dismiss("disk", false));
            slow.disk.letGo();
            assertTrue(slow.server.dismiss("disk", false));
            slow.assertEverythingIsBack();
        }
    }

    /** Requests in flight get no time then; the loops need some to say whose clients those are, and to close them. */
    @Test
    void isDoneAtOnceIfNobodyIsWaitedFor() throws Exception {
        try (ServerRig hasty = new ServerRig(ServerOptions.DEFAULT.withDrainTimeoutMillis(0));
                RawNbd theirs = RawNbd.transmitting(hasty.socket, "disk", NbdReplyStyle.SIMPLE);
                RawNbd other = RawNbd.transmitting(hasty.socket, "plain", NbdReplyStyle.SIMPLE)) {
            hasty.exports.restrict("disk", rights(() -> Rights.NONE));
            assertTrue(hasty.server.dismissUnentitled("disk"));
            assertTrue(theirs.isClosedByServer());
            assertEquals(0, other.read(0, 512).error());
            hasty.server.close();
            assertEquals(0, hasty.server.connectionCount());
        }
    }

    @Test
    void saysSoIfALoopDoesNotAnswer() throws Exception {
        try (ServerRig late = new ServerRig(ServerOptions.DEFAULT.withDrainTimeoutMillis(100));
                RawNbd theirs = RawNbd.transmitting(late.socket, "disk", NbdReplyStyle.SIMPLE)) {
            CountDownLatch answers = new CountDownLatch(1);
            for (NettyIoLoop loop : late.loops.netty()) {
                loop.execute(() -> await(answers));
            }
            late.exports.restrict("disk", rights(() -> Rights.NONE));
            assertFalse(late.server.dismissUnentitled("disk"));
            answers.countDown();
            assertEquals(0, theirs.read(0, 512).error(), "it was given up");
            assertTrue(late.server.dismissUnentitled("disk"));
            assertTrue(theirs.isClosedByServer());
        }
    }

    /** Nobody may stay because we do not know whether it may. */
    @Test
    void saysSoIfWhoMayStayCannotBeFoundOut() throws Exception {
        try (RawNbd theirs = RawNbd.transmitting(rig.socket, "disk", NbdReplyStyle.SIMPLE)) {
            AtomicBoolean broken = new AtomicBoolean(true);
            rig.exports.restrict("disk", rights(() -> {
                if (broken.get()) {
                    throw new IllegalStateException("broken for this test");
                }
                return Rights.NONE;
            }));
            assertFalse(rig.server.dismissUnentitled("disk"));
            broken.set(false);
            assertTrue(rig.server.dismissUnentitled("disk"));
            assertTrue(theirs.isClosedByServer());
        }
    }

    private static AccessPolicy rights(Supplier<Rights> rights) {
        return new AccessPolicy() {
            @Override
            public Rights rightsOf(Caller caller) {
                return rights.get();
            }

            @Override
            public boolean asksForProof() {
                return false;
            }
        };
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    @Test
    void theLastOfSeveralDoesNotBecomeTheDefaultExport() throws Exception {
        for (String name : List.of("readonly", "plain", "big")) {
            rig.exports.withdraw(name, "it is gone");
        }
        try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
            OptionReply refused =
                    nbd.option(NbdOption.GO.code(), RawNbd.infoRequest("")).get(0);
            assertEquals(RawNbd.ERR_UNKNOWN, refused.type());
            assertArrayEquals("there is no export of that name".getBytes("US-ASCII"), refused.payload());
            nbd.go("disk");
        }
    }
}
