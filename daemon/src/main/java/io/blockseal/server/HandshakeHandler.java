package io.blockseal.server;

import io.blockseal.export.ExportRegistry;
import io.blockseal.metrics.CutOff;
import io.blockseal.metrics.TlsBreach;
import io.blockseal.metrics.TlsFailure;
import io.blockseal.nbd.NbdClientFlags;
import io.blockseal.nbd.NbdDecoded;
import io.blockseal.nbd.NbdHandshakeFlags;
import io.blockseal.nbd.NbdLimits;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdOptionHeader;
import io.blockseal.nbd.NbdOptionReplyWriter;
import io.blockseal.server.tls.TlsEndpoint;
import io.blockseal.server.tls.TlsOutcome;
import io.blockseal.server.tls.TlsRecord;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import io.netty.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The handshake of one connection: cuts the client's bytes into options, bounds them in size, number and time, and gives
 * each to {@link OptionHaggling}. Then {@link TransmissionHandler} takes its place in the pipeline.
 *
 * <p>No device is touched before GO or EXPORT_NAME. On the connection's loop.
 */
final class HandshakeHandler extends ChannelInboundHandlerAdapter {
    private enum State {
        /** Waiting for 4 bytes of client flags. */
        CLIENT_FLAGS,
        /** Waiting for the next option header, 16 bytes. */
        OPTION,
        /** Waiting for the whole payload of an option that we know. */
        PAYLOAD,
        /** Swallowing the payload of an option that is refused whatever it says; never buffered. */
        SKIP_PAYLOAD,
        /** Waiting for the end of the TLS handshake; nothing but TLS is read. */
        TLS,
        /** Over: handed to transmission, or closing. */
        DONE
    }

    /** A client that haggles longer than this wants something else. */
    private static final int OPTIONS_MAX = 1024;
    /** Payload of all options together. */
    private static final long OPTION_BYTES_MAX = 1 << 20;

    /**
     * What a client may send until TLS is there: a message of the handshake has 32 KiB at most, and there are few that
     * are large.
     */
    private static final long TLS_BYTES_MAX = 128 << 10;

    /** How long a client may take to ask something, and be told that the server is shutting down. */
    private static final long LEAVE_MILLIS = 1000;

    private final Connection connection;
    private final ExportRegistry exports;
    private final Protection protection;
    private State state = State.CLIENT_FLAGS;
    private @Nullable OptionHaggling haggling;
    private @Nullable ByteBuf received;
    private @Nullable ScheduledFuture<?> timeout;
    private int option;
    private int payloadBytes;
    private int optionCount;
    private long optionBytes;

    HandshakeHandler(Connection connection, ExportRegistry exports, Protection protection) {
        this.connection = connection;
        this.exports = exports;
        this.protection = protection;
    }

    @Override
    public void channelActive(ChannelHandlerContext ctx) {
        connection.logConnected();
        timeout = ctx.executor()
                .schedule(() -> tookTooLong(ctx), connection.options().handshakeTimeoutMillis(), TimeUnit.MILLISECONDS);
        received = ctx.alloc().buffer(512);
        ByteBuf out = ctx.alloc().buffer(NbdLimits.GREETING_BYTES);
        NbdOptionReplyWriter.greeting(out, NbdHandshakeFlags.FIXED_NEWSTYLE | NbdHandshakeFlags.NO_ZEROES);
        ctx.writeAndFlush(out, ctx.voidPromise());
    }

    @Override
    public void channelRead(ChannelHandlerContext ctx, Object message) {
        ByteBuf bytes = (ByteBuf) message;
        ByteBuf in = received;
        if (in != null && state != State.DONE) {
            in.discardReadBytes();
            in.writeBytes(bytes);
        }
        bytes.release();
        work(ctx);
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext ctx) {
        work(ctx);
    }

    private void work(ChannelHandlerContext ctx) {
        ByteBuf in = received;
        boolean more = in != null;
        // A client that sends options without taking the answers waits until it has taken them.
        while (more && in != null && ctx.channel().isWritable()) {
            more = switch (state) {
                case CLIENT_FLAGS -> takeClientFlags(ctx, in);
                case OPTION -> takeOption(ctx, in);
                case PAYLOAD -> takePayload(ctx, in);
                case SKIP_PAYLOAD -> skipPayload(ctx, in);
                case TLS -> in.isReadable() && violation(ctx, "bytes came out of TLS before it was there");
                case DONE -> false;
            };
        }
        if (state != State.DONE) {
            connection.receive().autoRead(ctx.channel().config(), ctx.channel().isWritable());
            ctx.flush();
        }
    }

