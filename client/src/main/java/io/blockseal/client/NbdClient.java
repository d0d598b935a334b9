package io.blockseal.client;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdServerEntry;
import io.blockseal.nbd.NbdUri;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;

/**
 * One connection to one export.
 *
 * <p>All methods may be called from any thread and never block. Futures complete on the connection's loop, so what is
 * chained to them must not block either. A request that the server refused fails with {@link NbdCommandException} and
 * the connection goes on; one that the protocol forbids fails with {@link IllegalArgumentException} and is not sent;
 * everything else ends the connection and all its requests. Requests larger than the server takes are split: the
 * future then completes when all parts are done, with the first error if any.
 *
 * <p>Requests under way together have no order among them. A {@link #flush} covers what was <em>answered</em> before it
 * was asked for. Flags are those of {@link NbdCommandFlags}.
 */
public final class NbdClient implements AutoCloseable {
    private final TransmissionHandler transmission;
    private final NbdSession session;
    private final RequestRules rules;

    private NbdClient(TransmissionHandler transmission, NbdSession session, NbdClientOptions options) {
        this.transmission = transmission;
        this.session = session;
        this.rules = new RequestRules(session, options.strict());
    }

    /** Connects to an export and enters transmission. */
    public static CompletableFuture<NbdClient> connect(NbdTransport transport, NbdUri uri, NbdClientOptions options) {
        return start(transport, uri, options, HandshakeHandler.Purpose.OPEN).thenApply(outcome -> {
            TransmissionHandler transmission = outcome.transmission();
            if (transmission == null) {
                throw new IllegalStateException("the handshake ended without transmission");
            }
            return new NbdClient(transmission, outcome.session(), options);
        });
    }

    /** Asks about an export by INFO, and leaves. */
    public static CompletableFuture<NbdSession> describe(NbdTransport transport, NbdUri uri, NbdClientOptions options) {
        return start(transport, uri, options, HandshakeHandler.Purpose.DESCRIBE)
                .thenApply(HandshakeHandler.Outcome::session);
    }

    /** Lists the exports of a server, and leaves; the address's export name plays no part. */
    public static CompletableFuture<List<NbdServerEntry>> list(
            NbdTransport transport, NbdUri uri, NbdClientOptions options) {
        return start(transport, uri, options, HandshakeHandler.Purpose.LIST)
                .thenApply(outcome -> List.copyOf(outcome.entries()));
    }

    private static CompletableFuture<HandshakeHandler.Outcome> start(
            NbdTransport transport, NbdUri uri, NbdClientOptions options, HandshakeHandler.Purpose purpose) {
        if (uri.tls()) {
            return CompletableFuture.failedFuture(new IllegalArgumentException(
                    uri + " demands TLS, which this client does not speak; use nbd or nbd+unix"));
        }
        for (String parameter : uri.parameters().keySet()) {
            if (!parameter.startsWith("tls-") && !parameter.startsWith("x-")) {
                return CompletableFuture.failedFuture(
                        new IllegalArgumentException(uri + " has a parameter that is not known: " + parameter));
            }
        }
        HandshakeHandler handshake = new HandshakeHandler(purpose, uri.exportName(), options);
        transport.connect(uri, options.handshakeTimeoutMillis(), handshake).addListener(connected -> {
            if (!connected.isSuccess()) {
                handshake
                        .outcome()
                        .completeExceptionally(
                                new NbdDisconnectedException("cannot connect to " + uri, connected.cause()));
            }
        });
        return handshake.outcome();
    }

    /** What the handshake came to: size, flags, block sizes, contexts. */
    public NbdSession session() {
        return session;
    }

    /**
     * Reads {@code length} bytes into the target behind its writer index, which moves when all are there. The target
     * stays the caller's, who must not touch it before the future completes.
     */
    public CompletableFuture<@Nullable Void> read(long offset, int length, ByteBuf target, int flags) {
        if (target.writableBytes() < length) {
            return refused("the target has room for " + target.writableBytes() + " bytes, not " + length);
        }
        int targetIndex = target.writerIndex();
        return send(NbdCommand.READ, flags, offset, length, (partOffset, partLength) -> {
                    int partIndex = targetIndex + (int) (partOffset - offset);
                    return new PendingRead(flags, partOffset, (int) partLength, target, partIndex);
                })
                .thenAccept(done -> target.writerIndex(targetIndex + length));
    }

    /** Reads {@code length} bytes into a new array; for callers who do not mind one. */
    public CompletableFuture<byte[]> read(long offset, int length) {
        byte[] bytes = new byte[length];
        ByteBuf target = Unpooled.wrappedBuffer(bytes).writerIndex(0);
        return read(offset, length, target, NbdCommandFlags.NONE).thenApply(done -> bytes);
    }

