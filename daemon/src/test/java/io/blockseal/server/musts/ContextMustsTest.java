package io.blockseal.server.musts;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.server.RawNbd;
import io.blockseal.server.RawNbd.OptionReply;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

/** LIST_META_CONTEXT and SET_META_CONTEXT. */
@AgainstAllPeers
class ContextMustsTest extends NbdMusts {
    static final String ALLOCATION = "base:allocation";

    private static final int LIST = NbdOption.LIST_META_CONTEXT.code();
    private static final int SET = NbdOption.SET_META_CONTEXT.code();

    private List<MetaContext> list(RawNbd nbd, String... queries) throws IOException {
        return MetaContext.in(nbd.option(LIST, RawNbd.metaQuery(peer.exportName(), queries)));
    }

    private List<String> set(RawNbd nbd, String... queries) throws IOException {
        return MetaContext.names(MetaContext.in(nbd.option(SET, RawNbd.metaQuery(peer.exportName(), queries))));
    }

    private void assertNothingIsSelected(RawNbd nbd) throws IOException {
        nbd.go(peer.exportName());
        assertEquals(EINVAL, ask(nbd, 0, NbdCommand.BLOCK_STATUS, 0, 512).error());
        assertInStep(nbd);
    }

    @Test
    @Section("NBD_OPT_LIST_META_CONTEXT")
    void noQueryListsAllAndAWildcardThoseOfItsNamespace() throws Exception {
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            List<String> all = MetaContext.names(list(nbd));
            assertTrue(all.contains(ALLOCATION) || all.contains("base:"), () -> "listed: " + all);
            for (String name : all) {
                int colon = name.indexOf(':');
                assertTrue(colon > 0, () -> "no namespace: " + name);
                List<String> ofNamespace = MetaContext.names(list(nbd, name.substring(0, colon + 1)));
                assertTrue(ofNamespace.stream().allMatch(each -> each.startsWith(name.substring(0, colon + 1))));
                assertTrue(ofNamespace.contains(name), () -> "listed: " + ofNamespace);
            }
            assertEquals(List.of(ALLOCATION), MetaContext.names(list(nbd, "base:")));
        }
    }

    @Test
    @Section("NBD_OPT_LIST_META_CONTEXT")
    void whatIsUnknownIsNotListedAndNoError() throws Exception {
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            assertEquals(List.of(), list(nbd, "x-none:", "x-none:a", "base:nothing"));
            assertEquals(List.of(ALLOCATION), MetaContext.names(list(nbd, "x-none:a", ALLOCATION, "base:nothing")));
        }
    }

    @Test
    @Section("NBD_OPT_LIST_META_CONTEXT")
    void listingSelectsNothingAndDropsNothing() throws Exception {
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            list(nbd, ALLOCATION);
            assertNothingIsSelected(nbd);
        }
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            assertEquals(List.of(ALLOCATION), set(nbd, ALLOCATION));
            list(nbd, "x-none:a");
            assertError(nbd.option(LIST, new byte[3]));
            nbd.go(peer.exportName());
            assertEquals(0, ask(nbd, 0, NbdCommand.BLOCK_STATUS, 0, 512).error());
        }
    }

    @EachStyle(chunked = true)
    @Section("NBD_OPT_SET_META_CONTEXT")
    void eachIsSelectedOnceUnderANumberOfItsOwn(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = haggling(style)) {
            List<String> all = new ArrayList<>(MetaContext.names(list(nbd)));
            List<String> twice = new ArrayList<>(all);
            twice.addAll(all);
            List<MetaContext> selected =
                    MetaContext.in(nbd.option(SET, RawNbd.metaQuery(peer.exportName(), twice.toArray(new String[0]))));
            assertEquals(
                    selected.size(),
                    selected.stream().map(MetaContext::id).distinct().count());
            assertEquals(
                    MetaContext.names(selected).stream().distinct().toList(), MetaContext.names(selected), "each once");
            assertTrue(MetaContext.names(selected).contains(ALLOCATION));
        }
    }

    @Test
    @Section("The `base:` metadata namespace")
    void theWildcardAndUnknownLeavesSelectNothingAndAreNoError() throws Exception {
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            assertEquals(List.of(), set(nbd, "base:"));
            assertEquals(List.of(), set(nbd, "base:nothing"));
            assertEquals(List.of(), set(nbd, "x-none:a", "x-none:"));
            assertEquals(List.of(ALLOCATION), set(nbd, "base:nothing", ALLOCATION, "x-none:a"));
        }
    }

    @Test
    @Section("NBD_OPT_SET_META_CONTEXT")
    void noQuerySelectsNothing() throws Exception {
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            assertEquals(List.of(ALLOCATION), set(nbd, ALLOCATION));
            assertEquals(List.of(), set(nbd));
            assertNothingIsSelected(nbd);
        }
    }

    @Test
    @Section("NBD_OPT_SET_META_CONTEXT")
    void theLastSelectionIsTheOneThatCounts() throws Exception {
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            assertEquals(List.of(ALLOCATION), set(nbd, ALLOCATION));
            assertEquals(List.of(), set(nbd, "x-none:a"));
            assertNothingIsSelected(nbd);
        }
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            set(nbd, "x-none:a");
            assertEquals(List.of(ALLOCATION), set(nbd, ALLOCATION));
            nbd.go(peer.exportName());
            assertEquals(0, ask(nbd, 0, NbdCommand.BLOCK_STATUS, 0, 512).error());
        }
    }

    @Test
    @Section("NBD_OPT_SET_META_CONTEXT")
    void aMalformedSelectionDropsTheFormerOne() throws Exception {
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            assertEquals(List.of(ALLOCATION), set(nbd, ALLOCATION));
            assertError(nbd.option(SET, new byte[3]));
            assertNothingIsSelected(nbd);
        }
    }

    @Test
    @Section("NBD_OPT_SET_META_CONTEXT")
    void aSelectionForNoExportDropsTheFormerOne() throws Exception {
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            assertEquals(List.of(ALLOCATION), set(nbd, ALLOCATION));
            nbd.option(SET, RawNbd.metaQuery("nothing", ALLOCATION));
            assertNothingIsSelected(nbd);
        }
    }

    @Test
    @Section("NBD_OPT_SET_META_CONTEXT")
    void aSelectionIsForTheExportThatItNames() throws Exception {
        String other = peer.otherName();
        assumeFalse(other.isEmpty(), () -> peer + " serves one export");
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            List<MetaContext> selected = MetaContext.in(nbd.option(SET, RawNbd.metaQuery(other, ALLOCATION)));
            assertEquals(List.of(ALLOCATION), MetaContext.names(selected));
            assertNothingIsSelected(nbd);
        }
    }

    @Test
    @Section("NBD_OPT_SET_META_CONTEXT")
    void withoutChunksThereIsNoSelection() throws Exception {
        try (RawNbd nbd = haggling()) {
            int answer = only(nbd.option(SET, RawNbd.metaQuery(peer.exportName(), ALLOCATION)))
                    .type();
            assertTrue(answer == RawNbd.ERR_INVALID || answer == RawNbd.ERR_EXT_HEADER_REQD, "answer " + answer);
            nbd.negotiate(NbdReplyStyle.STRUCTURED);
            assertNothingIsSelected(nbd);
        }
    }

    @Test
    @Section("NBD_OPT_LIST_META_CONTEXT")
    void whatIsMalformedIsRefusedAndTheStreamStaysInStep() throws Exception {
        byte[] good = RawNbd.metaQuery(peer.exportName(), ALLOCATION);
        int count = 4 + peer.exportName().length();
        byte[] nameTooLong = good.clone();
        ByteBuffer.wrap(nameTooLong).putInt(0, good.length);
        byte[] nameHuge = good.clone();
        ByteBuffer.wrap(nameHuge).putInt(0, -1);
        byte[] countTooLarge = good.clone();
        ByteBuffer.wrap(countTooLarge).putInt(count, 2);
        byte[] countHuge = good.clone();
        ByteBuffer.wrap(countHuge).putInt(count, -1);
        byte[] queryTooLong = good.clone();
        ByteBuffer.wrap(queryTooLong).putInt(count + 4, ALLOCATION.length() + 1);
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            for (byte[] bad :
                    List.of(nameTooLong, nameHuge, countTooLarge, countHuge, queryTooLong, new byte[0], new byte[7])) {
                for (int option : new int[] {LIST, SET}) {
                    // Contexts may have been told of before the end of the payload was found missing.
                    assertEquals(
                            RawNbd.ERR_INVALID, last(nbd.option(option, bad)).type());
                }
            }
            nbd.go(peer.exportName());
            assertInStep(nbd);
        }
    }

    @Test
    @Section("Fixed newstyle negotiation")
    void whatLiesBehindTheLastQueryIsNotTheNextOption() throws Exception {
        byte[] good = RawNbd.metaQuery(peer.exportName(), ALLOCATION);
        try (RawNbd nbd = haggling(NbdReplyStyle.STRUCTURED)) {
            nbd.option(LIST, Arrays.copyOf(good, good.length + 3));
            nbd.option(SET, Arrays.copyOf(good, good.length + 16));
            nbd.go(peer.exportName());
            assertInStep(nbd);
        }
    }

    /** One answer of either option. */
    record MetaContext(int id, String name) {
        private static final int REPLY = 4;

        /** All of an answer that ends with an ACK. */
        static List<MetaContext> in(List<OptionReply> replies) {
            assertEquals(RawNbd.ACK, last(replies).type(), () -> last(replies).text());
            List<MetaContext> found = new ArrayList<>();
            for (OptionReply reply : replies.subList(0, replies.size() - 1)) {
                assertEquals(REPLY, reply.type());
                ByteBuffer payload = ByteBuffer.wrap(reply.payload());
                int id = payload.getInt();
                byte[] name = new byte[payload.remaining()];
                payload.get(name);
                ReplyRules.assertGoodText(name);
                found.add(new MetaContext(id, new String(name, java.nio.charset.StandardCharsets.UTF_8)));
            }
            return found;
        }

        static List<String> names(List<MetaContext> contexts) {
            return contexts.stream().map(MetaContext::name).toList();
        }
    }
}
