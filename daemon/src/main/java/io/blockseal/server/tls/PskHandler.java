package io.blockseal.server.tls;

import io.blockseal.metrics.TlsBreach;
import io.blockseal.metrics.TlsFailure;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelOutboundHandler;
import io.netty.channel.ChannelPromise;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.UnsupportedMessageTypeException;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.util.ReferenceCountUtil;
import io.netty.util.concurrent.FastThreadLocal;
import java.io.IOException;
import java.net.SocketAddress;
import java.nio.channels.ClosedChannelException;
import java.security.SecureRandom;
import java.util.List;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * TLS with a pre-shared key, between the socket and NBD, as Netty's own handler is with certificates: cuts the socket's
 * bytes into records and has Bouncy Castle decipher them, one at a time, so that it never holds more than a record. After
 * the handshake each is told of as a {@link TlsRecord}, and what no client needs ends it with a {@link TlsBreach}.
 *
 * <p>What is written waits in clear until it is flushed, is then enciphered in records as full as can be, and counts
 * against the channel's watermarks all along. The handshake's records are worked on elsewhere, and nothing else of the
 * connection is meanwhile. What is exchanged with the library are arrays; no buffer outlives a call. On the loop.
 */
final class PskHandler extends ByteToMessageDecoder implements ChannelOutboundHandler {
    private enum State {
        /** Waiting for the next record of the handshake. */
        HANDSHAKE,
        /** A record of the handshake is being worked on; the library belongs to another thread. */
        WORKING,
        /** Guest data may come and go. */
        SECURED,
        /** Nothing comes or goes any more: ended, broken or closed. */
        OVER
    }

    private static final int HEADER_BYTES = 5;
    private static final int PLAIN_BYTES_MAX = 1 << 14;
    /** What a cipher of TLS 1.2 may add; 1.3 allows less. */
    private static final int RECORD_BYTES_MAX = HEADER_BYTES + PLAIN_BYTES_MAX + 2048;

    private static final int HANDSHAKE_TYPE = 22;
    private static final int MAJOR_VERSION = 3;

    private static final Logger LOG = LoggerFactory.getLogger(PskHandler.class);
    private static final SecureRandom RANDOM = new SecureRandom();

    /** One record, of whatever connection the loop is at. */
    private static final FastThreadLocal<byte[]> RECORD = new FastThreadLocal<>() {
        @Override
        protected byte[] initialValue() {
            return new byte[RECORD_BYTES_MAX];
        }
    };

    private final PskProtocol library;
    private final PskServer server;
    private final Executor arithmetic;
    private final EmptyRecords empties = new EmptyRecords();
    private State state = State.HANDSHAKE;
    private boolean begun;
    private boolean told;
    private @Nullable PlainQueue plain;

    PskHandler(PskMeans psk, Executor arithmetic) {
        this(psk, arithmetic, new PskProtocol());
    }

    PskHandler(PskMeans psk, Executor arithmetic, PskProtocol library) {
        this.library = library;
        this.server = new PskServer(new PskCrypto(RANDOM, psk.ciphers()), psk.keys());
        this.arithmetic = arithmetic;
    }

    @Override
    public void handlerAdded(ChannelHandlerContext ctx) throws IOException {
        plain = new PlainQueue(ctx.channel());
        library.accept(server);
    }

    @Override
    protected void decode(ChannelHandlerContext ctx, ByteBuf in, List<Object> out) throws SSLException {
        switch (state) {
            case WORKING -> {}
            case OVER -> in.skipBytes(in.readableBytes());
            case HANDSHAKE -> {
                int bytes = recordBytes(in);
                if (!begun && in.isReadable() && !looksLikeTls(in)) {
                    fail(ctx, new TlsOutcome.Failed(TlsFailure.NOT_TLS, "what came is not a record of TLS"));
                } else if (bytes > RECORD_BYTES_MAX) {
                    fail(ctx, new TlsOutcome.Failed(TlsFailure.OTHER, "a record is longer than TLS allows"));
                } else if (bytes <= in.readableBytes()) {
                    begun = true;
                    byte[] record = new byte[bytes];
                    in.readBytes(record);
                    work(ctx, record);
                }
            }
            case SECURED -> {
                int bytes = recordBytes(in);
                if (bytes > RECORD_BYTES_MAX) {
                    end(ctx);
                    throw new SSLException("a record is longer than TLS allows");
                }
                if (bytes <= in.readableBytes()) {
                    byte[] record = RECORD.get();
                    in.readBytes(record, 0, bytes);
                    decipher(ctx, record, bytes, out);
                }
            }
        }
    }

