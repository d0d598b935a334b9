package io.blockseal.server;

import io.blockseal.block.BlockChannel;
import io.blockseal.export.Export;
import io.blockseal.export.ExportOffer;
import io.blockseal.export.ExportRegistry;
import io.blockseal.nbd.NbdDecoded;
import io.blockseal.nbd.NbdInfo;
import io.blockseal.nbd.NbdInfoRequest;
import io.blockseal.nbd.NbdMetaContextRequest;
import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdOptionReply;
import io.blockseal.nbd.NbdOptionReplyWriter;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdString;
import io.blockseal.server.tls.TlsMode;
import io.netty.buffer.ByteBuf;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What one client has negotiated so far, and the answer to each of its options. On the connection's loop. */
final class OptionHaggling {
    /** What has to be done after an option. */
    enum Outcome {
        /** Send the answer and wait for the next option. */
        GO_ON,
        /** Send the answer and close. */
        SAY_GOODBYE,
        /** Send the answer and turn to transmission. */
        TRANSMIT,
        /** Send the answer and begin TLS; everything negotiated so far is forgotten. */
        SECURE,
        /** There is no answer but to close; {@link #problem} says why. */
        CLOSE
    }

    private static final String SHUTTING_DOWN = "the server is shutting down";

    private final Connection connection;
    private final ExportRegistry registry;
    /** What of it this client may know of, by what it has proven until now. */
    private final ExportOffer exports;

    private final boolean fixed;
    private final boolean noZeroes;
    private final TlsMode tls;
    private NbdReplyStyle style = NbdReplyStyle.SIMPLE;
    /** The export name for which metadata contexts were selected; null if none were. */
    private @Nullable String contextsFor;

    private List<String> contextsSelected = List.of();

    private @Nullable ExportTerms chosen;
    private @Nullable BlockChannel device;
    private StatusContexts contexts = StatusContexts.NONE;
    private String problem = "";
    /** Whether the server is on its way out. */
    private boolean leaving;

    OptionHaggling(Connection connection, ExportRegistry registry, boolean fixed, boolean noZeroes, TlsMode tls) {
        this.tls = tls;
        this.connection = connection;
        this.registry = registry;
        this.exports = registry.offerTo(connection.caller());
        this.fixed = fixed;
        this.noZeroes = noZeroes;
    }

    boolean isFixed() {
        return fixed;
    }

    /**
     * As at the beginning, once TLS is there: what was said in the clear may have been said by somebody else, and what the
     * client may open depends on who it turned out to be.
     */
    OptionHaggling afresh() {
        return new OptionHaggling(connection, registry, fixed, noZeroes, tls);
    }

    /** From now on everything but ABORT is refused, for the server is shutting down. */
    void leave() {
        leaving = true;
    }

    /** Why the connection has to be closed, or why an export is closed to it. */
    String problem() {
        return problem;
    }

    /** Whether the payload of that option matters; the others are refused whatever they say. */
    boolean wantsPayload(@Nullable NbdOption option) {
        if (awaitsTls() || leaving) {
            return option == NbdOption.STARTTLS || option == NbdOption.ABORT || option == NbdOption.EXPORT_NAME;
        }
        return option != null && option != NbdOption.PEEK_EXPORT;
    }

    /** The answer to one of those others. */
    void refuse(int option, ByteBuf out) {
        if (awaitsTls()) {
            NbdOptionReplyWriter.error(out, option, NbdOptionReply.ERR_TLS_REQD, "TLS has to be begun first");
        } else if (leaving) {
            NbdOptionReplyWriter.error(out, option, NbdOptionReply.ERR_SHUTDOWN, SHUTTING_DOWN);
        } else {
            NbdOptionReplyWriter.error(out, option, NbdOptionReply.ERR_UNSUP, "this option is not supported");
        }
    }

    private boolean awaitsTls() {
        return tls == TlsMode.REQUIRED && !connection.isSecured();
    }

    /** Answers an option whose payload lies at {@code index}; the answer is appended to {@code out}. */
    Outcome answer(NbdOption option, ByteBuf in, int index, int length, ByteBuf out) {
        if (!fixed && option != NbdOption.EXPORT_NAME) {
            return close("an option that non-fixed newstyle does not have");
        }
        if (leaving && option != NbdOption.ABORT) {
            return option == NbdOption.EXPORT_NAME
                    ? close(SHUTTING_DOWN)
                    : refuse(out, option, NbdOptionReply.ERR_SHUTDOWN, SHUTTING_DOWN);
        }
        return switch (option) {
            case EXPORT_NAME -> awaitsTls() ? close("EXPORT_NAME before TLS") : exportName(in, index, length, out);
            case ABORT -> {
                NbdOptionReplyWriter.ack(out, option.code());
                yield Outcome.SAY_GOODBYE;
            }
            case LIST -> length == 0 ? list(out) : invalid(out, option, "LIST has no payload");
            case INFO, GO -> info(option, in, index, length, out);
            case STRUCTURED_REPLY ->
                length == 0 ? structuredReply(out) : invalid(out, option, "STRUCTURED_REPLY has no payload");
            case EXTENDED_HEADERS ->
                length == 0 ? extendedHeaders(out) : invalid(out, option, "EXTENDED_HEADERS has no payload");
            case LIST_META_CONTEXT, SET_META_CONTEXT -> metaContext(option, in, index, length, out);
            case STARTTLS -> startTls(length, out);
            case PEEK_EXPORT -> refuse(out, option, NbdOptionReply.ERR_UNSUP, "not supported");
        };
    }

