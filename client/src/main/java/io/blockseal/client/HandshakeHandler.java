package io.blockseal.client;

import io.blockseal.nbd.NbdBlockSizes;
import io.blockseal.nbd.NbdClientFlags;
import io.blockseal.nbd.NbdDecoded;
import io.blockseal.nbd.NbdExportDescription;
import io.blockseal.nbd.NbdHandshakeFlags;
import io.blockseal.nbd.NbdInfo;
import io.blockseal.nbd.NbdInfoRequest;
import io.blockseal.nbd.NbdLimits;
import io.blockseal.nbd.NbdMagic;
import io.blockseal.nbd.NbdMetaContext;
import io.blockseal.nbd.NbdMetaContextRequest;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdOptionReply;
import io.blockseal.nbd.NbdOptionReplyHeader;
import io.blockseal.nbd.NbdOptionWriter;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdServerEntry;
import io.blockseal.nbd.NbdString;
import io.netty.buffer.ByteBuf;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Haggles with a server in fixed newstyle, one option at a time, and then either hands the channel over to
 * {@link TransmissionHandler} or leaves politely. Lives on the channel's loop.
 */
final class HandshakeHandler extends ChannelInboundHandlerAdapter {
    /** What the connection is for. */
    enum Purpose {
        /** To enter transmission. */
        OPEN,
        /** To ask about one export and leave. */
        DESCRIBE,
        /** To list the exports and leave. */
        LIST
    }

    private enum State {
        /** Waiting for the server's greeting. */
        GREETING,
        /** Waiting for the replies to {@link #option}. */
        OPTION,
        /** Waiting for the answer to EXPORT_NAME, which has no header. */
        EXPORT_NAME,
        /** Said ABORT; waiting for the server to agree or to close. */
        ABORTING,
        /** The outcome is known. */
        DONE
    }

    /** What the handshake came to; {@code transmission} is there if its purpose was to open. */
    record Outcome(
            NbdSession session,
            List<NbdServerEntry> entries,
            @Nullable TransmissionHandler transmission) {}

    /** Nobody has that many exports; a server that goes on and on must not fill our memory. */
    private static final int MAX_REPLIES_TO_OPTION = 65536;

    private final Purpose purpose;
    private final String exportName;
    private final NbdClientOptions options;
    private final CompletableFuture<Outcome> outcome = new CompletableFuture<>();
    private final NbdExportDescription export = new NbdExportDescription();
    private final List<NbdMetaContext> contexts = new ArrayList<>();
    private final List<NbdServerEntry> entries = new ArrayList<>();
    private State state = State.GREETING;
    private NbdOption option = NbdOption.ABORT;
    private NbdReplyStyle style = NbdReplyStyle.SIMPLE;
    private boolean padded = true;
    private int repliesToOption;
    private @Nullable ByteBuf held;
    private @Nullable Throwable refusal;
    private @Nullable Future<?> timer;

    HandshakeHandler(Purpose purpose, String exportName, NbdClientOptions options) {
        this.purpose = purpose;
        this.exportName = exportName;
        this.options = options;
    }

    CompletableFuture<Outcome> outcome() {
        return outcome;
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        timer = context.executor()
                .schedule(() -> tooLong(context), options.handshakeTimeoutMillis(), TimeUnit.MILLISECONDS);
        context.fireChannelActive();
    }

    private void tooLong(ChannelHandlerContext context) {
        if (state == State.ABORTING) {
            conclude(context);
        } else {
            fail(context, new NbdDisconnectedException("the handshake took too long", null));
        }
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object message) {
        ByteBuf in = (ByteBuf) message;
        ByteBuf all = in;
        if (held != null) {
            all = held.writeBytes(in);
            in.release();
            held = null;
        }
        try {
            while (state != State.DONE && step(context, all)) {
                // One message of the server after the other.
            }
        } catch (NbdProtocolException e) {
            fail(context, e);
        }
        if (state == State.DONE) {
            // What is left belongs to the next handler, or, if there is none, to nobody.
            context.fireChannelRead(all);
            context.pipeline().remove(this);
            return;
        }
        if (all.isReadable()) {
            held = context.alloc().buffer(all.readableBytes()).writeBytes(all);
        }
        all.release();
    }

    private boolean step(ChannelHandlerContext context, ByteBuf in) throws NbdProtocolException {
        return switch (state) {
            case GREETING -> greeting(context, in);
            case OPTION, ABORTING -> optionReply(context, in);
            case EXPORT_NAME -> exportNameReply(context, in);
            case DONE -> false;
        };
    }