    /** How long the first record is, header and all; more than there is while that has not come. */
    private static int recordBytes(ByteBuf in) {
        return in.readableBytes() < HEADER_BYTES
                ? HEADER_BYTES
                : HEADER_BYTES + in.getUnsignedShort(in.readerIndex() + HEADER_BYTES - 2);
    }

    private static boolean looksLikeTls(ByteBuf in) {
        return in.getUnsignedByte(in.readerIndex()) == HANDSHAKE_TYPE
                && (in.readableBytes() < 2 || in.getUnsignedByte(in.readerIndex() + 1) == MAJOR_VERSION);
    }

    /** From here until {@link #worked} the library is not ours. */
    private void work(ChannelHandlerContext ctx, byte[] record) {
        state = State.WORKING;
        try {
            arithmetic.execute(() -> {
                Throwable thrown = null;
                try {
                    library.offerInput(record);
                } catch (IOException | RuntimeException | Error refused) {
                    thrown = refused;
                }
                Throwable wrong = thrown;
                ctx.executor().execute(() -> worked(ctx, wrong));
            });
        } catch (RejectedExecutionException busy) {
            state = State.HANDSHAKE;
            fail(ctx, new TlsOutcome.Failed(TlsFailure.OTHER, "too many handshakes at once"));
        }
    }

    private void worked(ChannelHandlerContext ctx, @Nullable Throwable thrown) {
        if (state != State.WORKING) {
            // It was given up meanwhile.
            forget();
            return;
        }
        state = State.HANDSHAKE;
        if (thrown != null) {
            fail(ctx, server.failed(thrown));
            return;
        }
        send(ctx);
        if (server.isComplete()) {
            state = State.SECURED;
            tell(ctx, server.secured());
        }
        // What came meanwhile; the decoder looks at it again when it is given anything.
        try {
            channelRead(ctx, Unpooled.EMPTY_BUFFER);
            channelReadComplete(ctx);
        } catch (Exception broken) {
            ctx.fireExceptionCaught(broken);
        }
        flush(ctx);
    }

    private void decipher(ChannelHandlerContext ctx, byte[] record, int bytes, List<Object> out) throws SSLException {
        library.beginRecord();
        try {
            library.offerInput(record, 0, bytes);
        } catch (IOException | RuntimeException broken) {
            // The library has an alert for the other side.
            send(ctx);
            ctx.flush();
            end(ctx);
            if (library.wasAskedAnew()) {
                ctx.fireUserEventTriggered(TlsBreach.RENEGOTIATION);
                return;
            }
            throw new SSLException(String.valueOf(broken.getMessage()), broken);
        }
        int count = library.getAvailableInputBytes();
        if (count > 0) {
            ByteBuf deciphered = ctx.alloc().directBuffer(count, count);
            library.readInput(deciphered.internalNioBuffer(0, count), count);
            out.add(deciphered.writerIndex(count));
        }
        ctx.fireUserEventTriggered(TlsRecord.DECIPHERED);
        if (library.getAvailableOutputBytes() > 0) {
            send(ctx);
            ctx.flush();
        }
        if (library.isClosed()) {
            end(ctx);
            ctx.fireUserEventTriggered(SslCloseCompletionEvent.SUCCESS);
        } else if (empties.isOneTooMany(bytes, count > 0)) {
            end(ctx);
            // close_notify
            send(ctx);
            ctx.flush();
            ctx.fireUserEventTriggered(TlsBreach.EMPTY_RECORDS);
        }
    }

    @Override
    public void write(ChannelHandlerContext ctx, Object message, ChannelPromise promise) {
        if (!(message instanceof ByteBuf bytes)) {
            ReferenceCountUtil.release(message);
            promise.tryFailure(new UnsupportedMessageTypeException(message, ByteBuf.class));
        } else if (state == State.OVER) {
            bytes.release();
            promise.tryFailure(new ClosedChannelException());
        } else {
            queue().add(bytes, promise);
        }
    }

