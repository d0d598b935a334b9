package io.blockseal.access;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.ASN1Encodable;
import org.bouncycastle.asn1.ASN1ObjectIdentifier;
import org.bouncycastle.asn1.DERBMPString;
import org.bouncycastle.asn1.DEROctetString;
import org.bouncycastle.asn1.DERPrintableString;
import org.bouncycastle.asn1.DERUTF8String;
import org.bouncycastle.asn1.x500.AttributeTypeAndValue;
import org.bouncycastle.asn1.x500.RDN;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class DistinguishedNameTest {
    private static AttributeTypeAndValue part(ASN1ObjectIdentifier type, ASN1Encodable value) {
        return new AttributeTypeAndValue(type, value);
    }

    private static RDN rdn(ASN1ObjectIdentifier type, String value) {
        return new RDN(part(type, new DERUTF8String(value)));
    }

    /** What a client shows whose certificate has these parts, the outermost first as certificates have them. */
    private static DistinguishedName shown(RDN... parts) throws IOException {
        return DistinguishedName.read(new X500Principal(new X500Name(parts).getEncoded()).getName());
    }

    private static DistinguishedName rule(String text) {
        return DistinguishedName.parse(text);
    }

    @Nested
    class IsTheSameName {
        @ParameterizedTest
        @ValueSource(
                strings = {
                    "CN=vm1,O=Acme",
                    "cn=VM1, o=acme",
                    "CN = vm1 , O = Acme",
                    "2.5.4.3=vm1,OID.2.5.4.10=Acme",
                    "CN=\"vm1\",O=Acme",
                    "CN=vm\\31,O=Acme",
                    "CN=vm1;O=Acme"
                })
        void howeverItIsWritten(String text) throws IOException {
            assertEquals(shown(rdn(BCStyle.O, "Acme"), rdn(BCStyle.CN, "vm1")), rule(text));
        }

        @Test
        void whicheverStringTypeTheAuthorityHasChosen() throws IOException {
            DistinguishedName wanted = rule("SERIALNUMBER=A 7,CN=vm1");
            for (ASN1Encodable serial : new ASN1Encodable[] {
                new DERPrintableString("A 7"), new DERUTF8String("a  7"), new DERBMPString(" A 7 ")
            }) {
                assertEquals(wanted, shown(rdn(BCStyle.CN, "vm1"), new RDN(part(BCStyle.SERIALNUMBER, serial))));
            }
        }

        @Test
        void inWhateverOrderOnePartHasItsValues() throws IOException {
            RDN both = new RDN(new AttributeTypeAndValue[] {
                part(BCStyle.UID, new DERUTF8String("7")), part(BCStyle.CN, new DERUTF8String("vm1"))
            });
            assertEquals(rule("CN=vm1+UID=7,O=Acme"), shown(rdn(BCStyle.O, "Acme"), both));
            assertEquals(rule("UID=7+CN=vm1,O=Acme"), shown(rdn(BCStyle.O, "Acme"), both));
        }

        @Test
        void withCommasAndEqualsSignsInIt() throws IOException {
            assertEquals(rule("CN=vm1\\,O\\=Acme"), shown(rdn(BCStyle.CN, "vm1,O=Acme")));
            assertEquals(rule("CN=\"Acme, Inc.\""), shown(rdn(BCStyle.CN, "Acme, Inc.")));
        }
    }

    @Nested
    class IsAnotherName {
        /** Each is what somebody could have signed who would not sign for CN=vm1,O=Acme. */
        @Test
        void whateverItLooksLike() throws IOException {
            DistinguishedName wanted = rule("CN=vm1,O=Acme");
            RDN acme = rdn(BCStyle.O, "Acme");
            RDN vm1 = rdn(BCStyle.CN, "vm1");
            assertEquals(wanted, shown(acme, vm1));
            DistinguishedName[] others = {
                shown(vm1, acme),
                shown(vm1),
                shown(acme, vm1, vm1),
                shown(acme, rdn(BCStyle.CN, "vm2"), vm1),
                shown(acme, vm1, rdn(BCStyle.CN, "vm2")),
                shown(rdn(BCStyle.CN, "vm1,O=Acme")),
                shown(rdn(BCStyle.CN, "vm1,O=Acme"), acme),
                shown(rdn(BCStyle.O, "Acme,CN=vm1")),
                shown(acme, rdn(BCStyle.CN, "\"vm1\"")),
                shown(acme, rdn(BCStyle.CN, "vm1\\")),
                shown(acme, rdn(BCStyle.CN, "v m1")),
                shown(acme, rdn(BCStyle.CN, "#vm1")),
                shown(acme, rdn(BCStyle.OU, "vm1")),
                shown(new RDN(new AttributeTypeAndValue[] {
                    part(BCStyle.O, new DERUTF8String("Acme")), part(BCStyle.CN, new DERUTF8String("vm1"))
                })),
                // Compatibility letters that a normalisation would make plain ones: fullwidth v, fullwidth comma and
                // equals sign.
                shown(acme, rdn(BCStyle.CN, "\uff56m1")),
                shown(rdn(BCStyle.CN, "vm1\uff0cO\uff1dAcme")),
                shown(acme, rdn(BCStyle.CN, "vm1\u3000")),
                shown(acme, rdn(BCStyle.CN, "vm1\u00a0"))
            };
            for (DistinguishedName other : others) {
                assertNotEquals(wanted, other);
            }
        }

        /** Where a letter of another script becomes one of ours in small letters. */
        @Test
        void whereOnlyUnicodeSeesTheSameLetter() throws IOException {
            assertNotEquals(rule("CN=backup"), shown(rdn(BCStyle.CN, "bac\u212aup")));
            assertNotEquals(rule("CN=disk"), shown(rdn(BCStyle.CN, "d\u0130sk")));
            assertEquals(rule("CN=B\u00fcro"), shown(rdn(BCStyle.CN, "b\u00fcro")));
            assertNotEquals(rule("CN=B\u00fcro"), shown(rdn(BCStyle.CN, "B\u00dcro")));
        }

        @Test
        void whereSomethingCannotBeSeen() throws IOException {
            for (String value :
                    new String[] {"vm1\0", "vm1\0.evil", "vm1\n", "\rvm1", "vm1\u200b", "\u202evm1", "v\u00adm1"}) {
                assertNull(shown(rdn(BCStyle.CN, value)), value);
                assertNull(shown(rdn(BCStyle.SERIALNUMBER, value)), value);
            }
        }

        @Test
        void whereAPartIsNoText() throws IOException {
            assertNull(shown(new RDN(part(BCStyle.SERIALNUMBER, new DEROctetString(new byte[] {1, 2})))));
        }

        @Test
        void whereThereIsNone() throws IOException {
            assertNotEquals(rule("CN=vm1"), shown());
        }
    }

    /**
     * Whatever an authority can be made to put into a name: two names are the same only if they say the same part by part,
     * however their text is quoted. The oracle never makes a text of them.
     */
    @Test
    void twoNamesAreTheSameOnlyIfTheirPartsAre() throws IOException {
        long seed = Long.getLong("seed", 20261127);
        System.out.println("seed " + seed);
        Random random = new Random(seed);
        List<List<List<String>>> said = new ArrayList<>();
        List<DistinguishedName> names = new ArrayList<>();
        for (int i = 0; i < 1500; i++) {
            List<List<String>> parts = new ArrayList<>();
            List<RDN> rdns = new ArrayList<>();
            for (int part = random.nextInt(3); part >= 0; part--) {
                ASN1ObjectIdentifier type = TYPES[random.nextInt(TYPES.length)];
                String value = anyValue(random);
                parts.add(List.of(type.getId(), plain(value)));
                rdns.add(rdn(type, value));
            }
            said.add(parts);
            names.add(shown(rdns.toArray(new RDN[0])));
        }
        int same = 0;
        for (int i = 0; i < names.size(); i++) {
            for (int j = i; j < names.size(); j++) {
                boolean equal = said.get(i).equals(said.get(j));
                assertEquals(equal, names.get(i).equals(names.get(j)), said.get(i) + " and " + said.get(j));
                same += equal && i != j ? 1 : 0;
            }
        }
        assertTrue(same > 100, "there have to be some that are the same: " + same);
    }

    private static final ASN1ObjectIdentifier[] TYPES = {BCStyle.CN, BCStyle.O, BCStyle.SERIALNUMBER};

    /** Short, and of what has a meaning in the text of a name; never empty, as there is no such value. */
    private static String anyValue(Random random) {
        String[] letters = {"a", "A", ",", "=", "+", "\\", "\"", "#", ";", "<", " ", "CN=", "2C", "\uff0c"};
        StringBuilder value = new StringBuilder("x".repeat(random.nextInt(2)));
        for (int i = random.nextInt(3); i >= 0; i--) {
            value.append(letters[random.nextInt(letters.length)]);
        }
        return value.toString().isBlank() ? "a" : value.toString();
    }

    private static String plain(String value) {
        return value.toLowerCase(Locale.ROOT).replaceAll(" +", " ").replaceAll("^ | $", "");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '`', textBlock = """
            ``
            vm1
            CN
            =vm1
            XX=vm1
            CN=vm1,
            CN=vm1,,O=Acme
            /O=Acme/CN=vm1
            CN=a\u200bb
            """)
    void whatIsNoNameIsRefused(String text) {
        IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, () -> rule(text));
        assertEquals(
                "'" + text
                        + "' is not the subject of a certificate, such as CN=vm1,O=Acme, the most specific part first,"
                        + " with a backslash before a comma within a value",
                refused.getMessage());
    }
}
