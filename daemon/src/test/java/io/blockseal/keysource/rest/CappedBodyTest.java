package io.blockseal.keysource.rest;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.CompletionException;
import java.util.concurrent.Flow;
import org.junit.jupiter.api.Test;

/** An answer holds a key: whatever becomes of the question, nothing of it may be left behind. */
class CappedBodyTest {
    private static final byte[] ANSWER = "{\"plaintext\":\"a key\"}".getBytes(StandardCharsets.US_ASCII);

    private final byte[] room = new byte[64];
    private final CappedBody body = new CappedBody(100, room);
    private boolean canceled;

    private void subscribe() {
        body.onSubscribe(new Flow.Subscription() {
            @Override
            public void request(long count) {
                assertEquals(Long.MAX_VALUE, count);
            }

            @Override
            public void cancel() {
                canceled = true;
            }
        });
    }

    private void receive() {
        body.onNext(List.of(ByteBuffer.wrap(ANSWER)));
    }

    private byte[] whole() {
        return body.getBody().toCompletableFuture().join();
    }

    private void assertNobodyGetsIt() {
        CompletionException none = assertThrows(CompletionException.class, this::whole);
        assertTrue(none.getCause() instanceof IOException, none::toString);
    }

    @Test
    void wipesWhereItCollectedOnceItIsWhole() {
        subscribe();
        receive();
        body.onComplete();
        assertArrayEquals(ANSWER, whole());
        assertArrayEquals(new byte[64], room);
    }

    @Test
    void wipesWhatItGrewOutOf() {
        subscribe();
        for (int i = 0; i < 4; i++) {
            receive();
        }
        assertArrayEquals(new byte[64], room);
    }

    @Test
    void wipesAnAnswerThatCameBetweenTheEndOfPatienceAndTheCancelling() {
        subscribe();
        receive();
        body.onComplete();
        byte[] late = whole();
        body.abandon();
        assertArrayEquals(new byte[ANSWER.length], late);
    }

    @Test
    void wipesHalfAnAnswerAndTakesNoMoreOfIt() {
        subscribe();
        receive();
        body.abandon();
        assertTrue(canceled);
        assertArrayEquals(new byte[64], room);
        receive();
        body.onComplete();
        assertArrayEquals(new byte[64], room);
        assertNobodyGetsIt();
    }

    @Test
    void takesNothingThatBeginsOnlyWhenNobodyWaitsAnyMore() {
        body.abandon();
        subscribe();
        assertTrue(canceled);
        receive();
        assertArrayEquals(new byte[64], room);
        assertNobodyGetsIt();
    }

    @Test
    void wipesWhenTheConnectionBreaks() {
        subscribe();
        receive();
        body.onError(new IOException("reset"));
        assertArrayEquals(new byte[64], room);
        assertNobodyGetsIt();
    }
}
