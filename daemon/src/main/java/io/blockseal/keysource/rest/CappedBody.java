package io.blockseal.keysource.rest;

import java.io.IOException;
import java.net.http.HttpResponse;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Flow;
import org.jspecify.annotations.Nullable;

/**
 * Collects a body up to a size, so that no server makes us run out of memory; wipes what it grew out of. Whoever gives up
 * waiting says so by {@link #abandon}: what is there by then is wiped, and what comes later is not kept. Filled on a
 * thread of the HTTP client, abandoned from any.
 */
final class CappedBody implements HttpResponse.BodySubscriber<byte[]> {
    private final CompletableFuture<byte[]> whole = new CompletableFuture<>();
    private final int bytesMax;
    private byte[] bytes;
    private int length;
    private boolean abandoned;
    private byte @Nullable [] delivered;
    private Flow.@Nullable Subscription subscription;

    CappedBody(int bytesMax) {
        this(bytesMax, new byte[2048]);
    }

    /** One that begins to collect in {@code room}. */
    CappedBody(int bytesMax, byte[] room) {
        this.bytesMax = bytesMax;
        this.bytes = room;
    }

    @Override
    public CompletionStage<byte[]> getBody() {
        return whole;
    }

    @Override
    public synchronized void onSubscribe(Flow.Subscription given) {
        subscription = given;
        if (abandoned) {
            given.cancel();
            return;
        }
        given.request(Long.MAX_VALUE);
    }

    @Override
    public synchronized void onNext(List<ByteBuffer> items) {
        if (abandoned) {
            return;
        }
        for (ByteBuffer item : items) {
            int more = item.remaining();
            if (more > bytesMax - length) {
                if (subscription != null) {
                    subscription.cancel();
                }
                onError(new IOException("the answer has more than " + bytesMax + " bytes"));
                return;
            }
            if (length + more > bytes.length) {
                byte[] larger = Arrays.copyOf(bytes, Math.max(2 * bytes.length, length + more));
                Arrays.fill(bytes, (byte) 0);
                bytes = larger;
            }
            item.get(bytes, length, more);
            length += more;
        }
    }

    @Override
    public synchronized void onError(Throwable trouble) {
        wipe();
        whole.completeExceptionally(trouble);
    }

    @Override
    public synchronized void onComplete() {
        if (abandoned) {
            return;
        }
        byte[] body = Arrays.copyOf(bytes, length);
        wipe();
        delivered = body;
        whole.complete(body);
    }

    /** Nobody waits for this body any more: it is wiped, how much of it there may be, and nothing more is taken. */
    synchronized void abandon() {
        abandoned = true;
        wipe();
        byte[] late = delivered;
        if (late != null) {
            Arrays.fill(late, (byte) 0);
        }
        Flow.Subscription given = subscription;
        if (given != null) {
            given.cancel();
        }
        whole.completeExceptionally(new IOException("nobody waited for the answer"));
    }

    private void wipe() {
        Arrays.fill(bytes, (byte) 0);
    }
}
