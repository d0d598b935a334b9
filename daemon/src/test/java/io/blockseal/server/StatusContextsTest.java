package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.export.Export;
import io.blockseal.export.ExportBudget;
import io.blockseal.export.ExportContext;
import io.blockseal.export.LossLedger;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.server.RawNbd.OptionReply;
import io.blockseal.server.RawNbd.Reply;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Metadata contexts that an export has beside base:allocation. */
@Timeout(60)
class StatusContextsTest {
    private static final int SET = NbdOption.SET_META_CONTEXT.code();
    private static final int LIST = NbdOption.LIST_META_CONTEXT.code();
    private static final int QUARTER = 1 << 18;
    /** As a generation may be; a sign must not spread into 64 bits. */
    private static final int LARGE = 0xf000_0001;

    private ServerRig rig;

    @BeforeEach
    void start() throws Exception {
        rig = new ServerRig();
        rig.exports.add(new Export(
                "mapped",
                "",
                rig.plain,
                false,
                new ExportMetrics("mapped", ServerRig.LOOPS),
                LossLedger.ofNone(ServerRig.LOOPS),
                List.of(
                        new ExportContext("test:quarter", StatusContextsTest::quarters),
                        new ExportContext("test:same", (offset, length, out) -> out.add(length, LARGE)),
                        new ExportContext("test:nothing", (offset, length, out) -> {})),
                ExportBudget.UNLIMITED));
    }

