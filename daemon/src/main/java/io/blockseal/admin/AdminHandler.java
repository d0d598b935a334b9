package io.blockseal.admin;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.ChannelFutureListener;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.handler.codec.http.DefaultFullHttpResponse;
import io.netty.handler.codec.http.FullHttpResponse;
import io.netty.handler.codec.http.HttpHeaderNames;
import io.netty.handler.codec.http.HttpMethod;
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpRequest;
import io.netty.handler.codec.http.HttpResponseStatus;
import io.netty.handler.codec.http.HttpUtil;
import io.netty.handler.codec.http.HttpVersion;
import io.netty.handler.codec.http.TooLongHttpHeaderException;
import io.netty.handler.codec.http.TooLongHttpLineException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One connection: GET and HEAD of known pages, one at a time; everything else is refused. On the admin loop. */
final class AdminHandler extends SimpleChannelInboundHandler<HttpObject> {
    private static final Logger LOG = LoggerFactory.getLogger(AdminHandler.class);

    private final Map<String, AdminPage> pages;

    AdminHandler(Map<String, AdminPage> pages) {
        this.pages = pages;
    }

    @Override
    protected void channelRead0(ChannelHandlerContext context, HttpObject part) {
        if (!(part instanceof HttpRequest request)) {
            return; // The end of a request without a body; bodies are refused with their head.
        }
        AdminPage.@Nullable Answer refusal = refusal(request);
        boolean keepAlive = refusal == null && HttpUtil.isKeepAlive(request);
        AdminPage.Answer answer = refusal == null ? answer(request) : refusal;
        boolean head = HttpMethod.HEAD.equals(request.method());
        // The next request is read only once this answer has left, so a client that never reads costs one answer.
        context.channel().config().setAutoRead(false);
        context.writeAndFlush(response(answer, head, keepAlive)).addListener((ChannelFutureListener) sent -> {
            if (keepAlive && sent.isSuccess()) {
                sent.channel().config().setAutoRead(true);
            } else {
                sent.channel().close();
            }
        });
    }

    private AdminPage.@Nullable Answer refusal(HttpRequest request) {
        Throwable broken = request.decoderResult().cause();
        if (broken instanceof TooLongHttpLineException) {
            return AdminPage.Answer.text(414, "The request line is too long.\n");
        }
        if (broken instanceof TooLongHttpHeaderException) {
            return AdminPage.Answer.text(431, "The request headers are too large.\n");
        }
        if (broken != null) {
            return AdminPage.Answer.text(400, "This is not HTTP.\n");
        }
        if (HttpUtil.isTransferEncodingChunked(request) || HttpUtil.getContentLength(request, 0L) != 0) {
            return AdminPage.Answer.text(413, "Requests here have no body.\n");
        }
        return null;
    }

    private AdminPage.Answer answer(HttpRequest request) {
        int query = request.uri().indexOf('?');
        String path = query < 0 ? request.uri() : request.uri().substring(0, query);
        AdminPage page = pages.get(path);
        if (page == null) {
            return AdminPage.Answer.text(404, "No such page. There are: " + String.join(", ", names()) + "\n");
        }
        if (!HttpMethod.GET.equals(request.method()) && !HttpMethod.HEAD.equals(request.method())) {
            return AdminPage.Answer.text(405, "Only GET and HEAD.\n");
        }
        try {
            return page.render();
        } catch (RuntimeException broken) {
            LOG.error("admin page {} could not be made", path, broken);
            return AdminPage.Answer.text(500, "This page could not be made; the log says why.\n");
        }
    }

    private Iterable<String> names() {
        return pages.keySet().stream().sorted().toList();
    }

    private static FullHttpResponse response(AdminPage.Answer answer, boolean head, boolean keepAlive) {
        byte[] body = answer.body().getBytes(StandardCharsets.UTF_8);
        ByteBuf content = head ? Unpooled.EMPTY_BUFFER : Unpooled.wrappedBuffer(body);
        FullHttpResponse response =
                new DefaultFullHttpResponse(HttpVersion.HTTP_1_1, HttpResponseStatus.valueOf(answer.status()), content);
        response.headers()
                .set(HttpHeaderNames.CONTENT_TYPE, answer.contentType())
                .set(HttpHeaderNames.CONTENT_LENGTH, body.length)
                .set(HttpHeaderNames.CACHE_CONTROL, "no-store")
                .set("x-content-type-options", "nosniff");
        if (answer.status() == 405) {
            response.headers().set(HttpHeaderNames.ALLOW, "GET, HEAD");
        }
        if (!keepAlive) {
            response.headers().set(HttpHeaderNames.CONNECTION, "close");
        }
        return response;
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        LOG.debug("admin client {} cut off", context.channel().remoteAddress(), cause);
        context.close();
    }
}