    private boolean greeting(ChannelHandlerContext context, ByteBuf in) throws NbdProtocolException {
        if (in.readableBytes() < NbdLimits.GREETING_BYTES) {
            return false;
        }
        if (in.readLong() != NbdMagic.GREETING) {
            throw new NbdProtocolException("the server does not greet with NBDMAGIC; it is no NBD server");
        }
        long second = in.readLong();
        if (second != NbdMagic.OPTION) {
            throw new NbdProtocolException(
                    second == NbdMagic.OLDSTYLE
                            ? "the server speaks oldstyle NBD, which has no exports by name and no options"
                            : "the server's greeting goes on with 0x" + Long.toHexString(second));
        }
        int flags = in.readUnsignedShort();
        boolean fixed = (flags & NbdHandshakeFlags.FIXED_NEWSTYLE) != 0;
        padded = (flags & NbdHandshakeFlags.NO_ZEROES) == 0;
        ByteBuf out = context.alloc().buffer();
        out.writeInt((fixed ? NbdClientFlags.FIXED_NEWSTYLE : 0) | (padded ? 0 : NbdClientFlags.NO_ZEROES));
        if (!fixed && purpose != Purpose.OPEN) {
            out.release();
            throw new NbdProtocolException("the server does not speak fixed newstyle; it can only be opened");
        }
        context.channel().write(out);
        if (!fixed) {
            askExportName(context);
        } else if (purpose == Purpose.LIST) {
            ask(context, NbdOption.LIST);
        } else if (options.extendedHeaders()) {
            ask(context, NbdOption.EXTENDED_HEADERS);
        } else {
            askStructuredReply(context);
        }
        return true;
    }

    private void askStructuredReply(ChannelHandlerContext context) {
        if (options.structuredReplies()) {
            ask(context, NbdOption.STRUCTURED_REPLY);
        } else {
            askExport(context);
        }
    }

    private void askMetaContexts(ChannelHandlerContext context) {
        if (options.metaContexts().isEmpty()) {
            askExport(context);
            return;
        }
        ByteBuf out = context.alloc().buffer();
        option = NbdOption.SET_META_CONTEXT;
        new NbdMetaContextRequest(exportName, options.metaContexts()).encode(out, option);
        send(context, out);
    }

    private void askExport(ChannelHandlerContext context) {
        if (purpose == Purpose.OPEN && !options.go() && style != NbdReplyStyle.EXTENDED) {
            askExportName(context);
            return;
        }
        Set<NbdInfo> infos = EnumSet.of(NbdInfo.NAME, NbdInfo.DESCRIPTION);
        if (options.blockSizes()) {
            infos.add(NbdInfo.BLOCK_SIZE);
        }
        ByteBuf out = context.alloc().buffer();
        option = purpose == Purpose.DESCRIBE ? NbdOption.INFO : NbdOption.GO;
        new NbdInfoRequest(exportName, infos).encode(out, option);
        send(context, out);
    }

    private void askExportName(ChannelHandlerContext context) {
        ByteBuf out = context.alloc().buffer();
        option = NbdOption.EXPORT_NAME;
        NbdOptionWriter.exportName(out, exportName);
        context.channel().writeAndFlush(out);
        state = State.EXPORT_NAME;
    }

    private void ask(ChannelHandlerContext context, NbdOption bareOption) {
        ByteBuf out = context.alloc().buffer();
        option = bareOption;
        NbdOptionWriter.bare(out, option);
        send(context, out);
    }

    private void send(ChannelHandlerContext context, ByteBuf out) {
        repliesToOption = 0;
        context.channel().writeAndFlush(out);
        state = State.OPTION;
    }

    private boolean exportNameReply(ChannelHandlerContext context, ByteBuf in) {
        int bytes = NbdLimits.EXPORT_NAME_REPLY_BYTES + (padded ? NbdLimits.EXPORT_NAME_PADDING_BYTES : 0);
        if (in.readableBytes() < bytes) {
            return false;
        }
        export.decodeExportNameReply(in, in.readerIndex());
        in.skipBytes(bytes);
        enterTransmission(context);
        return true;
    }

    private boolean optionReply(ChannelHandlerContext context, ByteBuf in) throws NbdProtocolException {
        if (in.readableBytes() < NbdLimits.OPTION_REPLY_HEADER_BYTES) {
            return false;
        }
        NbdDecoded<NbdOptionReplyHeader> decoded = NbdOptionReplyHeader.decode(in, in.readerIndex());
        if (!decoded.isValid()) {
            throw new NbdProtocolException(decoded.problem());
        }
        NbdOptionReplyHeader header = decoded.value();
        if (header.option() != option.code()) {
            throw new NbdProtocolException("the server answers option " + Integer.toUnsignedString(header.option())
                    + " where " + option + " was asked");
        }
        if (header.length() > NbdLimits.MAX_OPTION_BYTES) {
            throw new NbdProtocolException("an answer to " + option + " has " + header.length() + " bytes");
        }
        if (in.readableBytes() < NbdLimits.OPTION_REPLY_HEADER_BYTES + header.length()) {
            return false;
        }
        in.skipBytes(NbdLimits.OPTION_REPLY_HEADER_BYTES);
        ByteBuf payload = in.readSlice((int) header.length());
        if (state == State.ABORTING) {
            conclude(context);
        } else if (NbdOptionReply.isError(header.type())) {
            refused(context, header.type(), payload);
        } else if (header.type() == NbdOptionReply.ACK.code()) {
            acknowledged(context);
        } else {
            intermediate(header.type(), payload);
        }
        return true;
    }

