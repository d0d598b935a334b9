package io.blockseal.keysource.tang;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.nimbusds.jose.Algorithm;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.JWSObjectJSON;
import com.nimbusds.jose.Payload;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.KeyOperation;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.jwk.gen.RSAKeyGenerator;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Whoever can have us take another exchange key has our volume keys. */
class AdvertisementTest {
    private static ECKey one;
    private static ECKey two;
    private static ECKey exchange;

    @BeforeAll
    static void makeKeys() throws Exception {
        one = signing();
        two = signing();
        exchange = exchanging();
    }

    private static ECKey signing() throws Exception {
        return new ECKeyGenerator(Curve.P_521)
                .algorithm(JWSAlgorithm.ES512)
                .keyOperations(Set.of(KeyOperation.VERIFY))
                .generate();
    }

    private static ECKey exchanging() throws Exception {
        return new ECKeyGenerator(Curve.P_521)
                .algorithm(new Algorithm("ECMR"))
                .keyOperations(Set.of(KeyOperation.DERIVE_KEY))
                .generate();
    }

    private static byte[] advertised(List<? extends JWK> keys, ECKey... signers) throws Exception {
        JWSObjectJSON signed = new JWSObjectJSON(new Payload(new JWKSet(List.copyOf(keys)).toJSONObject(true)));
        for (ECKey signer : signers) {
            JWSAlgorithm algorithm = signer.getCurve().equals(Curve.P_256) ? JWSAlgorithm.ES256 : JWSAlgorithm.ES512;
            signed.sign(new JWSHeader.Builder(algorithm).build(), new ECDSASigner(signer.toECPrivateKey()));
        }
        return signed.serializeGeneral().getBytes(StandardCharsets.UTF_8);
    }

    private static void assertRefused(String why, byte[] body) {
        IOException refused = assertThrows(IOException.class, () -> Advertisement.of(body));
        assertTrue(refused.getMessage().contains(why), refused::getMessage);
    }

    @Test
    void isSignedByAllItsSigningKeys() throws Exception {
        Advertisement read = Advertisement.of(advertised(List.of(exchange, one, two), two, one));
        assertEquals(P521.thumbprint(exchange), P521.thumbprint(read.exchanger()));
        assertTrue(read.isSignedBy(one));
        assertTrue(read.isSignedBy(two));
        assertFalse(read.isSignedBy(signing()));
        assertRefused("has not signed it", advertised(List.of(exchange, one, two), one));
        assertRefused("has not signed it", advertised(List.of(exchange, one, two), one, one));
    }

    /** A key that is hidden signs without being shown; one that signs what is not its set does not count. */
    @Test
    void mayBeSignedByOthersAsWell() throws Exception {
        Advertisement read = Advertisement.of(advertised(List.of(exchange, one), one, two));
        assertTrue(read.isSignedBy(two));
        assertEquals(null, read.signer(P521.thumbprint(two)));
    }

    @Test
    void isNoneIfTheSetWasChangedAfterwards() throws Exception {
        String honest = new String(advertised(List.of(exchange, one), one), StandardCharsets.UTF_8);
        String other = new String(advertised(List.of(exchanging(), one), one), StandardCharsets.UTF_8);
        String payload = "\"payload\":\"([^\"]+)\"";
        String theirs = other.replaceFirst("(?s).*" + payload + ".*", "$1");
        assertRefused(
                "has not signed it",
                honest.replaceFirst(payload, "\"payload\":\"" + theirs + "\"").getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void needsASigningKeyAndAnExchangeKey() throws Exception {
        assertRefused("no key in it signs", advertised(List.of(exchange), one));
        Advertisement none = Advertisement.of(advertised(List.of(one), one));
        assertTrue(assertThrows(IOException.class, none::exchanger).getMessage().contains("ECMR"));
    }

    @Test
    void takesTheSameOfSeveralExchangeKeysEachTime() throws Exception {
        ECKey other = exchanging();
        String first = Stream.of(exchange, other)
                .map(P521::thumbprint)
                .sorted()
                .findFirst()
                .orElseThrow();
        for (List<ECKey> order : List.of(List.of(exchange, other, one), List.of(one, other, exchange))) {
            assertEquals(
                    first,
                    P521.thumbprint(Advertisement.of(advertised(order, one)).exchanger()));
        }
    }

    @Test
    void doesNotTakeKeysForSignaturesThatItCannotVerify() throws Exception {
        JWK rsa = new RSAKeyGenerator(2048)
                .algorithm(JWSAlgorithm.RS256)
                .keyOperations(Set.of(KeyOperation.VERIFY))
                .generate();
        assertRefused("only EC", advertised(List.of(exchange, one, rsa), one));
        ECKey short256 = new ECKeyGenerator(Curve.P_256)
                .keyOperations(Set.of(KeyOperation.VERIFY))
                .generate();
        Advertisement.of(advertised(List.of(exchange, one, short256), one, short256));
        assertRefused("has not signed it", advertised(List.of(exchange, one, short256), one));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "[]",
                "{}",
                "null",
                "{\"payload\":\"e30\",\"signatures\":[]}",
                "{\"payload\":\"e30\"}",
                "{\"payload\":\"e30\",\"protected\":\"e30\",\"signature\":\"AAAA\"}",
                "{\"payload\":\"e30\",\"signatures\":[{\"protected\":\"eyJhbGciOiJub25lIn0\",\"signature\":\"\"}]}",
                "{\"payload\":1,\"signatures\":1}",
                "{\"payload\":\"!\",\"signatures\":[null]}"
            })
    void isNotAnything(String text) {
        assertThrows(IOException.class, () -> Advertisement.of(text.getBytes(StandardCharsets.UTF_8)));
    }
}
