package io.blockseal.access;

import static io.blockseal.export.Rights.NONE;
import static io.blockseal.export.Rights.READ_ONLY;
import static io.blockseal.export.Rights.READ_WRITE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.access.AccessListReader.Complaint;
import io.blockseal.export.AccessPolicy;
import io.blockseal.export.Caller;
import io.blockseal.export.ClientIdentity;
import io.blockseal.export.ClientIdentity.Proof;
import io.blockseal.export.Rights;
import io.blockseal.export.UnixPeer;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AccessListTest {
    private static final Reach EVERY_WAY = new Reach(true, true, true, true);

    /** A rule of words and values by turns; {@code anyone} has none. */
    private static RuleText rule(Rights rights, String... words) {
        Map<String, List<String>> wanted = new LinkedHashMap<>();
        boolean anyone = words.length == 1;
        for (int i = 0; i + 1 < words.length; i += 2) {
            wanted.put(words[i], Arrays.asList(words[i + 1].split("\\|")));
        }
        return new RuleText("f:1:1", wanted, anyone, rights);
    }

    private static AccessList list(RuleText... rules) {
        List<Complaint> complaints = new ArrayList<>();
        AccessList list = AccessListReader.read("db", List.of(rules), EVERY_WAY, complaints);
        assertEquals(List.of(), complaints);
        return list;
    }

    private static List<String> complaints(Reach reach, RuleText... rules) {
        List<Complaint> complaints = new ArrayList<>();
        AccessListReader.read("db", List.of(rules), reach, complaints);
        return complaints.stream().map(Complaint::what).toList();
    }

    private static Caller certified(String subject, String... names) {
        return Caller.UNKNOWN.as(new ClientIdentity(Proof.CERTIFICATE, subject, List.of(names)));
    }

    private static Caller psk(String name) {
        return Caller.UNKNOWN.as(new ClientIdentity(Proof.PSK, name, List.of()));
    }

    private static Caller process(long uid, Long... gids) {
        return new Caller(ClientIdentity.ANONYMOUS, new UnixPeer(uid, Set.of(gids)), null);
    }

    private static Caller from(String address) throws UnknownHostException {
        return new Caller(ClientIdentity.ANONYMOUS, null, InetAddress.getByName(address));
    }

    private static boolean fits(Caller caller, String... words) {
        return list(rule(READ_ONLY, words)).rightsOf(caller) == READ_ONLY;
    }

    @Nested
    class WhoIsMeant {
        @ParameterizedTest
        @CsvSource({
            "dns, vm1.example.org, dns:vm1.example.org, true",
            "dns, VM1.example.org, dns:vm1.EXAMPLE.org, true",
            "dns, vm1.example.org, dns:vm1.example.org.evil.org, false",
            "dns, vm1.example.org, dns:*.example.org, false",
            "dns, vm1.example.org, dns:vm1.example.org., false",
            "dns, vm1.example.org, uri:vm1.example.org, false",
            "dns, vm1.example.org, 'dns:x,dns:vm1.example.org', false",
            "dns, bk.example.org, dns:b\u212a.example.org, false",
            "email, Vm1@Example.org, email:Vm1@example.ORG, true",
            "email, vm1@example.org, email:VM1@example.org, false",
            "email, vm1@example.org, email:x@vm1@example.org, false",
            "uri, urn:example:vm1, uri:urn:example:vm1, true",
            "uri, urn:example:vm1, uri:URN:example:vm1, false",
            "ip, 192.0.2.7, ip:192.0.2.7, true",
            "ip, 192.0.2.7, ip:::ffff:192.0.2.7, true",
            "ip, 192.0.2.7, ip:192.0.2.70, false",
            "ip, fd00::1, ip:fd00:0:0:0:0:0:0:1, true",
            "ip, 192.0.2.7, dns:192.0.2.7, false"
        })
        void isFoundAmongTheNamesOfACertificate(String word, String wanted, String name, boolean fits) {
            assertEquals(fits, fits(certified("CN=x", "dns:another", name), word, wanted));
            assertFalse(fits(psk(wanted), word, wanted), "a key of that name is no certificate");
            assertFalse(fits(Caller.UNKNOWN, word, wanted));
        }

        @ParameterizedTest
        @CsvSource({
            "spiffe://example.org/vm1, spiffe://example.org/vm1, true",
            "spiffe://example.org/vm1, spiffe://example.org/vm1/a, false",
            "spiffe://example.org/vm1, spiffe://example.org/vm1/, false",
            "spiffe://example.org/vm1, spiffe://example.org/VM1, false",
            "spiffe://example.org/vm1, spiffe://EXAMPLE.org/vm1, false",
            "spiffe://example.org/vm1, SPIFFE://example.org/vm1, false",
            "spiffe://example.org/vm1, spiffe://example.org.evil.org/vm1, false",
            "spiffe://example.org/vm1, spiffe://example.org:80/vm1, false",
            "spiffe://example.org/vm1, spiffe://u@example.org/vm1, false",
            "spiffe://example.org/vm1, spiffe://example.org/vm1?q, false",
            "spiffe://example.org/vm1, spiffe://example.org/vm1#f, false",
            "spiffe://example.org/vm1, spiffe://example.org/vm%31, false",
            "spiffe://example.org/*, spiffe://example.org/vm1, true",
            "spiffe://example.org/*, spiffe://example.org/ns/prod/vm1, true",
            "spiffe://example.org/*, spiffe://example.org, false",
            "spiffe://example.org/*, spiffe://example.orgs/vm1, false",
            "spiffe://example.org/*, spiffe://evil.org/spiffe://example.org/vm1, false",
            "spiffe://example.org/ns/prod/*, spiffe://example.org/ns/prod/vm1, true",
            "spiffe://example.org/ns/prod/*, spiffe://example.org/ns/prod, false",
            "spiffe://example.org/ns/prod/*, spiffe://example.org/ns/prod2/vm1, false",
            "spiffe://example.org/ns/prod/*, spiffe://example.org/ns/prod/../dev/vm1, false",
            "spiffe://example.org/ns/prod/*, spiffe://example.org/ns/prod//vm1, false",
            "spiffe://example.org, spiffe://example.org, true"
        })
        void hasThatSpiffeId(String wanted, String shown, boolean fits) {
            assertEquals(fits, fits(certified("", "uri:" + shown), "spiffe", wanted));
            assertFalse(fits(certified("", "dns:" + shown), "spiffe", wanted), "another kind of name");
        }

        /** What an id is when there are two is for nobody to choose. */
        @Test
        void hasOneSpiffeIdAndNoOtherUri() {
            String id = "uri:spiffe://example.org/vm1";
            assertTrue(fits(certified("", "dns:vm1", id), "spiffe", "spiffe://example.org/vm1"));
            assertFalse(fits(certified("", id, "uri:urn:x"), "spiffe", "spiffe://example.org/vm1"));
            assertFalse(fits(certified("", "uri:spiffe://example.org/a", id), "spiffe", "spiffe://example.org/*"));
        }

        @Test
        void hasAllOfASubject() {
            assertTrue(fits(certified("CN=vm1,O=Acme"), "subject", "cn=vm1, o=acme"));
            assertFalse(fits(certified("CN=vm1,O=Acme,C=NZ"), "subject", "CN=vm1,O=Acme"));
            assertFalse(fits(certified("CN=vm1\\,O\\=Acme"), "subject", "CN=vm1,O=Acme"));
            assertFalse(fits(psk("CN=vm1,O=Acme"), "subject", "CN=vm1,O=Acme"));
        }

        @Test
        void hasAPreSharedKeyOfThatName() {
            assertTrue(fits(psk("vm1"), "psk", "vm1"));
            assertFalse(fits(psk("VM1"), "psk", "vm1"));
            assertFalse(fits(certified("vm1"), "psk", "vm1"), "a certificate may say anything");
            assertFalse(fits(Caller.UNKNOWN.as(new ClientIdentity(Proof.NONE, "vm1", List.of())), "psk", "vm1"));
        }

        @Test
        void isAProcessOfThatUserOrGroup() {
            assertTrue(fits(process(1000, 7L, 8L), "uid", "1000"));
            assertFalse(fits(process(0, 1000L), "uid", "1000"), "not even root");
            assertTrue(fits(process(1000, 7L, 8L), "gid", "8"));
            assertFalse(fits(process(8, 7L), "gid", "8"));
            assertTrue(fits(process(4294967294L), "uid", "4294967294"));
            assertFalse(fits(Caller.UNKNOWN, "uid", "0"), "nobody said who it is");
        }

        @ParameterizedTest
        @CsvSource({
            "10.0.0.0/8, 10.255.0.1, true",
            "10.0.0.0/8, 11.0.0.1, false",
            "10.0.0.0/8, ::ffff:10.0.0.1, true",
            "192.0.2.128/25, 192.0.2.127, false",
            "192.0.2.128/25, 192.0.2.129, true",
            "192.0.2.7, 192.0.2.7, true",
            "192.0.2.7, 192.0.2.8, false",
            "0.0.0.0/0, 203.0.113.9, true",
            "0.0.0.0/0, fd00::1, false",
            "::/0, 10.0.0.1, false",
            "fd00::/8, fdff::1, true",
            "fd00::/8, fc00::1, false",
            "2001:db8:0:8000::/49, 2001:db8:0:ffff::1, true",
            "2001:db8:0:8000::/49, 2001:db8::1, false"
        })
        void comesFromThere(String wanted, String address, boolean fits) throws UnknownHostException {
            assertEquals(fits, fits(from(address), "address", wanted));
            assertFalse(fits(process(0), "address", wanted), "a unix socket has no address");
        }

        @Test
        void hasOneOfEachKindThatIsNamed() throws UnknownHostException {
            AccessList list = list(rule(READ_WRITE, "subject", "CN=a|CN=b", "address", "10.0.0.0/8|192.0.2.7"));
            InetAddress inside = InetAddress.getByName("192.0.2.7");
            InetAddress outside = InetAddress.getByName("192.0.2.8");
            ClientIdentity b = new ClientIdentity(Proof.CERTIFICATE, "CN=b", List.of());
            assertEquals(READ_WRITE, list.rightsOf(new Caller(b, null, inside)));
            assertEquals(NONE, list.rightsOf(new Caller(b, null, outside)));
            assertEquals(NONE, list.rightsOf(new Caller(ClientIdentity.ANONYMOUS, null, inside)));
        }
    }

    @Nested
    class WhatTheyMayDo {
        private final AccessList list = list(
                rule(NONE, "spiffe", "spiffe://example.org/vm9"),
                rule(READ_WRITE, "spiffe", "spiffe://example.org/vm1|spiffe://example.org/vm2"),
                rule(READ_ONLY, "spiffe", "spiffe://example.org/*"));

        @Test
        void isSaidByTheFirstRuleThatFits() {
            assertEquals(NONE, list.rightsOf(certified("", "uri:spiffe://example.org/vm9")));
            assertEquals(READ_WRITE, list.rightsOf(certified("", "uri:spiffe://example.org/vm2")));
            assertEquals(READ_ONLY, list.rightsOf(certified("", "uri:spiffe://example.org/vm3")));
        }

        @Test
        void isNothingWhereNoneFits() {
            assertEquals(NONE, list.rightsOf(certified("CN=root", "uri:spiffe://evil.org/vm1")));
            assertEquals(NONE, list.rightsOf(Caller.UNKNOWN));
            assertEquals(NONE, list.rightsOf(process(0)));
        }

        /** A client of two names does not get the better of them. */
        @Test
        void isNotChosenByTheClient() {
            AccessList two = list(rule(READ_ONLY, "dns", "guest.example.org"), rule(READ_WRITE, "subject", "CN=vm1"));
            assertEquals(READ_ONLY, two.rightsOf(certified("CN=vm1", "dns:guest.example.org")));
        }

        @Test
        void mayBeSaidForEverybody() {
            AccessList open = list(rule(READ_WRITE, "uid", "1000"), rule(READ_ONLY, "anyone"));
            assertEquals(READ_WRITE, open.rightsOf(process(1000)));
            assertEquals(READ_ONLY, open.rightsOf(Caller.UNKNOWN));
        }

        @Test
        void isEverythingWhereThereIsNoList() {
            assertEquals(READ_WRITE, AccessPolicy.EVERYBODY.rightsOf(Caller.UNKNOWN));
            assertFalse(AccessPolicy.EVERYBODY.asksForProof());
        }

        @Test
        void dependsOnTlsOnlyWhereARuleSaysSo() {
            assertTrue(list.asksForProof());
            assertTrue(list(rule(READ_ONLY, "psk", "a")).asksForProof());
            assertFalse(list(rule(READ_ONLY, "uid", "7"), rule(READ_ONLY, "address", "::1"))
                    .asksForProof());
            assertFalse(list(rule(NONE, "subject", "CN=a"), rule(READ_ONLY, "anyone"))
                    .asksForProof());
        }
    }

    @Nested
    class ARuleThatCannotBeMeant {
        private void isRefused(String words, RuleText... rules) {
            List<String> told = complaints(EVERY_WAY, rules);
            assertEquals(1, told.size(), told.toString());
            assertTrue(told.get(0).contains(words), told.get(0));
        }

        @Test
        void isOneForNobodyOrForEverybodyAndSome() {
            isRefused("access rule 1 of export 'db': it does not say for whom it is", rule(READ_ONLY));
            isRefused(
                    "it is for anyone, and for those of uid only",
                    new RuleText("f:1:1", Map.of("uid", List.of("1")), true, READ_ONLY));
            isRefused("subject has no value", new RuleText("f:1:1", Map.of("subject", List.of()), false, READ_ONLY));
        }

        @Test
        void isOneThatNoClientCanFit() {
            isRefused("by a certificate or by a pre-shared key", rule(READ_ONLY, "subject", "CN=a", "psk", "a"));
            isRefused("on unix sockets, and addresses on TCP", rule(READ_ONLY, "uid", "1", "address", "::1"));
            isRefused("has no other URI", rule(READ_ONLY, "spiffe", "spiffe://a/b", "uri", "urn:x:y"));
        }

        @ParameterizedTest
        @CsvSource({
            "false,true,true,true, subject, CN=a, clients are not asked for certificates",
            "true,false,true,true, psk, a, there are no pre-shared keys",
            "true,true,false,true, gid, 7, no unix socket is served",
            "true,true,true,false, address, ::1, no TCP address is served"
        })
        void isOneForAWayThatClientsCannotCome(
                boolean certificates, boolean psk, boolean unix, boolean tcp, String word, String value, String why) {
            List<String> told = complaints(new Reach(certificates, psk, unix, tcp), rule(READ_ONLY, word, value));
            assertEquals(1, told.size(), told.toString());
            assertTrue(told.get(0).contains("nobody can fit it: " + word + " is asked for, but " + why), told.get(0));
        }

        @Test
        void isOneThatIsNeverReached() {
            RuleText all = rule(READ_ONLY, "anyone");
            isRefused(
                    "rule 2 of export 'db': it is never reached: rule 1 comes before it", all, rule(NONE, "uid", "7"));
            RuleText domain = rule(READ_ONLY, "spiffe", "spiffe://example.org/*");
            isRefused("never reached", domain, rule(READ_WRITE, "spiffe", "spiffe://example.org/ns/*"));
            isRefused("never reached", domain, rule(READ_WRITE, "spiffe", "spiffe://example.org/vm1"));
            isRefused(
                    "never reached",
                    rule(READ_ONLY, "address", "10.0.0.0/8"),
                    rule(READ_WRITE, "address", "10.1.0.0/16|10.2.0.1", "subject", "CN=a"));
            isRefused(
                    "never reached",
                    rule(READ_WRITE, "subject", "CN=vm1,O=Acme"),
                    rule(READ_ONLY, "subject", "cn=VM1, o=acme"));
            isRefused(
                    "rule 3 of export 'db': it is never reached: rule 2",
                    rule(READ_ONLY, "uid", "1"),
                    rule(READ_ONLY, "uid", "2|3"),
                    rule(READ_WRITE, "uid", "3"));
        }

        @Test
        void isNotOneThatOnlyMeetsAnother() {
            list(
                    rule(READ_ONLY, "uid", "7", "gid", "8"),
                    rule(READ_WRITE, "uid", "7"),
                    rule(READ_ONLY, "uid", "7|9"),
                    rule(READ_ONLY, "address", "10.1.0.0/16"),
                    rule(READ_WRITE, "address", "10.0.0.0/8"),
                    rule(READ_WRITE, "spiffe", "spiffe://example.org/vm1"),
                    rule(READ_ONLY, "spiffe", "spiffe://example.org/vm1/*"),
                    rule(READ_ONLY, "spiffe", "spiffe://example.org"),
                    rule(READ_ONLY, "spiffe", "spiffe://example.org/*"),
                    rule(NONE, "anyone"));
        }

        @Test
        void isOneThatSaysTheSameTwice() {
            isRefused("uid '07' is in it twice", rule(READ_ONLY, "uid", "7|07"));
            isRefused("address '10.0.0.0/8' is in it twice", rule(READ_ONLY, "address", "10.1.0.0/16|10.0.0.0/8"));
        }

        /** One that is wrong hides no other: all are told of at once. */
        @Test
        void isToldTogetherWithTheOthers() {
            List<String> told = complaints(
                    EVERY_WAY, rule(READ_ONLY, "uid", "x", "gid", "y"), rule(READ_ONLY, "uid", "1"), rule(NONE));
            assertEquals(3, told.size(), told.toString());
            assertTrue(told.get(2).startsWith("access rule 3"), told.toString());
        }

        @ParameterizedTest
        @CsvSource(
                delimiter = '|',
                value = {
                    "subject | vm1                       | is not the subject of a certificate",
                    "dns     | *.example.org             | is not a whole DNS name",
                    "dns     | b\u00fcro.example.org     | is not a whole DNS name",
                    "dns     | vm1.example.org.          | is not a whole DNS name",
                    "dns     | vm1.example.org,x         | is not a whole DNS name",
                    "email   | example.org               | is not a mail address",
                    "email   | a@b@c                     | is not a mail address",
                    "ip      | 10.0.0.0/8                | for where a client is, use address",
                    "ip      | vm1                       | is not an address as it stands in a certificate",
                    "uri     | spiffe://example.org/vm1  | is a SPIFFE id; use spiffe",
                    "uri     | vm1                       | is not a URI",
                    "spiffe  | example.org/vm1           | is not a SPIFFE id",
                    "spiffe  | spiffe://Example.org/vm1  | is not a SPIFFE id",
                    "spiffe  | spiffe://*/vm1            | is not a SPIFFE id",
                    "spiffe  | spiffe://*                | is not a SPIFFE id",
                    "spiffe  | spiffe://example.org/vm*  | is not a SPIFFE id",
                    "spiffe  | spiffe://example.org/     | is not a SPIFFE id",
                    "uid     | backup                    | is not the number of a user (id -u NAME)",
                    "uid     | 4294967295                | is not the number of a user",
                    "gid     | -1                        | is not the number of a group",
                    "address | localhost                 | is neither an address nor a network",
                    "address | 10.1                      | is neither an address nor a network",
                    "address | 10.0.0.256                | is neither an address nor a network",
                    "address | 10.0.0.0/33               | has no length that an address has: 0 to 32",
                    "address | 10.0.0.0/                 | has no length that an address has",
                    "address | 10.1.2.3/8                | is an address within the network 10.0.0.0/8",
                    "address | fe80::1%eth0              | is neither an address nor a network"
                })
        void isOneWithAValueThatIsNone(String word, String value, String why) {
            isRefused(why, rule(READ_ONLY, word, value));
        }

        @ParameterizedTest
        @ValueSource(strings = {"", "  "})
        void isOneWithAnEmptyName(String name) {
            isRefused("is not the name of a pre-shared key", rule(READ_ONLY, "psk", name));
        }
    }
}