    private boolean takeClientFlags(ChannelHandlerContext ctx, ByteBuf in) {
        if (in.readableBytes() < NbdLimits.CLIENT_FLAGS_BYTES) {
            return false;
        }
        int flags = in.readInt();
        if ((flags & ~NbdClientFlags.ALL) != 0) {
            return violation(ctx, "unknown client flags");
        }
        haggling = new OptionHaggling(
                connection,
                exports,
                (flags & NbdClientFlags.FIXED_NEWSTYLE) != 0,
                (flags & NbdClientFlags.NO_ZEROES) != 0,
                protection.mode());
        state = State.OPTION;
        return true;
    }

    private boolean takeOption(ChannelHandlerContext ctx, ByteBuf in) {
        if (in.readableBytes() < NbdLimits.OPTION_HEADER_BYTES) {
            return false;
        }
        NbdDecoded<NbdOptionHeader> header = NbdOptionHeader.decode(in, in.readerIndex());
        if (!header.isValid()) {
            return violation(ctx, header.problem());
        }
        in.skipBytes(NbdLimits.OPTION_HEADER_BYTES);
        option = header.value().code();
        long length = header.value().length();
        optionCount++;
        optionBytes += length;
        if (length > NbdLimits.MAX_OPTION_BYTES) {
            return cutOff(
                    ctx, CutOff.HANDSHAKE_SIZE, "an option is longer than " + NbdLimits.MAX_OPTION_BYTES + " bytes");
        }
        if (optionCount > OPTIONS_MAX || optionBytes > OPTION_BYTES_MAX) {
            return cutOff(ctx, CutOff.HANDSHAKE_SIZE, "the handshake has too many options");
        }
        payloadBytes = (int) length;
        state = haggling().wantsPayload(NbdOption.of(option)) ? State.PAYLOAD : State.SKIP_PAYLOAD;
        return true;
    }

    private boolean skipPayload(ChannelHandlerContext ctx, ByteBuf in) {
        int bytes = Math.min(payloadBytes, in.readableBytes());
        in.skipBytes(bytes);
        payloadBytes -= bytes;
        if (payloadBytes > 0) {
            return false;
        }
        state = State.OPTION;
        ByteBuf out = ctx.alloc().buffer();
        haggling().refuse(option, out);
        ctx.write(out, ctx.voidPromise());
        return haggling().isFixed() || violation(ctx, "an option that non-fixed newstyle does not have");
    }

    private boolean takePayload(ChannelHandlerContext ctx, ByteBuf in) {
        if (in.readableBytes() < payloadBytes) {
            return false;
        }
        NbdOption known = NbdOption.of(option);
        if (known == null) {
            throw new IllegalStateException("an unknown option wants its payload");
        }
        int index = in.readerIndex();
        in.skipBytes(payloadBytes);
        state = State.OPTION;
        ByteBuf out = ctx.alloc().buffer();
        OptionHaggling.Outcome outcome = haggling().answer(known, in, index, payloadBytes, out);
        switch (outcome) {
            case GO_ON -> ctx.write(out, ctx.voidPromise());
            case CLOSE -> {
                out.release();
                return violation(ctx, haggling().problem());
            }
            case SAY_GOODBYE -> {
                finish();
                ctx.write(out, ctx.voidPromise());
                Drain.closeWhenSent(ctx.channel());
            }
            case SECURE -> {
                return secure(ctx, in, out);
            }
            case TRANSMIT -> {
                ctx.write(out, ctx.voidPromise());
                transmit(ctx, in);
            }
        }
        return true;
    }

    /** From the answer on there is nothing but TLS on this connection, or no connection. */
    private boolean secure(ChannelHandlerContext ctx, ByteBuf in, ByteBuf out) {
        if (in.isReadable()) {
            // Whoever can write into the client's stream could have put options there for us to take for the client's
            // once TLS is there. A client that waits for our answer, as it must, has nothing under way.
            out.release();
            unsecured(TlsFailure.PLAINTEXT_BEHIND_STARTTLS, "there are bytes in the clear behind STARTTLS");
            finish();
            Drain.closeNow(ctx.channel());
            return false;
        }
        ctx.writeAndFlush(out, ctx.voidPromise());
        state = State.TLS;
        connection.receive().secure();
        endpoint().begin(ctx.pipeline(), now -> connection
                .receive()
                .withhold(ctx.channel().config(), now));
        return false;
    }

    private TlsEndpoint endpoint() {
        TlsEndpoint present = protection.tls();
        if (present == null) {
            throw new IllegalStateException("TLS without credentials");
        }
        return present;
    }