    @Override
    public void flush(ChannelHandlerContext ctx) {
        if (state == State.SECURED) {
            encipher(ctx);
        }
        ctx.flush();
    }

    private void encipher(ChannelHandlerContext ctx) {
        PlainQueue queue = queue();
        byte[] record = RECORD.get();
        while (state == State.SECURED && !queue.isEmpty()) {
            ChannelPromise sent = ctx.newPromise();
            ByteBuf clear = queue.remove(ctx.alloc(), PLAIN_BYTES_MAX, sent);
            int bytes = clear.readableBytes();
            clear.readBytes(record, 0, bytes);
            clear.release();
            try {
                library.writeApplicationData(record, 0, bytes);
            } catch (IOException | RuntimeException broken) {
                sent.setFailure(broken);
                end(ctx);
                ctx.fireExceptionCaught(broken);
                return;
            }
            ctx.write(takeOutput(ctx), sent);
        }
    }

    private void send(ChannelHandlerContext ctx) {
        if (library.getAvailableOutputBytes() > 0) {
            ctx.write(takeOutput(ctx), ctx.voidPromise());
        }
    }

    private ByteBuf takeOutput(ChannelHandlerContext ctx) {
        int bytes = library.getAvailableOutputBytes();
        if (bytes == 0) {
            return Unpooled.EMPTY_BUFFER;
        }
        ByteBuf records = ctx.alloc().directBuffer(bytes, bytes);
        library.readOutput(records.internalNioBuffer(0, bytes), bytes);
        return records.writerIndex(bytes);
    }

    private void fail(ChannelHandlerContext ctx, TlsOutcome.Failed failure) {
        // The library has an alert for the other side, if it was what refused.
        send(ctx);
        ctx.flush();
        // Whatever the end brings, somebody waits for this.
        tell(ctx, failure);
        end(ctx);
    }

    /** Once. */
    private void tell(ChannelHandlerContext ctx, TlsOutcome outcome) {
        if (!told) {
            told = true;
            ctx.fireUserEventTriggered(outcome);
        }
    }

    /** Nothing comes or goes from now on; what the library has of keys is wiped, now or when it is done. */
    private void end(ChannelHandlerContext ctx) {
        boolean ours = state != State.WORKING;
        state = State.OVER;
        queue().releaseAndFailAll(ctx, new ClosedChannelException());
        if (ours) {
            forget();
        }
    }

    private void forget() {
        try {
            library.close();
        } catch (IOException | RuntimeException closed) {
            LOG.debug("the end of TLS could not be said: {}", closed.getClass().getSimpleName());
        }
        server.forget();
    }

    private PlainQueue queue() {
        PlainQueue present = plain;
        if (present == null) {
            throw new IllegalStateException("not in a pipeline");
        }
        return present;
    }

    @Override
    public void close(ChannelHandlerContext ctx, ChannelPromise promise) {
        if (state == State.SECURED) {
            // The other side is to know that this is all there is: close_notify.
            end(ctx);
            send(ctx);
            ctx.flush();
        } else if (state != State.OVER) {
            end(ctx);
        }
        ctx.close(promise);
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) throws Exception {
        if (state != State.OVER) {
            end(ctx);
        }
        tell(ctx, new TlsOutcome.Failed(TlsFailure.GONE, "it closed during the handshake"));
        super.channelInactive(ctx);
    }

    @Override
    protected void handlerRemoved0(ChannelHandlerContext ctx) {
        if (state != State.OVER) {
            end(ctx);
        }
    }

    @Override
    public void bind(ChannelHandlerContext ctx, SocketAddress local, ChannelPromise promise) {
        ctx.bind(local, promise);
    }

    @Override
    public void connect(ChannelHandlerContext ctx, SocketAddress to, SocketAddress from, ChannelPromise promise) {
        ctx.connect(to, from, promise);
    }

    @Override
    public void disconnect(ChannelHandlerContext ctx, ChannelPromise promise) {
        close(ctx, promise);
    }

    @Override
    public void deregister(ChannelHandlerContext ctx, ChannelPromise promise) {
        ctx.deregister(promise);
    }

    @Override
    public void read(ChannelHandlerContext ctx) {
        ctx.read();
    }
}