    private void intermediate(int type, ByteBuf payload) throws NbdProtocolException {
        repliesToOption++;
        if (repliesToOption > MAX_REPLIES_TO_OPTION) {
            throw new NbdProtocolException("the server answers " + option + " without end");
        }
        int length = payload.readableBytes();
        int index = payload.readerIndex();
        boolean isInfo = option == NbdOption.INFO || option == NbdOption.GO;
        if (type == NbdOptionReply.INFO.code() && isInfo) {
            String problem = export.decodeInfo(payload, index, length);
            if (!problem.isEmpty()) {
                throw new NbdProtocolException(problem);
            }
        } else if (type == NbdOptionReply.SERVER.code() && option == NbdOption.LIST) {
            entries.add(valid(NbdServerEntry.decode(payload, index, length)));
        } else if (type == NbdOptionReply.META_CONTEXT.code() && option == NbdOption.SET_META_CONTEXT) {
            NbdMetaContext context = valid(NbdMetaContext.decode(payload, index, length));
            if (contexts.stream().anyMatch(other -> other.id() == context.id())) {
                throw new NbdProtocolException("two metadata contexts have one identifier");
            }
            contexts.add(context);
        } else {
            throw new NbdProtocolException(
                    "the server answers " + option + " with a reply of type " + Integer.toUnsignedString(type));
        }
    }

    private static <T> T valid(NbdDecoded<T> decoded) throws NbdProtocolException {
        if (!decoded.isValid()) {
            throw new NbdProtocolException(decoded.problem());
        }
        return decoded.value();
    }

    private void acknowledged(ChannelHandlerContext context) throws NbdProtocolException {
        switch (option) {
            case EXTENDED_HEADERS -> {
                style = NbdReplyStyle.EXTENDED;
                askMetaContexts(context);
            }
            case STRUCTURED_REPLY -> {
                style = NbdReplyStyle.STRUCTURED;
                askMetaContexts(context);
            }
            case SET_META_CONTEXT -> askExport(context);
            case LIST -> abort(context);
            case INFO, GO -> {
                if (!export.isDescribed()) {
                    throw new NbdProtocolException("the server acknowledged " + option + " without telling the size");
                }
                if (option == NbdOption.GO) {
                    enterTransmission(context);
                } else {
                    abort(context);
                }
            }
            default -> throw new NbdProtocolException("the server acknowledged " + option);
        }
    }

    private void refused(ChannelHandlerContext context, int type, ByteBuf text) {
        switch (option) {
            case EXTENDED_HEADERS -> askStructuredReply(context);
            case STRUCTURED_REPLY -> askExport(context);
            case SET_META_CONTEXT -> {
                contexts.clear();
                askExport(context);
            }
            default -> {
                boolean unknownGo = option == NbdOption.GO && type == NbdOptionReply.ERR_UNSUP.code();
                if (unknownGo && style != NbdReplyStyle.EXTENDED) {
                    askExportName(context);
                    return;
                }
                NbdDecoded<String> decoded = NbdString.decode(text, text.readerIndex(), text.readableBytes());
                refusal = new NbdRefusedException(option, type, decoded.isValid() ? decoded.value() : "");
                abort(context);
            }
        }
    }

    private void abort(ChannelHandlerContext context) {
        ask(context, NbdOption.ABORT);
        state = State.ABORTING;
    }

    private NbdSession session() {
        return new NbdSession(
                style,
                export.sizeBytes(),
                export.transmissionFlags(),
                Objects.requireNonNullElse(export.blockSizes(), NbdBlockSizes.DEFAULT),
                Objects.requireNonNullElse(export.canonicalName(), exportName),
                Objects.requireNonNullElse(export.description(), ""),
                contexts);
    }

    private void enterTransmission(ChannelHandlerContext context) {
        NbdSession session = session();
        TransmissionHandler transmission = new TransmissionHandler(context.channel(), session, options);
        context.pipeline().addLast(transmission);
        state = State.DONE;
        outcome.complete(new Outcome(session, entries, transmission));
    }

    /** The polite end of a connection that was not to be opened, or was refused. */
    private void conclude(ChannelHandlerContext context) {
        state = State.DONE;
        context.channel().close();
        if (refusal != null) {
            outcome.completeExceptionally(refusal);
        } else {
            outcome.complete(new Outcome(session(), entries, null));
        }
    }

    private void fail(ChannelHandlerContext context, Throwable cause) {
        if (state != State.DONE) {
            state = State.DONE;
            context.channel().close();
            outcome.completeExceptionally(cause);
        }
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        fail(context, new NbdDisconnectedException("the connection failed during the handshake", cause));
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        if (state == State.ABORTING) {
            // Some servers close without answering ABORT; the answer was all that was missing.
            conclude(context);
            return;
        }
        fail(
                context,
                new NbdDisconnectedException(
                        state == State.EXPORT_NAME
                                ? "the server closed on EXPORT_NAME, which is how it refuses an export"
                                : "the server closed during the handshake",
                        null));
        context.fireChannelInactive();
    }

    @Override
    public void handlerRemoved(ChannelHandlerContext context) {
        if (timer != null) {
            timer.cancel(false);
        }
        if (held != null) {
            held.release();
            held = null;
        }
    }
}
