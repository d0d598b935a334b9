package io.blockseal.control;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.LastHttpContent;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One connection: takes in a request with its body, at most {@value #BODY_BYTES_MAX} bytes within
 * {@value #PATIENCE_MILLIS} ms, hands it on, and reads the next one when the answer has left. Bodies may hold secrets:
 * every byte is overwritten wherever it lay. On the control loop.
 */
final class ControlHandler extends SimpleChannelInboundHandler<HttpObject> {
    /** How long a request may take to arrive, and a client to send the next one. */
    static final long PATIENCE_MILLIS = 30_000;

    static final int BODY_BYTES_MAX = 64 << 10;
    /** How a command ends that got this answer. */
    static final String EXIT_CODE_HEADER = "blockseal-exit-code";

    private static final Logger LOG = LoggerFactory.getLogger(ControlHandler.class);

    private final Caller caller;
    private final ControlTarget target;
    private final long patienceMillis;
    private @Nullable HttpRequest request;
    private byte[] body = new byte[0];
    private int bodyBytes;
    private @Nullable Future<?> patience;
    private @Nullable CompletableFuture<ControlAnswer> answering;

    ControlHandler(Caller caller, ControlTarget target, long patienceMillis) {
        this.caller = caller;
        this.target = target;
        this.patienceMillis = patienceMillis;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        await(context);
        context.fireChannelActive();
    }

    private void await(ChannelHandlerContext context) {
        patience = context.executor().schedule(() -> context.close(), patienceMillis, TimeUnit.MILLISECONDS);
    }

    private void awaitNoMore() {
        Future<?> running = patience;
        if (running != null) {
            running.cancel(false);
        }
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpObject part) {
        if (part instanceof HttpRequest head) {
            request = head;
            ControlAnswer refusal = refusal(head);
            if (refusal != null) {
                answer(context, refusal, false);
                return;
            }
            if (HttpUtil.is100ContinueExpected(head)) {
                context.writeAndFlush(new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.CONTINUE));
            }
        }
        HttpRequest head = request;
        if (part instanceof HttpContent content && head != null) {
            if (!take(content.content())) {
                answer(context, Refusals.of(413, "a body has at most " + BODY_BYTES_MAX + " bytes"), false);
            } else if (content.decoderResult().isFailure()) {
                answer(context, Refusals.of(400, "this is not HTTP"), false);
            } else if (part instanceof LastHttpContent) {
                awaitNoMore();
                hand(context, head);
            }
        }
    }

    private static @Nullable ControlAnswer refusal(HttpRequest request) {
        Throwable broken = request.decoderResult().cause();
        if (broken instanceof TooLongHttpLineException) {
            return Refusals.of(414, "the request line is too long");
        }
        if (broken instanceof TooLongHttpHeaderException) {
            return Refusals.of(431, "the request headers are too large");
        }
        if (broken != null) {
            return Refusals.of(400, "this is not HTTP");
        }
        if (!HttpUtil.isTransferEncodingChunked(request) && HttpUtil.getContentLength(request, 0L) > BODY_BYTES_MAX) {
            return Refusals.of(413, "a body has at most " + BODY_BYTES_MAX + " bytes");
        }
        return null;
    }

    /** Moves the bytes over and overwrites them where they were; false if they are too many. */
    private boolean take(ByteBuf part) {
        int length = part.readableBytes();
        boolean fits = length <= BODY_BYTES_MAX - bodyBytes;
        if (fits && length > 0) {
            if (bodyBytes + length > body.length) {
                byte[] larger = new byte[Math.min(BODY_BYTES_MAX, Math.max(4096, 2 * (bodyBytes + length)))];
                System.arraycopy(body, 0, larger, 0, bodyBytes);
                Arrays.fill(body, (byte) 0);
                body = larger;
            }
            part.getBytes(part.readerIndex(), body, bodyBytes, length);
            bodyBytes += length;
        }
        if (length > 0 && !part.isReadOnly()) {
            part.setZero(part.readerIndex(), length);
        }
        return fits;
    }

    private void hand(ChannelHandlerContext context, HttpRequest head) {
        // The next request is read only once this answer has left.
        context.channel().config().setAutoRead(false);
        byte[] whole = Arrays.copyOf(body, bodyBytes);
        forgetBody();
        CompletableFuture<ControlAnswer> answer;
        try {
            answer = ControlRoutes.answer(head.method(), head.uri(), whole, caller, target, context.executor());
        } catch (RuntimeException defect) {
            LOG.error("control request {} could not be answered", head.method(), defect);
            answer = CompletableFuture.completedFuture(target.failure(defect));
        } finally {
            Arrays.fill(whole, (byte) 0);
        }
        answering = answer;
        boolean keepAlive = HttpUtil.isKeepAlive(head);
        answer.whenCompleteAsync(
                (done, failed) -> answer(context, failed == null ? done : target.failure(failed), keepAlive),
                context.executor());
    }

    private void answer(ChannelHandlerContext context, ControlAnswer answer, boolean keepAlive) {
        HttpRequest head = request;
        request = null;
        answering = null;
        forgetBody();
        context.writeAndFlush(response(answer, wantsText(head), keepAlive))
                .addListener((ChannelFutureListener) sent -> {
                    if (keepAlive && sent.isSuccess()) {
                        await(context);
                        sent.channel().config().setAutoRead(true);
                    } else {
                        sent.channel().close();
                    }
                });
    }

    private static boolean wantsText(@Nullable HttpRequest head) {
        String accept = head == null ? null : head.headers().get(HttpHeaderNames.ACCEPT);
        return accept != null && accept.startsWith("text/plain");
    }

    private static FullHttpResponse response(ControlAnswer answer, boolean text, boolean keepAlive) {
        boolean asText = text && answer.status() < 300;
        byte[] bytes = (asText ? answer.outcome().text() : answer.outcome().json()).getBytes(StandardCharsets.UTF_8);
        FullHttpResponse response = new DefaultFullHttpResponse(
                HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(answer.status()), Unpooled.wrappedBuffer(bytes));
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, (asText ? "text/plain" : "application/json") + "; charset=utf-8")
                .set(HttpHeaderNames.CONTENT_LENGTH, bytes.length)
                .set(HttpHeaderNames.CACHE_CONTROL, "no-store")
                .set(EXIT_CODE_HEADER, answer.outcome().exitCode());
        if (!keepAlive) {
            response.headers().set(HttpHeaderNames.CONNECTION, "close");
        }
        return response;
    }

    private void forgetBody() {
        Arrays.fill(body, (byte) 0);
        bodyBytes = 0;
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        awaitNoMore();
        forgetBody();
        CompletableFuture<ControlAnswer> waiting = answering;
        if (waiting != null) {
            waiting.cancel(false); // Nobody waits for it any more; what it began goes on.
        }
        context.fireChannelInactive();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        LOG.debug("control client {} cut off", caller, cause);
        context.close();
    }
}
