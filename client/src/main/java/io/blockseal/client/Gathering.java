package io.blockseal.client;

import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * Makes one future of the parts of a request: it completes when the last part does, never before, so that nobody
 * touches the caller's buffer afterwards; it fails with the first error. Gather before the parts are sent: all of
 * them complete on one loop, and nothing here is locked.
 */
final class Gathering {
    private final CompletableFuture<@Nullable Void> all = new CompletableFuture<>();
    private int missing;
    private @Nullable Throwable first;

    private Gathering(int parts) {
        missing = parts;
    }

    static CompletableFuture<@Nullable Void> of(List<PendingRequest> parts) {
        if (parts.size() == 1) {
            return parts.get(0).done();
        }
        Gathering gathering = new Gathering(parts.size());
        for (PendingRequest part : parts) {
            part.done().whenComplete((nothing, failure) -> gathering.arrived(failure));
        }
        return gathering.all;
    }

    private void arrived(@Nullable Throwable failure) {
        if (first == null) {
            first = failure;
        }
        missing--;
        if (missing > 0) {
            return;
        }
        if (first == null) {
            all.complete(null);
        } else {
            all.completeExceptionally(first);
        }
    }
}
