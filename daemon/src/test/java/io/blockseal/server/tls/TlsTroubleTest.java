package io.blockseal.server.tls;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.metrics.TlsFailure;
import io.netty.handler.codec.DecoderException;
import io.netty.handler.ssl.NotSslRecordException;
import java.nio.channels.ClosedChannelException;
import org.junit.jupiter.api.Test;

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
}