    private void unsecured(TlsFailure reason, String detail) {
        endpoint().figures().countFailure(reason);
        connection.logUnsecured(reason, detail);
    }

    private void tlsEnded(ChannelHandlerContext ctx, TlsOutcome outcome) {
        if (state != State.TLS) {
            // It was given up before; whatever becomes of it now is of no interest.
            return;
        }
        if (outcome instanceof TlsOutcome.Secured secured) {
            endpoint()
                    .figures()
                    .countSecured(secured.version(), secured.client().proof().word());
            connection.secured(secured, endpoint().figures());
            haggling = haggling().afresh();
            state = State.OPTION;
            work(ctx);
        } else if (outcome instanceof TlsOutcome.Failed failed) {
            unsecured(failed.reason(), failed.detail());
            finish();
            // Not now: the library has yet to tell the client why.
            ctx.executor().execute(() -> Drain.closeNow(ctx.channel()));
        }
    }

    private void tookTooLong(ChannelHandlerContext ctx) {
        if (state == State.TLS) {
            connection.countCutOff(CutOff.HANDSHAKE_TIME);
            unsecured(TlsFailure.TIMEOUT, "it took too long");
            finish();
            Drain.closeNow(ctx.channel());
        } else {
            cutOff(ctx, CutOff.HANDSHAKE_TIME, "the handshake took too long");
        }
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext ctx) {
        if (state == State.TLS && connection.receive().securedBytes() > TLS_BYTES_MAX) {
            connection.countCutOff(CutOff.HANDSHAKE_SIZE);
            unsecured(TlsFailure.OTHER, "more came than a handshake can have");
            finish();
            Drain.closeNow(ctx.channel());
        }
    }

    private void transmit(ChannelHandlerContext ctx, ByteBuf leftover) {
        received = null;
        finish();
        ctx.flush();
        TransmissionHandler next = haggling().transmission();
        ctx.pipeline().replace(this, null, next);
        next.begin(leftover);
    }

    private boolean isHaggling() {
        return state == State.OPTION || state == State.PAYLOAD || state == State.SKIP_PAYLOAD;
    }

    private OptionHaggling haggling() {
        OptionHaggling present = haggling;
        if (present == null) {
            throw new IllegalStateException("an option before the client flags");
        }
        return present;
    }

    /** The server is closing. Only an answer can tell that, so what the client asks next is waited for. */
    private void leave(ChannelHandlerContext ctx) {
        haggling().leave();
        ScheduledFuture<?> running = timeout;
        if (running != null) {
            running.cancel(false);
        }
        timeout = ctx.executor().schedule(() -> endAtOnce(ctx), LEAVE_MILLIS, TimeUnit.MILLISECONDS);
    }

    private void endAtOnce(ChannelHandlerContext ctx) {
        finish();
        Drain.closeNow(ctx.channel());
    }

    private boolean cutOff(ChannelHandlerContext ctx, CutOff limit, String rule) {
        if (state != State.DONE) {
            connection.countCutOff(limit);
        }
        return violation(ctx, rule);
    }

    private boolean violation(ChannelHandlerContext ctx, String rule) {
        if (state != State.DONE) {
            connection.logViolation(rule);
            finish();
            Drain.closeNow(ctx.channel());
        }
        return false;
    }

    private void finish() {
        state = State.DONE;
        ScheduledFuture<?> running = timeout;
        timeout = null;
        if (running != null) {
            running.cancel(false);
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext ctx, Object event) {
        if (event instanceof TlsOutcome outcome) {
            tlsEnded(ctx, outcome);
        } else if (event instanceof TlsBreach breach) {
            breached(ctx, breach);
        } else if (event == Drain.REFUSING && isHaggling()) {
            leave(ctx);
        } else if (event instanceof Drain || event instanceof SslCloseCompletionEvent) {
            // Nothing is promised to a client that has not opened anything yet, or has ended TLS.
            endAtOnce(ctx);
        } else if (event != TlsRecord.DECIPHERED) {
            ctx.fireUserEventTriggered(event);
        }
    }

    private void breached(ChannelHandlerContext ctx, TlsBreach breach) {
        if (state != State.DONE) {
            connection.logBreach(breach);
            connection.receive().autoRead(ctx.channel().config(), false);
            endAtOnce(ctx);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext ctx) {
        finish();
        ByteBuf in = received;
        received = null;
        if (in != null) {
            in.release();
        }
        connection.ended();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext ctx, Throwable cause) {
        if (state != State.DONE) {
            connection.logBroken(cause);
        }
        Drain.closeNow(ctx.channel());
    }
}
