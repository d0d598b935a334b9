package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.access.AccessList;
import io.blockseal.access.AccessListReader;
import io.blockseal.access.Reach;
import io.blockseal.access.RuleText;
import io.blockseal.export.AccessPolicy;
import io.blockseal.export.ClientIdentity.Proof;
import io.blockseal.export.Rights;
import io.blockseal.metrics.TlsFigures;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdTransmissionFlags;
import io.blockseal.server.tls.CertificateTls;
import io.blockseal.server.tls.Credentials;
import io.blockseal.server.tls.TestAuthority;
import io.blockseal.server.tls.TlsEndpoint;
import io.blockseal.server.tls.TlsMode;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ForkJoinPool;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Access lists, seen from the wire: what a client may open, what it may do there, and what it learns of the rest. */
@Timeout(60)
class AccessTest {
    private static final int EPERM = 1;
    /** As long as the names that there are. */
    private static final String NO_EXPORT = "dusk";

    @TempDir
    static Path folder;

    static TestAuthority authority;
    static TestAuthority.Pair server;
    static TestAuthority.Pair writer;
    static TestAuthority.Pair reader;

    private final BlockingQueue<ConnectionWatch.Visit> opened = new LinkedBlockingQueue<>();
    private final BlockingQueue<ConnectionWatch.Visit> refused = new LinkedBlockingQueue<>();
    private ServerRig rig;
    private NbdServer nbdServer;
    private Path socket;
    private InetSocketAddress tcp;
    private long uid;

    @BeforeAll
    static void certificates() throws Exception {
        authority = new TestAuthority(folder, "ours");
        server = authority.forServer();
        writer = authority.issue("/O=Books/CN=db", "DNS:db.example.org", "clientAuth", 9);
        reader = authority.issue("/O=Books/CN=copy", "URI:spiffe://example.org/copy", "clientAuth", 9);
    }

    @BeforeEach
    void start() throws Exception {
        rig = new ServerRig();
        nbdServer = new NbdServer(rig.loops, rig.exports, ServerOptions.DEFAULT, new ConnectionWatch() {
            @Override
            public void refused(Visit visit) {
                refused.add(visit);
            }

            @Override
            public void opened(Visit visit) {
                opened.add(visit);
            }

            @Override
            public void closed(Visit visit) {}
        });
        socket = rig.directory.resolve("a");
        nbdServer.listenUnix(socket);
        CertificateTls certificate =
                CertificateTls.of(server.chain(), server.secret(), authority.certificates(), false);
        TlsEndpoint endpoint =
                new TlsEndpoint(new Credentials(certificate, null), new TlsFigures(), ForkJoinPool.commonPool());
        tcp = nbdServer.listenTcp(new InetSocketAddress("127.0.0.1", 0), new Protection(TlsMode.OPTIONAL, endpoint));
        uid = (Integer) Files.getAttribute(socket, "unix:uid");
    }

    @AfterEach
    void everythingIsBack() throws Exception {
        nbdServer.close();
        rig.assertEverythingIsBack();
        rig.close();
    }

    private static RuleText rule(Rights rights, String word, String value) {
        return new RuleText("f:1:1", Map.of(word, List.of(value)), false, rights);
    }

    private static AccessList list(RuleText... rules) {
        List<AccessListReader.Complaint> complaints = new ArrayList<>();
        AccessList list = AccessListReader.read("x", List.of(rules), new Reach(true, true, true, true), complaints);
        assertEquals(List.of(), complaints);
        return list;
    }

    private static AccessList nobody() {
        return list(rule(Rights.NONE, "uid", "0"));
    }

    private void keepFromEverybody(String... names) {
        for (String name : names) {
            rig.exports.restrict(name, nobody());
        }
    }

    private static byte[] text(String name) {
        return name.getBytes(StandardCharsets.UTF_8);
    }

    private static List<String> listed(RawNbd nbd) throws IOException {
        return nbd.option(NbdOption.LIST.code()).stream()
                .filter(reply -> reply.type() == 2)
                .map(reply -> new String(
                        reply.payload(), 4, ByteBuffer.wrap(reply.payload()).getInt(), StandardCharsets.UTF_8))
                .toList();
    }