    private Outcome startTls(int length, ByteBuf out) {
        if (connection.isSecured()) {
            return invalid(out, NbdOption.STARTTLS, "TLS is there already");
        }
        if (tls == TlsMode.OFF) {
            return refuse(out, NbdOption.STARTTLS, NbdOptionReply.ERR_POLICY, "there is no TLS here");
        }
        if (length != 0) {
            return invalid(out, NbdOption.STARTTLS, "STARTTLS has no payload");
        }
        NbdOptionReplyWriter.ack(out, NbdOption.STARTTLS.code());
        return Outcome.SECURE;
    }

    private Outcome close(String reason) {
        problem = reason;
        return Outcome.CLOSE;
    }

    private static Outcome refuse(ByteBuf out, NbdOption option, NbdOptionReply reply, String text) {
        NbdOptionReplyWriter.error(out, option.code(), reply, text);
        return Outcome.GO_ON;
    }

    private static Outcome invalid(ByteBuf out, NbdOption option, String text) {
        return refuse(out, option, NbdOptionReply.ERR_INVALID, text);
    }

    /**
     * There is no such export, or none that this client may know of: it cannot tell which from the answer. Without TLS, but
     * where TLS could make a difference, INFO and GO say so, and that for every name alike; to other options the
     * specification allows no such answer ("SELECTIVETLS mode").
     */
    private Outcome unknown(ByteBuf out, NbdOption option, String name) {
        noteRefusal(name);
        String why = exports.whyWithdrawn(name);
        if (why != null) {
            return refuse(out, option, NbdOptionReply.ERR_UNKNOWN, why);
        }
        boolean isInfo = option == NbdOption.INFO || option == NbdOption.GO;
        return isInfo && tls != TlsMode.OFF && !connection.isSecured() && exports.isMoreWithProof()
                ? refuse(out, option, NbdOptionReply.ERR_TLS_REQD, "there is no such export without TLS")
                : refuse(out, option, NbdOptionReply.ERR_UNKNOWN, "there is no export of that name");
    }

    private void noteRefusal(String name) {
        String withheld = exports.withheld(name);
        if (withheld != null) {
            connection.refused(withheld);
        }
    }

    private Outcome exportName(ByteBuf in, int index, int length, ByteBuf out) {
        if (style == NbdReplyStyle.EXTENDED) {
            return close("EXPORT_NAME after extended headers");
        }
        NbdDecoded<String> name = NbdString.decode(in, index, length);
        if (!name.isValid()) {
            return close(name.problem());
        }
        ExportOffer.Offered offered = exports.find(name.value());
        if (offered == null) {
            noteRefusal(name.value());
            return close("EXPORT_NAME of an unknown export");
        }
        ExportTerms terms = ExportTerms.of(offered, style, false);
        if (!open(terms, name.value())) {
            return close(problem.isEmpty() ? "the export could not be opened" : problem);
        }
        NbdOptionReplyWriter.exportNameReply(out, terms.sizeBytes(), terms.transmissionFlags(), !noZeroes);
        return Outcome.TRANSMIT;
    }

    private Outcome list(ByteBuf out) {
        int code = NbdOption.LIST.code();
        for (ExportOffer.Offered offered : exports.all()) {
            Export export = offered.export();
            NbdOptionReplyWriter.server(out, code, export.name(), export.description());
        }
        NbdOptionReplyWriter.ack(out, code);
        return Outcome.GO_ON;
    }