    /** To find out may take long: some tenths of a millisecond where there are many ranges. */
    @Test
    void manyQuestionsOfOneClientLeaveTheOthersTheirTurn() throws Exception {
        AtomicInteger asked = new AtomicInteger();
        CompletableFuture<Integer> othersTurn = new CompletableFuture<>();
        rig.exports.add(new Export(
                "counted",
                "",
                rig.plain,
                false,
                new ExportMetrics("counted", ServerRig.LOOPS),
                LossLedger.ofNone(ServerRig.LOOPS),
                List.of(new ExportContext("test:counted", (offset, length, out) -> {
                    out.add(length, 1);
                    if (asked.incrementAndGet() == 1) {
                        for (NettyIoLoop loop : rig.loops.netty()) {
                            if (loop.inLoop()) {
                                loop.execute(() -> othersTurn.complete(asked.get()));
                            }
                        }
                    }
                })),
                ExportBudget.UNLIMITED));
        try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
            nbd.negotiate(NbdReplyStyle.STRUCTURED);
            nbd.option(SET, RawNbd.metaQuery("counted", "test:counted"));
            nbd.go("counted");
            int count = 500;
            for (int i = 0; i < count; i++) {
                nbd.put(0, NbdCommand.BLOCK_STATUS.code(), i, 0, 512);
            }
            nbd.out.flush();
            for (int i = 0; i < count; i++) {
                assertEquals(0, nbd.reply(i, 0).error());
            }
            int before = othersTurn.get(30, TimeUnit.SECONDS);
            assertTrue(before <= 20, before + " were answered before anybody else had a turn");
        }
    }

    @AfterEach
    void stop() throws Exception {
        rig.close();
    }

    private static void quarters(long offset, long lengthBytes, ExtentList out) {
        for (long at = offset; at < offset + lengthBytes; ) {
            long next = Math.min(offset + lengthBytes, (at / QUARTER + 1) * QUARTER);
            out.add(next - at, (int) (at / QUARTER));
            at = next;
        }
    }

    /** Number and name of each context in the answer, whose last reply is an ACK. */
    private static List<String> contexts(List<OptionReply> replies) {
        List<String> found = new ArrayList<>();
        for (OptionReply reply : replies.subList(0, replies.size() - 1)) {
            ByteBuffer payload = ByteBuffer.wrap(reply.payload());
            int id = payload.getInt();
            byte[] name = new byte[payload.remaining()];
            payload.get(name);
            found.add(id + " " + new String(name, StandardCharsets.UTF_8));
        }
        return found;
    }

    private RawNbd open(NbdReplyStyle style, String... queries) throws Exception {
        RawNbd nbd = RawNbd.haggling(rig.socket);
        nbd.negotiate(style);
        nbd.option(SET, RawNbd.metaQuery("mapped", queries));
        nbd.go("mapped");
        return nbd;
    }

    /** Context and extents of each chunk. */
    private static List<String> chunks(NbdReplyStyle style, Reply reply) {
        List<String> all = new ArrayList<>();
        for (RawNbd.Chunk chunk : reply.chunks()) {
            ByteBuffer payload = ByteBuffer.wrap(chunk.payload());
            StringBuilder text = new StringBuilder().append(payload.getInt()).append(':');
            if (style == NbdReplyStyle.EXTENDED) {
                payload.getInt();
            }
            while (payload.hasRemaining()) {
                boolean wide = style == NbdReplyStyle.EXTENDED;
                text.append(' ').append(wide ? payload.getLong() : payload.getInt() & 0xffff_ffffL);
                text.append('=').append(wide ? payload.getLong() : payload.getInt() & 0xffff_ffffL);
            }
            all.add(text.toString());
        }
        return all;
    }

    @Test
    void areListedByNameAndByNamespaceAndSelectedByNameAlone() throws Exception {
        try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
            nbd.negotiate(NbdReplyStyle.STRUCTURED);
            List<String> own = List.of("0 test:quarter", "0 test:same", "0 test:nothing");
            assertEquals(
                    List.of("0 base:allocation", "0 test:quarter", "0 test:same", "0 test:nothing"),
                    contexts(nbd.option(LIST, RawNbd.metaQuery("mapped"))));
            assertEquals(own, contexts(nbd.option(LIST, RawNbd.metaQuery("mapped", "test:"))));
            assertEquals(
                    own, contexts(nbd.option(LIST, RawNbd.metaQuery("mapped", "test:same", "test:"))), "each once");
            assertEquals(List.of(), contexts(nbd.option(LIST, RawNbd.metaQuery("mapped", "test", "test:sam", "x:"))));
            assertEquals(List.of(), contexts(nbd.option(SET, RawNbd.metaQuery("mapped", "test:"))));
            assertEquals(
                    List.of("1 base:allocation", "3 test:same"),
                    contexts(nbd.option(SET, RawNbd.metaQuery("mapped", "test:same", "base:allocation"))));
            assertEquals(
                    List.of("0 base:allocation"), contexts(nbd.option(LIST, RawNbd.metaQuery("plain"))), "of another");
        }
    }

    /** A map with a defect is an error to whoever asked, and never extents that nobody meant. */
    @ParameterizedTest
    @EnumSource(
            value = NbdReplyStyle.class,
            names = {"STRUCTURED", "EXTENDED"})
    void oneThatSaysNothingIsAnError(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = open(style, "test:same", "test:nothing")) {
            for (int flags : new int[] {0, NbdCommandFlags.REQ_ONE}) {
                Reply reply = nbd.ask(flags, NbdCommand.BLOCK_STATUS, 4096, 8192);
                assertEquals(Errno.EIO.wireValue(), reply.error());
                assertEquals(2, reply.chunks().size(), "what another said, and the error");
            }
            assertEquals(0, nbd.read(0, 4096).error());
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = NbdReplyStyle.class,
            names = {"STRUCTURED", "EXTENDED"})
    void eachHasAChunkOfItsOwn(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = open(style, "test:same", "base:allocation", "test:quarter")) {
            Reply reply = nbd.ask(0, NbdCommand.BLOCK_STATUS, 1000, 2 * QUARTER);
            assertEquals(0, reply.error());
            List<String> chunks = chunks(style, reply);
            assertEquals(3, chunks.size());
            assertEquals("1: " + 2 * QUARTER + "=3", chunks.get(0));
            assertEquals("2: " + (QUARTER - 1000) + "=0 " + QUARTER + "=1 1000=2", chunks.get(1));
            assertEquals("3: " + 2 * QUARTER + "=" + Integer.toUnsignedLong(LARGE), chunks.get(2));
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = NbdReplyStyle.class,
            names = {"STRUCTURED", "EXTENDED"})
    void oneExtentIsOneOfEach(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = open(style, "test:quarter", "base:allocation")) {
            Reply reply = nbd.ask(NbdCommandFlags.REQ_ONE, NbdCommand.BLOCK_STATUS, 0, 3 * QUARTER);
            assertEquals(List.of("1: " + 3 * QUARTER + "=3", "2: " + QUARTER + "=0"), chunks(style, reply));
        }
    }

    /** What is told from memory does not ask the device, which may be slow. */
    @Test
    void oneAloneIsAnsweredWithoutTheDevice() throws Exception {
        rig.plain.hold = true;
        try (RawNbd nbd = open(NbdReplyStyle.STRUCTURED, "test:quarter")) {
            Reply reply = nbd.ask(0, NbdCommand.BLOCK_STATUS, QUARTER, QUARTER);
            assertEquals(List.of("2: " + QUARTER + "=1"), chunks(NbdReplyStyle.STRUCTURED, reply));
            assertEquals(
                    Errno.EINVAL.wireValue(),
                    nbd.ask(0, NbdCommand.BLOCK_STATUS, 1 << 20, 1).error(),
                    "beyond the end");
        } finally {
            rig.plain.letGo();
        }
    }

    @Test
    void whatWasSelectedForAnotherExportSelectsNothing() throws Exception {
        try (RawNbd nbd = RawNbd.haggling(rig.socket)) {
            nbd.negotiate(NbdReplyStyle.STRUCTURED);
            nbd.option(SET, RawNbd.metaQuery("mapped", "test:quarter"));
            nbd.go("disk");
            assertEquals(
                    Errno.EINVAL.wireValue(),
                    nbd.ask(0, NbdCommand.BLOCK_STATUS, 0, 512).error());
        }
    }
}