    /** All that comes back for an option, as one text. */
    private static String answer(RawNbd nbd, NbdOption option, byte[] payload) throws IOException {
        return nbd.option(option.code(), payload).stream()
                .map(reply -> reply.option() + " " + Integer.toHexString(reply.type()) + " " + reply.text())
                .collect(Collectors.joining("\n"));
    }

    private static RawNbd.OptionReply last(List<RawNbd.OptionReply> replies) {
        return replies.get(replies.size() - 1);
    }

    @Nested
    class AnExportThatIsKeptFromAClient {
        @ParameterizedTest
        @EnumSource(
                value = NbdOption.class,
                names = {"INFO", "GO", "LIST_META_CONTEXT", "SET_META_CONTEXT"})
        void isAnsweredLikeOneThatIsNotThere(NbdOption option) throws Exception {
            keepFromEverybody("disk");
            try (RawNbd nbd = RawNbd.haggling(socket)) {
                nbd.negotiate(NbdReplyStyle.STRUCTURED);
                boolean isMeta = option == NbdOption.LIST_META_CONTEXT || option == NbdOption.SET_META_CONTEXT;
                List<String> answers = new ArrayList<>();
                for (String name : List.of("disk", NO_EXPORT)) {
                    answers.add(answer(
                            nbd,
                            option,
                            isMeta ? RawNbd.metaQuery(name, "base:allocation") : RawNbd.infoRequest(name, 1, 2, 3)));
                }
                assertEquals(answers.get(1), answers.get(0));
                assertEquals(option.code() + " 80000006 there is no export of that name", answers.get(0));
            }
            assertEquals(0, rig.disk.channelsOpened.get());
        }

        @Test
        void isClosedByExportNameLikeOneThatIsNotThere() throws Exception {
            keepFromEverybody("disk");
            for (String name : List.of("disk", NO_EXPORT)) {
                try (RawNbd nbd = RawNbd.haggling(socket)) {
                    nbd.sendOption(NbdOption.EXPORT_NAME.code(), text(name));
                    assertTrue(nbd.isClosedByServer());
                }
            }
            assertEquals(0, rig.disk.channelsOpened.get());
        }

        @Test
        void isNotListed() throws Exception {
            keepFromEverybody("disk", "big");
            try (RawNbd nbd = RawNbd.haggling(socket)) {
                assertEquals(List.of("plain", "readonly"), listed(nbd));
            }
            assertTrue(refused.isEmpty(), "who looks has not asked");
        }

        /** Why it is away is for those who may have it. */
        @Test
        void isNotThereEitherWhileItIsWithdrawn() throws Exception {
            rig.exports.withdraw("disk", "its volume waits for its key; try again later");
            rig.exports.withdraw("big", "its volume waits for its key; try again later");
            keepFromEverybody("disk");
            try (RawNbd nbd = RawNbd.haggling(socket)) {
                assertEquals(
                        "7 80000006 there is no export of that name",
                        answer(nbd, NbdOption.GO, RawNbd.infoRequest("disk")));
                assertEquals(
                        "7 80000006 its volume waits for its key; try again later",
                        answer(nbd, NbdOption.GO, RawNbd.infoRequest("big")));
            }
            assertEquals("disk", refused.take().export());
        }

        /** Whether somebody else works on it is none of its business. */
        @Test
        void doesNotShowThatItIsClosed() throws Exception {
            try (var closed = rig.exports.all().iterator().next().clients().close("a copy is made")) {
                List<NbdOption> both = List.of(NbdOption.INFO, NbdOption.GO);
                for (NbdOption option : both) {
                    try (RawNbd nbd = RawNbd.haggling(socket)) {
                        assertEquals(
                                RawNbd.ERR_POLICY,
                                last(nbd.option(option.code(), RawNbd.infoRequest("big")))
                                        .type(),
                                "INFO promises nothing that GO does not keep");
                    }
                }
                keepFromEverybody("big");
                for (NbdOption option : both) {
                    try (RawNbd nbd = RawNbd.haggling(socket)) {
                        assertEquals(
                                RawNbd.ERR_UNKNOWN,
                                last(nbd.option(option.code(), RawNbd.infoRequest("big")))
                                        .type());
                    }
                }
            }
        }

