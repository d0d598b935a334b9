package io.blockseal.block;

/** What a layer does when a request that it passed down comes back up. */
public interface Completion {
    /**
     * Called once, on the request's loop, after the layer's frame was popped. {@link BlockRequest#errno()} says how the
     * layers below fared. The layer now owns the request again: it goes on with {@link BlockRequest#complete}, or
     * submits it anew, or gives it back to its pool if it made it.
     *
     * @param token what the layer gave to {@link BlockRequest#push}
     */
    void onComplete(BlockRequest request, long token);
}
