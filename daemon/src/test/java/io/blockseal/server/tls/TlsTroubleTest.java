package io.blockseal.server.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.metrics.TlsFailure;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.NotSslRecordException;
import java.nio.channels.ClosedChannelException;
import javax.net.ssl.SSLException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TlsTroubleTest {
    @Test
    void saysOfAClientThatLeftThatItLeftAndNotWhichExceptionThatWas() {
        TlsOutcome.Failed outcome = TlsTrouble.of(new ClosedChannelException());
        assertEquals(TlsFailure.GONE, outcome.reason());
        assertEquals("the client hung up in the midst of it", outcome.detail());
    }

    @Test
    void neverRepeatsWhatAClientSentInTheClear() {
        Exception library = new NotSslRecordException("not an SSL/TLS record: 736563726574");
        TlsOutcome.Failed outcome = TlsTrouble.of(new DecoderException(library));
        assertEquals(TlsFailure.NOT_TLS, outcome.reason());
        assertEquals("what came is no TLS", outcome.detail());
    }

    @ParameterizedTest
    @CsvSource({
        "PEER_DID_NOT_RETURN_A_CERTIFICATE, NO_CERTIFICATE, peer did not return a certificate",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN, REFUSED_BY_CLIENT, sslv3 alert certificate unknown",
        "TLSV1_ALERT_UNKNOWN_CA, REFUSED_BY_CLIENT, tlsv1 alert unknown ca",
        "NO_SHARED_CIPHER, NOTHING_IN_COMMON, no shared cipher",
        "UNSUPPORTED_PROTOCOL, NOTHING_IN_COMMON, unsupported protocol",
        "BAD_DECRYPT, OTHER, bad decrypt"
    })
    void readsWhatBoringSslSays(String word, TlsFailure reason, String detail) {
        Exception library = new SSLException("error:100000c0:SSL routines:OPENSSL_internal:" + word);
        TlsOutcome.Failed outcome = TlsTrouble.of(new DecoderException(library));
        assertEquals(reason, outcome.reason());
        assertEquals(detail, outcome.detail());
    }
}
