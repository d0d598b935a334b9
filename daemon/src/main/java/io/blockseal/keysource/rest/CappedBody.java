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

/** Collects a body up to a size, so that no server makes us run out of memory; wipes what it grew out of. */
final class CappedBody implements HttpResponse.BodySubscriber<byte[]> {
    private final CompletableFuture<byte[]> whole = new CompletableFuture<>();
    private final int bytesMax;
    private byte[] bytes = new byte[2048];
    private int length;
    private Flow.@Nullable Subscription subscription;

    CappedBody(int bytesMax) {
        this.bytesMax = bytesMax;
    }

    @Override
    public CompletionStage<byte[]> getBody() {
        return whole;
    }

    @Override
    public void onSubscribe(Flow.Subscription given) {
        subscription = given;
        given.request(Long.MAX_VALUE);
    }

    @Override
    public void onNext(List<ByteBuffer> items) {
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
    public void onError(Throwable trouble) {
        Arrays.fill(bytes, (byte) 0);
        whole.completeExceptionally(trouble);
    }

    @Override
    public void onComplete() {
        byte[] body = Arrays.copyOf(bytes, length);
        Arrays.fill(bytes, (byte) 0);
        whole.complete(body);
    }
}
