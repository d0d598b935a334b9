package io.blockseal.app.served;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.access.AccessList;
import io.blockseal.access.AccessListReader;
import io.blockseal.config.AccessRule;
import io.blockseal.config.ConfigException;
import io.blockseal.config.ConfigReader;
import io.blockseal.config.DaemonConfig;
import io.blockseal.export.Caller;
import io.blockseal.export.ClientIdentity;
import io.blockseal.export.Rights;
import io.blockseal.export.UnixPeer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ServedAccessTest {
    private static final String TLS = "tls: {certificate: c, key: k, client-ca: a}\n";

    @TempDir
    Path folder;

    private DaemonConfig config(String head, String access) throws Exception {
        Path file = folder.resolve("c.yaml");
        Files.writeString(file, head + """
                volumes:
                  - path: open.bsl
                    key-file: k
                  - path: db.bsl
                    key-file: k
                    access:
                """ + access.indent(6));
        return ConfigReader.read(file);
    }

    @Test
    void makesTheListOfEachExportThatHasOne() throws Exception {
        Map<String, AccessList> lists = ServedAccess.lists(config("unix: s\n", """
                - {uid: 7, mode: read-write}
                - {uid: 8, mode: none}
                - {anyone: true, mode: read-only}
                """));
        assertEquals(Set.of("db"), lists.keySet());
        AccessList db = lists.get("db");
        assertEquals(Rights.READ_WRITE, db.rightsOf(user(7)));
        assertEquals(Rights.NONE, db.rightsOf(user(8)));
        assertEquals(Rights.READ_ONLY, db.rightsOf(user(9)));
    }

    private static Caller user(long uid) {
        return new Caller(ClientIdentity.ANONYMOUS, new UnixPeer(uid, Set.of()), null);
    }

    @Test
    void namesThePlaceOfARuleThatCannotBeMeant() throws Exception {
        DaemonConfig config = config("unix: s\n", """
                - {uid: 7, mode: read-only}
                - {uid: 7, mode: read-write}
                - {subject: "CN=a", mode: read-only}
                - {address: 10.0.0.0/8, mode: read-only}
                - {gid: wheel, mode: read-only}
                """);
        ConfigException refused = assertThrows(ConfigException.class, () -> ServedAccess.lists(config));
        String file = folder.resolve("c.yaml").toString();
        assertEquals(
                List.of(file + ":9:9", file + ":10:9", file + ":11:9", file + ":12:9"),
                refused.problems().stream().map(ConfigException.Problem::place).toList());
        assertTrue(refused.getMessage().contains("access rule 2 of export 'db': it is never reached: rule 1"));
        assertTrue(refused.getMessage().contains("clients are not asked for certificates"));
        assertTrue(refused.getMessage().contains("no TCP address is served"));
    }

    @Test
    void wantsCertificatesOnlyWhereClientsAreAskedForThem() throws Exception {
        String rule = "- {subject: 'CN=a', mode: read-only}\n";
        assertTrue(ServedAccess.lists(config("unix: s\n" + TLS, rule)).get("db").asksForProof());
        for (String head : List.of(
                "unix: s\ntls: {certificate: c, key: k}\n",
                "unix: s\ntls: {mode: off, certificate: c, key: k, client-ca: a}\n")) {
            DaemonConfig config = config(head, rule);
            assertThrows(ConfigException.class, () -> ServedAccess.lists(config));
        }
    }

    /** Two lists of words, as the file's reader must not know what they mean. */
    @Test
    void knowsTheWordsThatTheFileMayHave() {
        assertEquals(AccessListReader.words(), AccessRule.WORDS);
        assertEquals(
                Stream.of(Rights.values()).map(Rights::word).toList(),
                Stream.of(AccessRule.Mode.values()).map(AccessRule.Mode::word).toList());
    }

    /** What the sample shows as an example can be used. */
    @Test
    void readsTheExampleOfTheSampleFile() throws Exception {
        String sample = Files.readString(Path.of("..", "config", "blockseal.yaml"));
        int begin = sample.indexOf("    # access:\n");
        String example = sample.substring(begin, sample.indexOf("\n\n", begin)).replaceAll("(?m)^    # {0,1}", "    ");
        Path file = folder.resolve("sample.yaml");
        Files.writeString(
                file,
                "unix: s\nlisten: 127.0.0.1:1\n" + TLS + "volumes:\n  - path: db.bsl\n    key-file: k\n"
                        + example.replaceAll("(?m)^ +- psk:.*\\R.*\\R", "") + "\n");
        AccessList list = ServedAccess.lists(ConfigReader.read(file)).get("db");
        assertEquals(Rights.NONE, list.rightsOf(Caller.UNKNOWN));
        assertFalse(example.isBlank());
    }
}
