package io.blockseal.client;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdRequestHeader;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.socket.DuplexChannel;
import io.netty.util.collection.LongObjectHashMap;
import io.netty.util.collection.LongObjectMap;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The transmission phase of one connection: sends requests as the limits allow, and ends every one of them exactly
 * once, by its answer or by the end of the connection. All on the channel's loop, except {@link #ended}.
 */
final class TransmissionHandler extends ChannelInboundHandlerAdapter implements ReplyDecoder.Requests {
    private enum State {
        /** Takes requests. */
        OPEN,
        /** Takes no more; says good-bye when the last one is answered. */
        DRAINING,
        /** Has said good-bye; waits for the server to close. */
        LEAVING,
        /** The channel is closed or closing. */
        ENDED
    }

    private final Channel channel;
    private final NbdSession session;
    private final NbdClientOptions options;
    private final ReplyDecoder decoder;
    private final ByteBuf held;
    private final LongObjectMap<PendingRequest> inFlight = new LongObjectHashMap<>();
    private final ArrayDeque<PendingRequest> waiting = new ArrayDeque<>();
    private final CompletableFuture<@Nullable Void> ended = new CompletableFuture<>();
    private State state = State.OPEN;
    private long inFlightBytes;
    private long nextCookie = 1;
    private boolean pumping;

    TransmissionHandler(Channel channel, NbdSession session, NbdClientOptions options) {
        this.channel = channel;
        this.session = session;
        this.options = options;
        this.decoder = new ReplyDecoder(session.style(), this);
        this.held = channel.alloc().buffer();
    }

    Channel channel() {
        return channel;
    }

    /** Completes when the channel is closed; exceptionally unless we left politely. */
    CompletableFuture<@Nullable Void> ended() {
        return ended;
    }

    /** Takes requests that were asked for together: all of them, or none if there is no room. */
    void submit(List<PendingRequest> requests) {
        if (state != State.OPEN) {
            abandon(requests, new NbdDisconnectedException("the connection is closed or closing", null));
            return;
        }
        // One call may be split into more parts than may wait; that alone must not make it impossible.
        if (!waiting.isEmpty() && waiting.size() + requests.size() > options.maxWaiting()) {
            abandon(
                    requests,
                    new IllegalStateException("more than " + options.maxWaiting()
                            + " requests are waiting; wait for some of them first"));
            return;
        }
        waiting.addAll(requests);
        pump();
    }

    /** Takes no more requests and says good-bye when all are answered. */
    void leave() {
        if (state == State.OPEN) {
            state = State.DRAINING;
            pump();
        }
    }

    private void pump() {
        // A completed future may submit more from inside; one loop is enough.
        if (pumping) {
            return;
        }
        pumping = true;
        boolean wrote = false;
        PendingRequest next = waiting.peek();
        while (next != null && hasRoomFor(next)) {
            waiting.remove();
            send(next);
            wrote = true;
            next = waiting.peek();
        }
        if (state == State.DRAINING && waiting.isEmpty() && inFlight.isEmpty()) {
            sayGoodBye();
        } else if (wrote) {
            channel.flush();
        }
        pumping = false;
    }

    private boolean hasRoomFor(PendingRequest request) {
        return inFlight.isEmpty()
                || (inFlight.size() < options.maxInFlight()
                        && inFlightBytes + request.dataBytes() <= options.maxInFlightBytes());
    }

    private void send(PendingRequest request) {
        long cookie = nextCookie++;
        inFlight.put(cookie, request);
        inFlightBytes += request.dataBytes();
        ByteBuf payload = request.takePayload();
        int flags = request.flags();
        if (payload != null && session.style() == NbdReplyStyle.EXTENDED) {
            flags |= NbdCommandFlags.PAYLOAD_LEN;
        }
        channel.write(header(request.command(), flags, cookie, request.offset(), request.length()));
        if (payload != null) {
            channel.write(payload);
        }
    }

    private ByteBuf header(NbdCommand command, int flags, long cookie, long offset, long length) {
        int bytes = session.style().requestHeaderBytes();
        ByteBuf header = channel.alloc().buffer(bytes, bytes);
        NbdRequestHeader.encode(session.style(), header, 0, flags, command.code(), cookie, offset, length);
        return header.writerIndex(bytes);
    }

    private void sayGoodBye() {
        state = State.LEAVING;
        // There are servers that never close. Some do when they see that nothing more will come; for the others we do
        // not wait for ever.
        channel.writeAndFlush(header(NbdCommand.DISC, NbdCommandFlags.NONE, 0, 0, 0))
                .addListener(sent -> {
                    if (channel instanceof DuplexChannel duplex) {
                        duplex.shutdownOutput();
                    }
                });
        channel.eventLoop().schedule(() -> channel.close(), options.disconnectTimeoutMillis(), TimeUnit.MILLISECONDS);
    }

    @Override
    public @Nullable PendingRequest byCookie(long cookie) {
        return inFlight.get(cookie);
    }

    @Override
    public void answered(long cookie) throws NbdProtocolException {
        PendingRequest request = inFlight.get(cookie);
        if (request == null) {
            throw new IllegalStateException("answered twice");
        }
        if (request.saysShutdown() && state == State.OPEN) {
            // The specification wants a soft disconnect: what was not sent yet never will be.
            state = State.DRAINING;
            List<PendingRequest> unsent = new ArrayList<>(waiting);
            waiting.clear();
            abandon(unsent, new NbdDisconnectedException("the server is shutting down", null));
        }
        request.finish();
        inFlight.remove(cookie);
        inFlightBytes -= request.dataBytes();
        if (state != State.ENDED) {
            pump();
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf in = (ByteBuf) message;
        try {
            if (state == State.ENDED) {
                return;
            }
            if (held.isReadable()) {
                held.writeBytes(in);
                decoder.decode(held);
                held.discardReadBytes();
            } else {
                decoder.decode(in);
                held.clear();
                held.writeBytes(in);
            }
        } catch (NbdProtocolException e) {
            end(e);
        } finally {
            in.release();
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        end(cause);
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        end(null);
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        held.release();
    }

    private void end(@Nullable Throwable cause) {
        if (state == State.ENDED) {
            return;
        }
        boolean polite = state == State.LEAVING && cause == null;
        state = State.ENDED;
        channel.close();
        Throwable reason = cause instanceof NbdProtocolException
                ? cause
                : new NbdDisconnectedException("the connection ended", cause);
        List<PendingRequest> lost = new ArrayList<>(inFlight.values());
        lost.addAll(waiting);
        inFlight.clear();
        waiting.clear();
        abandon(lost, reason);
        if (polite) {
            ended.complete(null);
        } else {
            ended.completeExceptionally(reason);
        }
    }

    private static void abandon(List<PendingRequest> requests, Throwable cause) {
        for (PendingRequest request : requests) {
            request.abandon(cause);
        }
    }
}