    /** Writes the source's readable bytes and releases the source, whatever comes of it. */
    public CompletableFuture<@Nullable Void> write(long offset, ByteBuf source, int flags) {
        int index = source.readerIndex();
        try {
            return send(
                    NbdCommand.WRITE,
                    flags,
                    offset,
                    source.readableBytes(),
                    (partOffset, partLength) -> new PendingRequest(
                            NbdCommand.WRITE,
                            flags,
                            partOffset,
                            partLength,
                            source.retainedSlice(index + (int) (partOffset - offset), (int) partLength)));
        } finally {
            source.release();
        }
    }

    /** Makes durable what was answered before. */
    public CompletableFuture<@Nullable Void> flush() {
        return send(NbdCommand.FLUSH, NbdCommandFlags.NONE, 0, 0, dataless(NbdCommand.FLUSH, NbdCommandFlags.NONE));
    }

    /** Gives space back; what a read then finds is not defined. */
    public CompletableFuture<@Nullable Void> trim(long offset, long length, int flags) {
        return send(NbdCommand.TRIM, flags, offset, length, dataless(NbdCommand.TRIM, flags));
    }

    /** Writes zeroes. */
    public CompletableFuture<@Nullable Void> writeZeroes(long offset, long length, int flags) {
        return send(NbdCommand.WRITE_ZEROES, flags, offset, length, dataless(NbdCommand.WRITE_ZEROES, flags));
    }

    /** Hints that a part will be read soon. */
    public CompletableFuture<@Nullable Void> cache(long offset, long length) {
        int none = NbdCommandFlags.NONE;
        return send(NbdCommand.CACHE, none, offset, length, dataless(NbdCommand.CACHE, none));
    }

    /**
     * Asks where data and holes are. The answer has a list of extents for each context, by the context's name; the
     * extents follow each other from {@code offset} and may end before or behind the part asked for. A length that one
     * request cannot carry is shortened, not split.
     */
    public CompletableFuture<Map<String, List<NbdExtent>>> blockStatus(long offset, long length, int flags) {
        long asked = Long.compareUnsigned(length, rules.largestLength(NbdCommand.BLOCK_STATUS)) > 0
                ? rules.largestLength(NbdCommand.BLOCK_STATUS)
                : length;
        PendingStatus status = new PendingStatus(flags, offset, asked, session);
        return send(NbdCommand.BLOCK_STATUS, flags, offset, asked, (partOffset, partLength) -> status)
                .thenApply(done -> Map.copyOf(status.extentsByContext()));
    }

    /** Takes no more requests, waits for those under way, says good-bye, and completes when the server has closed. */
    public CompletableFuture<@Nullable Void> disconnect() {
        onLoop(transmission::leave, rejected -> {});
        return transmission.ended();
    }

    /** Completes when the connection has ended; exceptionally unless by {@link #disconnect}. */
    public CompletableFuture<@Nullable Void> ended() {
        return transmission.ended();
    }

    /** Drops the connection at once; requests under way fail. {@link #disconnect} is the polite way. */
    @Override
    public void close() {
        transmission.channel().close();
    }

    /** Makes one part of a request. */
    private interface PartMaker {
        PendingRequest make(long partOffset, long partLength);
    }

    private static PartMaker dataless(NbdCommand command, int flags) {
        return (partOffset, partLength) -> new PendingRequest(command, flags, partOffset, partLength, null);
    }

    private CompletableFuture<@Nullable Void> send(
            NbdCommand command, int flags, long offset, long length, PartMaker maker) {
        String problem = rules.problem(command, flags, offset, length);
        if (!problem.isEmpty()) {
            return refused(problem);
        }
        long largest = rules.largestLength(command);
        List<PendingRequest> parts = new ArrayList<>();
        long sent = 0;
        do {
            long left = length - sent;
            long part = Long.compareUnsigned(left, largest) > 0 ? largest : left;
            parts.add(maker.make(offset + sent, part));
            sent += part;
        } while (sent != length);
        CompletableFuture<@Nullable Void> all = Gathering.of(parts);
        onLoop(
                () -> transmission.submit(parts),
                rejected -> parts.forEach(part -> part.abandon(
                        new NbdDisconnectedException("the transport of this client is closed", rejected))));
        return all;
    }

    private static <T> CompletableFuture<T> refused(String problem) {
        return CompletableFuture.failedFuture(new IllegalArgumentException(problem));
    }

    /** Called if the loop takes no more tasks. */
    private interface Rejection {
        void rejected(RejectedExecutionException cause);
    }

    private void onLoop(Runnable task, Rejection rejection) {
        try {
            transmission.channel().eventLoop().execute(task);
        } catch (RejectedExecutionException e) {
            rejection.rejected(e);
        }
    }
}