        @Test
        void isToldToWhoKeepsTheBooksOnceForEachConnection() throws Exception {
            keepFromEverybody("disk", "big");
            for (int connection = 0; connection < 2; connection++) {
                try (RawNbd nbd = RawNbd.haggling(socket)) {
                    for (String name : List.of("disk", NO_EXPORT, "disk", "big", "")) {
                        nbd.option(NbdOption.GO.code(), RawNbd.infoRequest(name));
                    }
                }
            }
            assertEquals(
                    List.of("disk", "big", "disk", "big"),
                    Stream.of(refused.take(), refused.take(), refused.take(), refused.take())
                            .map(ConnectionWatch.Visit::export)
                            .toList());
            assertTrue(refused.isEmpty());
        }
    }

    @Nested
    class TheDefaultExport {
        private RawNbd.OptionReply ask(RawNbd nbd) throws IOException {
            List<RawNbd.OptionReply> replies = nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest("", 1));
            return replies.stream()
                    .filter(reply -> reply.type() == 3 && reply.payload()[1] == 1)
                    .findFirst()
                    .orElse(last(replies));
        }

        private String name(RawNbd.OptionReply reply) {
            assertEquals(3, reply.type(), reply.text());
            return reply.text().substring(2);
        }

        @Test
        void isTheOnlyOneThatTheClientMayOpen() throws Exception {
            keepFromEverybody("disk", "big", "readonly");
            try (RawNbd nbd = RawNbd.haggling(socket)) {
                assertEquals("plain", name(ask(nbd)));
                nbd.go("");
                assertEquals(1 << 20, nbd.size);
            }
            try (RawNbd nbd = RawNbd.haggling(socket)) {
                nbd.sendOption(NbdOption.EXPORT_NAME.code(), text(""));
                assertEquals(1 << 20, nbd.in.readLong());
            }
        }

        @Test
        void isNoneWhereItMayOpenNoneOrSeveral() throws Exception {
            keepFromEverybody("disk", "big");
            try (RawNbd nbd = RawNbd.haggling(socket)) {
                assertEquals(RawNbd.ERR_UNKNOWN, ask(nbd).type());
            }
            keepFromEverybody("plain", "readonly");
            try (RawNbd nbd = RawNbd.haggling(socket)) {
                assertEquals(RawNbd.ERR_UNKNOWN, ask(nbd).type());
            }
        }

        @Test
        void isNoneWhileAnotherThatItMayOpenIsWithdrawn() throws Exception {
            rig.exports.withdraw("readonly", "later");
            keepFromEverybody("disk", "big");
            try (RawNbd nbd = RawNbd.haggling(socket)) {
                assertEquals(RawNbd.ERR_UNKNOWN, ask(nbd).type());
            }
            keepFromEverybody("readonly");
            try (RawNbd nbd = RawNbd.haggling(socket)) {
                assertEquals("plain", name(ask(nbd)));
            }
        }

