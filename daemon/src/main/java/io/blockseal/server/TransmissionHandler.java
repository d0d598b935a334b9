package io.blockseal.server;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;
import io.blockseal.export.Export;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.metrics.CutOff;
import io.blockseal.metrics.RequestRecorder;
import io.blockseal.metrics.TlsBreach;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.nbd.NbdRequestHeader;
import io.blockseal.server.limit.Pace;
import io.blockseal.server.tls.TlsRecord;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelOption;
import io.netty.channel.ChannelOutboundBuffer;
import io.netty.handler.ssl.SslCloseCompletionEvent;
import org.jspecify.annotations.Nullable;

/**
 * The transmission phase of one connection: takes requests out of the received bytes and gives them to
 * {@link CommandExecution}, as long as there is room for what they cause. On the connection's loop.
 *
 * <p>Nothing is ever read ahead of what can be worked on: when a request has to wait (for buffers, for replies to leave,
 * for its turn) the bytes behind it stay where they are, and once 64 KiB of them are there the socket is read no more.
 */
@HotPath("every request of every client is read here")
final class TransmissionHandler extends ChannelInboundHandlerAdapter
        implements BufferTurnstile.Waiter, ReceiveBuffer.Reader, StallWatch.Holder {
    /** Where in the client's stream of bytes we are. */
    private enum State {
        /** Waiting for a whole header, and for room to serve what it asks. */
        HEADER,
        /** Beginning the parts of a READ; the next header is not looked at before the last is begun. */
        READ_PARTS,
        /** Waiting for a buffer for the next part of a WRITE. */
        WRITE_BUFFER,
        /** Filling that buffer. */
        WRITE_PAYLOAD,
        /** Waiting for the whole payload of a BLOCK_STATUS. */
        STATUS_PAYLOAD,
        /** Swallowing a payload that was refused; never buffered. */
        SKIP_PAYLOAD,
        /** Nothing is read any more: the client said good-bye, broke the protocol or is gone. */
        ENDED
    }

    /** A refused payload up to this is swallowed to stay in step; who sends more is cut off. */
    private static final long SKIP_BYTES_MAX = 64L << 20;

    private final Connection connection;
    private final ReceiveBuffer receive;
    private final NbdReplyStyle style;
    private final CommandRules rules;
    private final Replies replies;
    private final CommandExecution execution;
    private final StatusContexts contexts;
    private final Channel channel;
    private final NbdRequestHeader header = new NbdRequestHeader();
    private final LoopErrands errands;

    private State state = State.HEADER;
    private @Nullable Operation current;
    private @Nullable ArenaBuf target;
    private long skipBytes;
    private final Pace pace;
    private boolean working;
    private boolean draining;
    /** Whether what is not begun stays unread, for the client to send it again elsewhere. */
    private boolean forReturn;

    private boolean closed;

    TransmissionHandler(
            Connection connection,
            NbdReplyStyle style,
            CommandRules rules,
            BlockChannel device,
            RequestRecorder recorder,
            FlushPromise promise,
            StatusContexts contexts,
            Export export) {
        this.connection = connection;
        this.receive = connection.receive();
        this.style = style;
        this.rules = rules;
        this.channel = connection.channel();
        this.replies = new Replies(channel, style);
        this.contexts = contexts;
        this.execution = new CommandExecution(this, connection, device, replies, recorder, promise, contexts);
        this.pace = new Pace(export.budget(), export.metrics(), channel.eventLoop(), this::workOn);
        this.errands = new LoopErrands(connection.loop(), this::takeTurn, this::flushNow);
        recorder.connections(1);
        connection.loop().stallWatch().add(this);
        receive.readBy(this);
    }

    /** Begins with what was received behind the handshake. */
    void begin(ByteBuf leftover) {
        if (receive.isSecured()) {
            receive.pour(leftover, channel.alloc());
        } else {
            receive.adopt(leftover);
        }
        work();
        afterBurst();
    }

    @Override
    public void channelRead(ChannelHandlerContext unused, Object message) {
        if (receive.isSecured()) {
            receive.pour((ByteBuf) message, channel.alloc());
        } else if (!receive.received((ByteBuf) message)) {
            end();
            Drain.closeNow(channel);
            return;
        }
        connection.loop().countReceipt();
        work();
    }

    @Override
    public void channelReadComplete(ChannelHandlerContext unused) {
        afterBurst();
        execution.renewTurn();
        if (receive.isSecured() && !closed) {
            // Perhaps nothing came out of what was read, and TLS has answered it.
            settleReading();
        }
    }

    @Override
    public boolean mayReadOn(long bytesRead) {
        return bytesRead < connection.options().turnBytes()
                && execution.hasTurn()
                && state != State.ENDED
                && hasRoomForAnswers();
    }

    /**
     * Whether there is room for what TLS says by itself to what is read. A client that is sending a payload may do that
     * before it takes its replies, so there is room for all of those then.
     */
    private boolean hasRoomForAnswers() {
        if (!receive.isSecured() || channel.isWritable()) {
            return true;
        }
        boolean amidPayload = current != null && state != State.READ_PARTS;
        ServerOptions options = connection.options();
        return amidPayload && unsentBytes() <= options.outboundBytes() + options.bytesPerConnection();
    }

    @Override
    public void channelWritabilityChanged(ChannelHandlerContext unused) {
        if (channel.isWritable()) {
            workOn();
        }
    }

    @Override
    public void buffersMayBeFree() {
        workOn();
    }

    /** An operation is over; called by the execution, from within {@link #work} or from a completion. */
    void operationEnded() {
        if (!closed && state != State.ENDED) {
            // While draining, too: what was begun may have waited for what this one gives back, and so may the refusal
            // of what was not. When nothing is left, that ends the connection.
            workOn();
        } else if (execution.isIdle()) {
            lastOperationEnded();
        } else {
            askForFlush();
        }
    }

    /** The device, for whose sake requests were left unbegun, may take them; called by the execution. */
    void deviceThawed() {
        workOn();
    }

    /** A part of an operation is back, others are not; called by the execution. */
    void partEnded() {
        workOn();
    }

    /** A reply of which a part has left cannot be ended; called by the execution. */
    void replyBroken() {
        violation("a reply was under way when the storage failed");
    }

    /** The client has taken all replies that a READ waited for; called by the execution. */
    void repliesTaken() {
        workOn();
    }

    private void takeTurn() {
        execution.renewTurn();
        workOn();
    }

    /** Goes on with what waits, unless that is being done further up the stack. */
    private void workOn() {
        if (!working && !closed) {
            work();
            execution.kick();
            askForFlush();
        }
    }

    /** Works on what was received until something is missing. */
    private void work() {
        working = true;
        try {
            boolean more = true;
            while (more) {
                more = step() || receive.refill();
            }
        } finally {
            // Also after a defect: what comes next must find a connection that goes on, or can end.
            working = false;
        }
        if (closed) {
            return;
        }
        if (draining && state != State.ENDED && execution.isIdle()) {
            lastOperationEnded();
        }
        settleReading();
    }

    /** Reads on, or not, as there is room for what comes. */
    private void settleReading() {
        boolean room = receive.settle() && hasRoomForAnswers();
        boolean wanted = room && !(forReturn && state == State.HEADER);
        receive.autoRead(channel.config(), wanted && state != State.ENDED);
    }

    private boolean step() {
        return switch (state) {
            case HEADER -> receive.heldBytes() >= style.requestHeaderBytes() && hasTurn() && takeHeader();
            case READ_PARTS -> hasTurn() && beginRead();
            case WRITE_BUFFER -> hasTurn() && leaseForWrite();
            case WRITE_PAYLOAD -> takePayload();
            case STATUS_PAYLOAD -> takeStatusPayload();
            case SKIP_PAYLOAD -> skipPayload();
            case ENDED -> {
                receive.close();
                yield false;
            }
        };
    }

    /** Whether this connection may go on now; if not, it will be called when the others have had their turn. */
    private boolean hasTurn() {
        if (execution.hasTurn()) {
            return true;
        }
        errands.askForTurn();
        return false;
    }

    private boolean takeHeader() {
        ByteBuf in = receive.held();
        if (in == null || forReturn || !execution.hasRoomForRequest()) {
            return false;
        }
        if (!header.decode(style, in, in.readerIndex())) {
            violation("a request does not begin with the magic number");
            return false;
        }
        NbdCommand command = NbdCommand.of(header.type());
        if (command != NbdCommand.DISC && !draining && execution.awaitsThaw()) {
            return false;
        }
        if (command == NbdCommand.BLOCK_STATUS && !execution.hasRoomForStatus()) {
            return false;
        }
        if (!draining && !pace.allows(command, header.length())) {
            return false;
        }
        in.skipBytes(style.requestHeaderBytes());
        connection.loop().countRequest(connection);
        long payloadBytes = rules.payloadBytes(header);
        if (Long.compareUnsigned(payloadBytes, SKIP_BYTES_MAX) > 0) {
            connection.countCutOff(CutOff.PAYLOAD_SIZE);
            violation("a payload is far too large");
            return false;
        }
        if (command == NbdCommand.DISC && payloadBytes == 0) {
            end();
            // The client may end its side of the stream now; what is outstanding is still owed to it.
            channel.config().setOption(ChannelOption.ALLOW_HALF_CLOSURE, Boolean.TRUE);
            if (execution.isIdle()) {
                lastOperationEnded();
            }
            return true;
        }
        Operation operation = execution.open(command, header);
        operation.fail(draining ? Errno.ESHUTDOWN : rules.check(command, header));
        if (operation.errno != Errno.OK) {
            return refuse(operation, payloadBytes);
        }
        return accept(operation, command);
    }

    private boolean refuse(Operation operation, long payloadBytes) {
        if (payloadBytes == 0) {
            execution.endWhenPartsAreIn(operation);
        } else {
            current = operation;
            skipBytes = payloadBytes;
            state = State.SKIP_PAYLOAD;
        }
        return true;
    }

    private boolean accept(Operation operation, @Nullable NbdCommand command) {
        if (operation.length == 0 && command != NbdCommand.FLUSH) {
            execution.endWhenPartsAreIn(operation);
            return true;
        }
        switch (command == null ? NbdCommand.DISC : command) {
            case READ -> {
                current = operation;
                state = State.READ_PARTS;
            }
            case WRITE -> {
                execution.beginChange(operation);
                current = operation;
                receive.expectLargePayload(operation.length >= ReceiveBuffer.BYTES);
                state = State.WRITE_BUFFER;
            }
            case FLUSH -> execution.submit(operation, Command.FLUSH);
            case TRIM -> submitChange(operation, Command.TRIM);
            case CACHE -> execution.submit(operation, Command.CACHE);
            case WRITE_ZEROES -> submitChange(operation, Command.WRITE_ZEROES);
            case BLOCK_STATUS -> {
                if (operation.has(NbdCommandFlags.PAYLOAD_LEN)) {
                    current = operation;
                    state = State.STATUS_PAYLOAD;
                } else {
                    operation.contexts = contexts.all();
                    execution.beginStatus(operation);
                }
            }
            case DISC, RESIZE -> throw new IllegalStateException("let in against the rules: " + command);
        }
        return true;
    }

    private void submitChange(Operation operation, Command command) {
        execution.beginChange(operation);
        execution.submit(operation, command);
    }

    private boolean beginRead() {
        CommandExecution.Step step = execution.beginRead(currentOperation());
        if (step == CommandExecution.Step.BEGUN) {
            current = null;
            state = State.HEADER;
        }
        if (step == CommandExecution.Step.WAIT) {
            askForStallWatch();
        }
        return step != CommandExecution.Step.WAIT;
    }

    private void askForStallWatch() {
        if (connection.loop().turnstile().isContended()) {
            connection.loop().stallWatch().somebodyWaits(connection.options().stallTimeoutMillis());
        }
    }

    private boolean leaseForWrite() {
        Operation operation = currentOperation();
        if (operation.errno != Errno.OK) {
            // A part failed already; the rest of the payload must not be written, but has to be swallowed.
            skipBytes = operation.length - operation.position;
            state = State.SKIP_PAYLOAD;
            return true;
        }
        target = execution.leaseForWrite(operation);
        if (target == null) {
            askForStallWatch();
            // If it has failed, the next step sees to its payload.
            return operation.errno != Errno.OK;
        }
        state = State.WRITE_PAYLOAD;
        return true;
    }

    private boolean takePayload() {
        ArenaBuf buf = target;
        if (buf == null) {
            throw new IllegalStateException("a payload without a buffer");
        }
        ByteBuf in = receive.held();
        if (in != null) {
            in.readBytes(buf, Math.min(in.readableBytes(), buf.writableBytes()));
        }
        if (buf.isWritable()) {
            receive.readInto(buf.writableBytes() >= ReceiveBuffer.DIRECT_BYTES_MIN ? buf : null);
            return false;
        }
        receive.readInto(null);
        target = null;
        // The state is set before the part is submitted: it may complete at once, and that looks at the state.
        Operation operation = currentOperation();
        boolean last = operation.position + operation.nextPartBytes() == operation.length;
        state = last ? State.HEADER : State.WRITE_BUFFER;
        current = last ? null : operation;
        execution.submitWritePart(operation, buf);
        return true;
    }

    private boolean takeStatusPayload() {
        Operation operation = currentOperation();
        // The rules have let in no more than the selected contexts need.
        int bytes = (int) operation.length;
        ByteBuf in = receive.held();
        if (in == null || in.readableBytes() < bytes) {
            return false;
        }
        int index = in.readerIndex();
        operation.length = StatusList.length(in, index);
        operation.contexts = StatusList.chosen(in, index, bytes, contexts);
        in.skipBytes(bytes);
        current = null;
        state = State.HEADER;
        operation.fail(operation.contexts == 0 ? Errno.EINVAL : rules.checkStatus(operation.offset, operation.length));
        if (operation.errno == Errno.OK) {
            execution.beginStatus(operation);
        } else {
            execution.endWhenPartsAreIn(operation);
        }
        return true;
    }

    private boolean skipPayload() {
        ByteBuf in = receive.held();
        if (in == null) {
            return false;
        }
        int bytes = (int) Math.min(in.readableBytes(), skipBytes);
        in.skipBytes(bytes);
        skipBytes -= bytes;
        if (skipBytes > 0) {
            return false;
        }
        Operation operation = currentOperation();
        current = null;
        state = State.HEADER;
        execution.endWhenPartsAreIn(operation);
        return true;
    }

    private Operation currentOperation() {
        Operation operation = current;
        if (operation == null) {
            throw new IllegalStateException("no operation in state " + state);
        }
        return operation;
    }

    private void askForFlush() {
        if (replies.isUnflushed()) {
            errands.askForFlush();
        }
    }

    private void flushNow() {
        if (!closed) {
            execution.flush();
        }
    }

    private void afterBurst() {
        execution.kick();
        if (!closed) {
            execution.flush();
        }
    }

    private void violation(String rule) {
        connection.logViolation(rule);
        end();
        Drain.closeNow(channel);
    }

    /** Reads nothing more. */
    private void end() {
        state = State.ENDED;
    }

    /** The server is closing: what is in flight is finished, what comes is refused or left. */
    private void drain(Drain how) {
        draining = true;
        forReturn = how == Drain.FOR_RETURN;
        if (state != State.ENDED) {
            // What a frozen device has left unbegun is refused now.
            workOn();
        }
        if (!closed) {
            execution.letGo(forReturn);
        }
    }

    @Override
    public void userEventTriggered(ChannelHandlerContext context, Object event) {
        if (event instanceof Drain how && !closed) {
            drain(how);
        } else if (event == TlsRecord.DECIPHERED) {
            execution.chargeRecord();
        } else if (event instanceof TlsBreach breach) {
            breached(breach);
        } else if (event instanceof SslCloseCompletionEvent && state != State.ENDED) {
            // The client's side of TLS is over without a good-bye: as if the connection were gone.
            end();
            Drain.closeNow(channel);
        } else {
            context.fireUserEventTriggered(event);
        }
    }

    private void breached(TlsBreach breach) {
        if (!closed) {
            connection.logBreach(breach);
            end();
            receive.autoRead(channel.config(), false);
            Drain.closeNow(channel);
        }
    }

    /** Nothing is in flight and nothing will be: sends the last replies and closes, or gives all back if it is closed. */
    private void lastOperationEnded() {
        if (closed) {
            giveAllBack();
        } else {
            end();
            execution.flush();
            Drain.closeWhenSent(channel);
        }
    }

    @Override
    public void channelInactive(ChannelHandlerContext unused) {
        closed = true;
        execution.silence();
        replies.discard();
        pace.end();
        connection.loop().turnstile().leave(this);
        connection.loop().stallWatch().remove(this);
        receive.close();
        end();
        Operation operation = current;
        ArenaBuf buf = target;
        current = null;
        target = null;
        if (operation != null) {
            if (buf != null) {
                execution.abandonWritePart(operation, buf);
            }
            execution.endWhenPartsAreIn(operation);
        } else if (execution.isIdle()) {
            giveAllBack();
        }
        if (!execution.isIdle()) {
            execution.abandon();
        }
    }

    @Override
    public boolean holdsForItsClient() {
        return target != null || unsentBytes() > 0;
    }

    @Override
    public long progress() {
        ArenaBuf buf = target;
        return unsentBytes() * 31 + (buf == null ? 0 : buf.writerIndex()) + execution.operationCount() * 1_000_003;
    }

    @Override
    public void cutOff() {
        connection.countCutOff(CutOff.STALLED);
        violation("the client has not moved while others wait for its buffers");
    }

    /** Replies that the client has not taken, as {@link OccupiedBytes} counts them. */
    long unsentBytes() {
        ChannelOutboundBuffer outbound = channel.unsafe().outboundBuffer();
        return outbound == null ? 0 : outbound.totalPendingWriteBytes();
    }

    private void giveAllBack() {
        execution.close();
        connection.ended();
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext unused, Throwable cause) {
        connection.logBroken(cause);
        Drain.closeNow(channel);
    }
}
