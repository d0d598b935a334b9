package io.blockseal.server.musts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.server.NbdPeer;
import io.blockseal.server.RawNbd;
import io.blockseal.server.RawNbd.OptionReply;
import io.blockseal.server.RawNbd.Reply;
import java.io.IOException;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInfo;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.Parameter;

/**
 * What the specification demands of servers, seen from the wire. Each class below has the cases of one part of it, each
 * case names its section. All run against our server, and against servers that others wrote: that proves the cases.
 * {@code docs/protocol.md} says for each demand which case shows it.
 */
@Timeout(60)
// So that a case can be asked for each style that its server speaks: see Styles.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
abstract class NbdMusts {
    static final int EPERM = 1;
    static final int EINVAL = 22;
    static final int ENOSPC = 28;
    static final int EOVERFLOW = 75;
    static final int ENOTSUP = 95;

    static final int FUA = 1;
    static final int NO_HOLE = 2;
    static final int DF = 4;
    static final int REQ_ONE = 8;
    static final int FAST_ZERO = 16;
    static final int PAYLOAD_LEN = 32;

    @Parameter(0)
    NbdPeer peer;

    @BeforeEach
    void skipWhatIsKnownToFail(TestInfo test) {
        assumeTrue(peer.isInstalled(), () -> peer + " is not installed");
        String name = getClass().getSimpleName() + "."
                + test.getTestMethod().orElseThrow().getName();
        String failure = peer.knownFailures().get(name);
        assumeTrue(failure == null, () -> peer + ": " + failure);
    }

    @AfterEach
    void settle() throws Exception {
        peer.settle();
    }

    /** Connected and past the client flags. */
    RawNbd haggling() throws Exception {
        return RawNbd.haggling(peer.address());
    }

    /** And past the choice of headers. */
    RawNbd haggling(NbdReplyStyle style) throws Exception {
        assumeTrue(peer.speaks(style), () -> peer + " does not know " + style);
        RawNbd nbd = haggling();
        nbd.negotiate(style);
        return nbd;
    }

    RawNbd transmitting(NbdReplyStyle style) throws Exception {
        RawNbd nbd = haggling(style);
        nbd.go(peer.exportName());
        return nbd;
    }

    /** With base:allocation if the style can carry it. */
    RawNbd withAllocation(NbdReplyStyle style) throws Exception {
        RawNbd nbd = haggling(style);
        if (style.isChunked()) {
            byte[] query = RawNbd.metaQuery(peer.exportName(), "base:allocation");
            assertEquals(2, nbd.option(NbdOption.SET_META_CONTEXT.code(), query).size());
        }
        nbd.go(peer.exportName());
        return nbd;
    }

    /** A request and its reply, which keeps to the rules for all replies. */
    static Reply ask(RawNbd nbd, int flags, NbdCommand command, long offset, long length) throws IOException {
        Reply reply = nbd.ask(flags, command, offset, length);
        ReplyRules.check(nbd.style, offset, reply);
        ReplyRules.checkErrorOffsets(reply, offset, length);
        return reply;
    }

    static int write(RawNbd nbd, int flags, long offset, byte[] data) throws IOException {
        Reply reply = nbd.write(flags, offset, data);
        ReplyRules.check(nbd.style, offset, reply);
        return reply.error();
    }

    /** What a READ brings that has to succeed. */
    static byte[] read(RawNbd nbd, long offset, int length) throws IOException {
        return read(nbd, 0, offset, length);
    }

    static byte[] read(RawNbd nbd, int flags, long offset, int length) throws IOException {
        Reply reply = ask(nbd, flags, NbdCommand.READ, offset, length);
        assertEquals(0, reply.error());
        return ReplyRules.dataOf(reply, offset, length);
    }

    /** The client and the server still agree on where messages begin. */
    static void assertInStep(RawNbd nbd) throws IOException {
        assertEquals(0, ask(nbd, 0, NbdCommand.READ, 0, 512).error());
    }

    /** The one answer to an option that has one. */
    static OptionReply only(List<OptionReply> replies) {
        assertEquals(1, replies.size());
        return replies.get(0);
    }

    static OptionReply last(List<OptionReply> replies) {
        return replies.get(replies.size() - 1);
    }

    static void assertInvalid(List<OptionReply> replies) {
        assertEquals(RawNbd.ERR_INVALID, only(replies).type());
    }

    static void assertError(List<OptionReply> replies) {
        assertTrue(last(replies).isError(), () -> "it was accepted: " + replies);
    }

    static boolean offers(RawNbd nbd, int flag) {
        return (nbd.transmissionFlags & flag) != 0;
    }

    static byte[] pattern(int length, long seed) {
        byte[] bytes = new byte[length];
        new Random(seed).nextBytes(bytes);
        return bytes;
    }
}