        @Test
        void isARefusalWhereThereIsOnlyOneAtAll() throws Exception {
            for (String name : List.of("big", "plain", "readonly")) {
                rig.exports.remove(name);
            }
            keepFromEverybody("disk");
            try (RawNbd nbd = RawNbd.haggling(socket)) {
                assertEquals(RawNbd.ERR_UNKNOWN, ask(nbd).type());
            }
            assertEquals("disk", refused.take().export());
        }
    }

    @Nested
    class WhoMayOnlyRead {
        @BeforeEach
        void restrict() {
            rig.exports.restrict("disk", list(rule(Rights.READ_ONLY, "uid", String.valueOf(uid))));
        }

        @ParameterizedTest
        @EnumSource(NbdReplyStyle.class)
        void changesNothing(NbdReplyStyle style) throws Exception {
            try (RawNbd nbd = RawNbd.transmitting(socket, "disk", style)) {
                int flags = nbd.transmissionFlags;
                assertEquals(NbdTransmissionFlags.READ_ONLY, flags & NbdTransmissionFlags.READ_ONLY);
                assertEquals(
                        0,
                        flags
                                & (NbdTransmissionFlags.SEND_TRIM
                                        | NbdTransmissionFlags.SEND_WRITE_ZEROES
                                        | NbdTransmissionFlags.SEND_FAST_ZERO));
                assertEquals(EPERM, nbd.write(0, 0, new byte[4096]).error());
                assertEquals(EPERM, nbd.write(1, 4096, new byte[1]).error());
                assertEquals(EPERM, nbd.ask(0, NbdCommand.TRIM, 0, 1 << 20).error());
                assertEquals(
                        EPERM,
                        nbd.ask(0, NbdCommand.TRIM, 0, ServerRig.DISK_BYTES).error());
                assertEquals(
                        EPERM, nbd.ask(0, NbdCommand.WRITE_ZEROES, 0, 1 << 20).error());
                assertEquals(EPERM, nbd.ask(2, NbdCommand.WRITE_ZEROES, 0, 4096).error());
                assertEquals(0, rig.disk.submits.get(), "nothing of it may come to the device");
                assertEquals(0, nbd.read(0, 4096).error());
                assertEquals(0, nbd.ask(0, NbdCommand.FLUSH, 0, 0).error());
            }
            assertTrue(opened.take().readOnly());
        }

        @Test
        void isToldSoByEveryWayIn() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(socket)) {
                byte[] info = last(nbd.option(NbdOption.INFO.code(), RawNbd.infoRequest("disk")).stream()
                                .filter(reply -> reply.type() == 3 && reply.payload()[1] == 0)
                                .toList())
                        .payload();
                nbd.go("disk");
                assertEquals(ByteBuffer.wrap(info).getShort(10) & 0xffff, nbd.transmissionFlags);
            }
            try (RawNbd nbd = RawNbd.haggling(socket)) {
                nbd.sendOption(NbdOption.EXPORT_NAME.code(), text("disk"));
                assertEquals(ServerRig.DISK_BYTES, nbd.in.readLong());
                assertEquals(
                        NbdTransmissionFlags.READ_ONLY, nbd.in.readUnsignedShort() & NbdTransmissionFlags.READ_ONLY);
                assertEquals(EPERM, nbd.write(0, 0, new byte[512]).error());
            }
        }

        @Test
        void mayWriteNeitherWhereTheExportIsReadOnlyAndTheListIsGenerous() throws Exception {
            rig.exports.restrict("readonly", list(rule(Rights.READ_WRITE, "uid", String.valueOf(uid))));
            try (RawNbd nbd = RawNbd.transmitting(socket, "readonly", NbdReplyStyle.SIMPLE)) {
                assertEquals(EPERM, nbd.write(0, 0, new byte[512]).error());
            }
        }
    }

    @Nested
    class WhoTheClientIs {
        @BeforeEach
        void restrict() {
            rig.exports.restrict(
                    "disk",
                    list(
                            rule(Rights.READ_WRITE, "subject", "CN=db,O=Books"),
                            rule(Rights.READ_ONLY, "spiffe", "spiffe://example.org/*")));
            keepFromEverybody("big", "readonly");
        }

        /** The very same connection: what it knew before it proved itself was what everybody may know. */
        @Test
        void countsFromTlsOn() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(tcp)) {
                assertEquals(List.of("plain"), listed(nbd));
                nbd.startTls(authority.client(writer));
                assertEquals(List.of("disk", "plain"), listed(nbd));
                assertEquals(
                        RawNbd.ERR_INVALID,
                        last(nbd.option(NbdOption.STARTTLS.code())).type());
                nbd.go("disk");
                assertEquals(0, nbd.write(0, 0, new byte[512]).error());
            }
            assertEquals("CN=db,O=Books", opened.take().client().name());
        }

        @Test
        void maySayThatItMayOnlyRead() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(tcp)) {
                nbd.startTls(authority.client(reader));
                nbd.go("disk");
                assertEquals(EPERM, nbd.ask(0, NbdCommand.TRIM, 0, 4096).error());
                assertEquals(0, nbd.read(0, 512).error());
            }
        }

        /** A name that looks like another one opens nothing, and neither does a certificate for something else. */
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "/O=Books/CN=db2 DNS:x",
                    "/CN=db DNS:x",
                    "/CN=db/O=Books DNS:x",
                    "/O=Books/CN=db/CN=db DNS:x",
                    "/CN=db,O=Books DNS:db",
                    "/O=Books/OU=db DNS:CN=db",
                    "/CN=x URI:spiffe://example.org.evil.org/copy",
                    "/CN=x URI:spiffe://example.org/copy,URI:urn:two",
                    "/CN=x DNS:spiffe.example.org"
                })
        void isNotWhoeverHasAlmostThatName(String certificate) throws Exception {
            String[] words = certificate.split(" ");
            TestAuthority.Pair other = authority.issue(words[0], words[1], "clientAuth", 9);
            try (RawNbd nbd = RawNbd.haggling(tcp)) {
                nbd.startTls(authority.client(other));
                assertEquals(List.of("plain"), listed(nbd));
                assertEquals(
                        "7 80000006 there is no export of that name",
                        answer(nbd, NbdOption.GO, RawNbd.infoRequest("disk")));
            }
            ConnectionWatch.Visit told = refused.take();
            assertEquals("disk", told.export());
            assertEquals(Proof.CERTIFICATE, told.client().proof());
        }

        /**
         * SELECTIVETLS: "MUST reply with NBD_REP_ERR_TLS_REQD if that export is TLS-only", and may for one that is not
         * there. To options other than INFO and GO it must not.
         */
        @Test
        void hasToBeProvenFirstWhereThatMakesADifference() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(tcp)) {
                nbd.negotiate(NbdReplyStyle.STRUCTURED);
                for (NbdOption option : List.of(NbdOption.INFO, NbdOption.GO)) {
                    for (String name : List.of("disk", "big", NO_EXPORT)) {
                        assertEquals(
                                option.code() + " 80000005 there is no such export without TLS",
                                answer(nbd, option, RawNbd.infoRequest(name, 1)));
                    }
                }
                for (String name : List.of("disk", "big", NO_EXPORT)) {
                    assertEquals(
                            "10 80000006 there is no export of that name",
                            answer(nbd, NbdOption.SET_META_CONTEXT, RawNbd.metaQuery(name, "base:allocation")));
                }
                nbd.startTls(authority.client(null));
                assertEquals(
                        "7 80000006 there is no export of that name",
                        answer(nbd, NbdOption.GO, RawNbd.infoRequest("disk")));
            }
        }

        @Test
        void isAskedForTlsOnlyWhereThereIsSome() throws Exception {
            try (RawNbd nbd = RawNbd.haggling(socket)) {
                assertEquals(
                        "7 80000006 there is no export of that name",
                        answer(nbd, NbdOption.GO, RawNbd.infoRequest("disk")));
            }
        }

        @Test
        void mayBeWhereItComesFrom() throws Exception {
            rig.exports.restrict("big", list(rule(Rights.READ_WRITE, "address", "127.0.0.0/8")));
            try (RawNbd nbd = RawNbd.haggling(tcp)) {
                assertEquals(List.of("big", "plain"), listed(nbd));
            }
            try (RawNbd nbd = RawNbd.haggling(socket)) {
                assertEquals(List.of("plain"), listed(nbd));
            }
        }
    }

    @Nested
    class AListThatChanges {
        @Test
        void countsForWhoComesLaterAndLeavesTheOthersAlone() throws Exception {
            try (RawNbd before = RawNbd.transmitting(socket, "disk", NbdReplyStyle.SIMPLE)) {
                keepFromEverybody("disk");
                assertEquals(0, before.write(0, 0, new byte[512]).error());
                try (RawNbd after = RawNbd.haggling(socket)) {
                    assertEquals(
                            RawNbd.ERR_UNKNOWN,
                            last(after.option(NbdOption.GO.code(), RawNbd.infoRequest("disk")))
                                    .type());
                }
                rig.exports.restrict("disk", AccessPolicy.EVERYBODY);
                RawNbd.transmitting(socket, "disk", NbdReplyStyle.SIMPLE).close();
            }
        }
    }

    @Nested
    class WhoMayNotAnyMore {
        private RawNbd certified(TestAuthority.Pair pair) throws Exception {
            RawNbd nbd = RawNbd.haggling(tcp);
            nbd.startTls(authority.client(pair));
            nbd.go("disk");
            assertEquals(0, nbd.read(0, 512).error());
            return nbd;
        }

        /** And nobody else, be it on the same export. */
        @Test
        void isSentAway() throws Exception {
            RuleText writes = rule(Rights.READ_WRITE, "subject", "CN=db,O=Books");
            RuleText reads = rule(Rights.READ_ONLY, "spiffe", "spiffe://example.org/*");
            rig.exports.restrict("disk", list(writes, reads));
            try (RawNbd db = certified(writer);
                    RawNbd copy = certified(reader);
                    RawNbd other = RawNbd.transmitting(socket, "plain", NbdReplyStyle.SIMPLE)) {
                assertTrue(nbdServer.dismissUnentitled("disk"));
                assertEquals(0, db.write(0, 0, new byte[512]).error());
                assertEquals(0, copy.read(0, 512).error());

                rig.exports.restrict("disk", list(writes));
                assertTrue(nbdServer.dismissUnentitled("disk"));
                assertTrue(copy.isClosedByServer());
                assertEquals(0, db.write(0, 0, new byte[512]).error());
                assertEquals(0, other.read(0, 512).error());

                rig.exports.restrict("disk", list(rule(Rights.READ_ONLY, "subject", "CN=db,O=Books"), reads));
                assertTrue(nbdServer.dismissUnentitled("disk"));
                assertTrue(db.isClosedByServer(), "it came to write");
                try (RawNbd again = certified(writer)) {
                    rig.exports.restrict("disk", list(writes, reads));
                    assertTrue(nbdServer.dismissUnentitled("disk"));
                    assertEquals(EPERM, again.write(0, 0, new byte[512]).error(), "what it was told holds");
                }
            }
        }
    }

    /** By the word of the kernel, not of the client: its user, its group and all others that it is in. */
    @Test
    void aProcessIsKnownByItsUserAndItsGroups() throws Exception {
        for (String gid : said("id", "-G").split(" ")) {
            rig.exports.restrict("disk", list(rule(Rights.READ_ONLY, "gid", gid)));
            RawNbd.transmitting(socket, "disk", NbdReplyStyle.SIMPLE).close();
        }
        List<String> ours = Arrays.asList(said("id", "-G").split(" "));
        for (long gid = 0; gid < 200; gid++) {
            if (!ours.contains(String.valueOf(gid))) {
                rig.exports.restrict("disk", list(rule(Rights.READ_ONLY, "gid", String.valueOf(gid))));
                try (RawNbd nbd = RawNbd.haggling(socket)) {
                    assertEquals(List.of("big", "plain", "readonly"), listed(nbd), "group " + gid);
                }
            }
        }
        rig.exports.restrict("disk", list(rule(Rights.READ_ONLY, "uid", said("id", "-u"))));
        RawNbd.transmitting(socket, "disk", NbdReplyStyle.SIMPLE).close();
        rig.exports.restrict("disk", list(rule(Rights.READ_ONLY, "uid", String.valueOf(uid + 1))));
        try (RawNbd nbd = RawNbd.haggling(socket)) {
            assertEquals(List.of("big", "plain", "readonly"), listed(nbd));
        }
        assertNull(refused.poll());
    }

    private static String said(String... command) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(command).start();
        String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertEquals(0, process.waitFor());
        return said.strip();
    }

    @Test
    void withoutAListEverythingIsAsItWas() throws Exception {
        try (RawNbd nbd = RawNbd.haggling(socket)) {
            assertEquals(List.of("big", "disk", "plain", "readonly"), listed(nbd));
            nbd.go("disk");
            byte[] data = new byte[] {1, 2, 3};
            assertEquals(0, nbd.write(0, 7, data).error());
            assertArrayEquals(data, nbd.read(7, 3).data());
        }
    }
}