    private Outcome info(NbdOption option, ByteBuf in, int index, int length, ByteBuf out) {
        NbdDecoded<NbdInfoRequest> decoded = NbdInfoRequest.decode(in, index, length);
        if (!decoded.isValid()) {
            return invalid(out, option, decoded.problem());
        }
        NbdInfoRequest request = decoded.value();
        ExportOffer.Offered offered = exports.find(request.exportName());
        if (offered == null) {
            return unknown(out, option, request.exportName());
        }
        Export export = offered.export();
        ExportTerms terms =
                ExportTerms.of(offered, style, request.exportName().equals(contextsFor) && !contextsSelected.isEmpty());
        String closed = export.clients().closedBecause();
        if (option == NbdOption.INFO && closed != null) {
            // A GO that follows has to tell the same.
            return refuse(out, option, NbdOptionReply.ERR_POLICY, closed);
        }
        if (option == NbdOption.GO && !open(terms, request.exportName())) {
            return problem.isEmpty()
                    ? refuse(out, option, NbdOptionReply.ERR_PLATFORM, "the export could not be opened; see the log")
                    : refuse(out, option, NbdOptionReply.ERR_POLICY, problem);
        }
        int code = option.code();
        NbdOptionReplyWriter.infoExport(out, code, terms.sizeBytes(), terms.transmissionFlags());
        NbdOptionReplyWriter.infoBlockSize(out, code, terms.blockSizes());
        if (request.infos().contains(NbdInfo.NAME)) {
            NbdOptionReplyWriter.infoName(out, code, export.name());
        }
        if (request.infos().contains(NbdInfo.DESCRIPTION)) {
            NbdOptionReplyWriter.infoDescription(out, code, export.description());
        }
        NbdOptionReplyWriter.ack(out, code);
        return option == NbdOption.GO ? Outcome.TRANSMIT : Outcome.GO_ON;
    }

    private Outcome structuredReply(ByteBuf out) {
        if (style == NbdReplyStyle.EXTENDED) {
            return refuse(
                    out,
                    NbdOption.STRUCTURED_REPLY,
                    NbdOptionReply.ERR_EXT_HEADER_REQD,
                    "extended headers are in force already");
        }
        style = NbdReplyStyle.STRUCTURED;
        NbdOptionReplyWriter.ack(out, NbdOption.STRUCTURED_REPLY.code());
        return Outcome.GO_ON;
    }

    private Outcome extendedHeaders(ByteBuf out) {
        style = NbdReplyStyle.EXTENDED;
        NbdOptionReplyWriter.ack(out, NbdOption.EXTENDED_HEADERS.code());
        return Outcome.GO_ON;
    }

    private Outcome metaContext(NbdOption option, ByteBuf in, int index, int length, ByteBuf out) {
        boolean set = option == NbdOption.SET_META_CONTEXT;
        if (set) {
            // The former set is gone even if this one fails.
            contextsFor = null;
        }
        if (!style.isChunked()) {
            return invalid(out, option, "structured replies have to be negotiated first");
        }
        NbdDecoded<NbdMetaContextRequest> decoded = NbdMetaContextRequest.decode(in, index, length);
        if (!decoded.isValid()) {
            return invalid(out, option, decoded.problem());
        }
        NbdMetaContextRequest request = decoded.value();
        ExportOffer.Offered offered = exports.find(request.exportName());
        if (offered == null) {
            return unknown(out, option, request.exportName());
        }
        List<ContextNames.Context> found = ContextNames.matching(offered.export(), request.queries(), set);
        for (ContextNames.Context each : found) {
            NbdOptionReplyWriter.metaContext(out, option.code(), set ? each.id() : 0, each.name());
        }
        if (set) {
            contextsFor = request.exportName();
            contextsSelected = found.stream().map(ContextNames.Context::name).toList();
        }
        NbdOptionReplyWriter.ack(out, option.code());
        return Outcome.GO_ON;
    }

    /** The first and only time that a client reaches a device. */
    private boolean open(ExportTerms terms, String requestedName) {
        String closed = connection.enter(terms.export().clients());
        problem = closed == null ? "" : closed;
        if (closed != null) {
            connection.logRefused(terms.export().name(), closed);
            return false;
        }
        try {
            device = terms.export().device().openChannel(connection.loop());
        } catch (RuntimeException e) {
            connection.leave();
            connection.logRefused(terms.export().name(), String.valueOf(e.getMessage()));
            return false;
        }
        chosen = terms;
        contexts = requestedName.equals(contextsFor)
                ? ContextNames.selected(terms.export(), contextsSelected)
                : StatusContexts.NONE;
        return true;
    }

    /** The handler of what was agreed on; only after {@link Outcome#TRANSMIT}. */
    TransmissionHandler transmission() {
        ExportTerms terms = chosen;
        BlockChannel channel = device;
        if (terms == null || channel == null) {
            throw new IllegalStateException("nothing was opened");
        }
        Export export = terms.export();
        connection.logOpened(export.name(), style.name(), terms.isReadOnly());
        CommandRules rules = new CommandRules(
                style, terms.sizeBytes(), terms.blockSizes().minimum(), terms.transmissionFlags(), contexts.count());
        return new TransmissionHandler(
                connection,
                style,
                rules,
                channel,
                export.metrics().recorder(connection.loop().index()),
                new FlushPromise(export.losses(), connection.loop().index()),
                contexts,
                export);
    }
}
