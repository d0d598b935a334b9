package io.blockseal.server;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.block.HotPath;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.memory.BufferArena;
import io.blockseal.metrics.RequestKind;
import io.blockseal.metrics.RequestRecorder;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdRequestHeader;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelFutureListener;
import org.jspecify.annotations.Nullable;

/**
 * What one connection has at its device: begins operations part by part within the connection's limits, takes them back
 * and has them answered. On the connection's loop; {@link TransmissionHandler} reads the socket for it.
 */
@HotPath("every command of every client goes through here, down and up")
final class CommandExecution {
    /** How a step to begin the next part of an operation went. */
    enum Step {
        /** Something is missing: room, buffers or a client that reads. The handler will be called. */
        WAIT,
        /** One part is begun, others are left. */
        MORE,
        /** Nothing is left to begin; the operation may be over already and must not be touched. */
        BEGUN
    }

    /** BLOCK_STATUS of one connection at its device; each has a list of extents, and a reply as large. */
    private static final int STATUS_MAX = 4;
    /** Memory for replies without data that a client has not taken. */
    private static final int GATHERED_COST_MAX = 128 << 10;
    /** What a request without payload costs of a turn. */
    private static final int REQUEST_COST = 1024;
    /** What a record of TLS costs of it, beside what was in it. */
    private static final int RECORD_COST = 1024;
    /** What each context costs of it that a BLOCK_STATUS asks for: tens of thousands of ranges may be looked at. */
    private static final int CONTEXT_COST = 64 << 10;

    private final TransmissionHandler handler;
    private final NettyIoLoop loop;
    private final Channel channel;
    private final BlockChannel device;
    private final Replies replies;
    private final RequestRecorder recorder;
    private final ServerOptions options;
    private final boolean secured;
    private final FlushPromise promise;
    private final StatusContexts contexts;
    private final Runnable onThaw = this::thawed;
    private final Runnable onSent = this::sent;
    private final ChannelFutureListener whenSent = this::sentLater;

    private int inFlight;
    private long operationCount;
    private long bytesInFlight;
    /** What the buffers take that these lie in, see {@link BufferShare}. */
    private long occupiedInFlight;

    private int turnLeft;
    private boolean kickNeeded;
    private boolean silent;
    /** What the device has no time for any more is not answered. */
    private boolean leavesUnanswered;

    private boolean awaitsThaw;
    private boolean awaitsSent;
    /** The reply to a READ leaves piece by piece, and no other may come between. */
    private boolean streaming;

    private int statusInFlight;
    private long besideBytes;
    /** Of {@link Replies#gatheredCost}: how much the client has taken, and how much was written before what is awaited. */
    private long gatheredTaken;

    private long gatheredMarked;

    CommandExecution(
            TransmissionHandler handler,
            Connection connection,
            BlockChannel device,
            Replies replies,
            RequestRecorder recorder,
            FlushPromise promise,
            StatusContexts contexts) {
        this.handler = handler;
        this.loop = connection.loop();
        this.channel = connection.channel();
        this.options = connection.options();
        this.secured = connection.isSecured();
        this.device = device;
        this.replies = replies;
        this.recorder = recorder;
        this.promise = promise;
        this.contexts = contexts;
        this.turnLeft = options.turnBytes();
    }

    /** Whether another request may be taken from the client. */
    boolean hasRoomForRequest() {
        return !streaming && inFlight < options.requestsPerConnection() && canSend() && takesItsReplies();
    }

    /** Likewise, of a BLOCK_STATUS. */
    boolean hasRoomForStatus() {
        return statusInFlight < STATUS_MAX;
    }

    private boolean takesItsReplies() {
        if (replies.gatheredCost() - gatheredTaken < GATHERED_COST_MAX) {
            return true;
        }
        flush();
        if (handler.unsentBytes() == 0) {
            gatheredTaken = replies.gatheredCost();
            return true;
        }
        awaitSent();
        return false;
    }

    /** Whether the device would only let a request wait; the handler is called when that may be over. */
    boolean awaitsThaw() {
        if (!device.isFrozen()) {
            return false;
        }
        if (!awaitsThaw) {
            awaitsThaw = true;
            device.whenThawed(onThaw);
        }
        return true;
    }

    private void thawed() {
        awaitsThaw = false;
        handler.deviceThawed();
    }

    /** How many requests were taken so far. */
    long operationCount() {
        return operationCount;
    }

    boolean isIdle() {
        return inFlight == 0;
    }

    /** Whether this connection may go on before the loop turns to the others. */
    boolean hasTurn() {
        return turnLeft > 0;
    }

    void renewTurn() {
        turnLeft = options.turnBytes();
    }

    /** A record was deciphered, which took time even if it was empty. */
    void chargeRecord() {
        turnLeft -= RECORD_COST;
    }

    /** No reply goes out any more; what is at the device runs to its end. */
    void silence() {
        silent = true;
        loop.share().changeBeside(-besideBytes);
        besideBytes = 0;
    }

    /** The client is gone: what waits in a frozen device ends, perhaps before this returns. */
    void abandon() {
        device.abandon();
    }

    /**
     * The client is sent away: what waits in a frozen device ends likewise, as the key it waits for may never come.
     *
     * @param forReturn whether that stays without an answer, for the client to ask again; an answer would be an error
     */
    void letGo(boolean forReturn) {
        leavesUnanswered = forReturn;
        device.abandon();
    }

    /** Begins to count an operation for this header. */
    Operation open(@Nullable NbdCommand command, NbdRequestHeader header) {
        Operation operation = loop.operations().lease();
        operation.open(this, command, header, System.nanoTime());
        inFlight++;
        operationCount++;
        recorder.inFlight(1);
        turnLeft -= REQUEST_COST;
        return operation;
    }

    /** The operation was found to be right and will change the device. */
    void beginChange(Operation operation) {
        operation.changes = true;
        promise.changeBegins();
    }

    /** A BLOCK_STATUS: the device is asked only for what it alone knows. */
    void beginStatus(Operation operation) {
        turnLeft -= Long.bitCount(operation.contexts) * CONTEXT_COST;
        if ((operation.contexts & StatusContexts.ALLOCATION_BIT) != 0) {
            submit(operation, Command.BLOCK_STATUS);
        } else {
            endWhenPartsAreIn(operation);
        }
    }

    /** Submits a command without payload. */
    void submit(Operation operation, Command command) {
        operation.begun = true;
        operation.pending = 1;
        BlockRequest request =
                loop.requests().lease().set(command, deviceFlags(operation), operation.offset, operation.length);
        if (command == Command.BLOCK_STATUS) {
            ExtentList extents = loop.extentLists().lease();
            statusInFlight++;
            operation.extents = extents;
            request.withExtents(extents);
        } else if (command == Command.FLUSH) {
            promise.flushBegins(operation);
        }
        submit(operation, request, 0);
    }

    /** Begins the next part of a READ, or all of them if the reply has to be held whole. */
    Step beginRead(Operation operation) {
        if (operation.errno != Errno.OK) {
            // A part failed already: the rest would be thrown away.
            endWhenPartsAreIn(operation);
            return Step.BEGUN;
        }
        if (!canSend() || !hasShareToRead(operation)) {
            return Step.WAIT;
        }
        int parts = operation.partsInAll();
        if (parts > 1 && isHeldWhole(operation)) {
            return beginHeldRead(operation, parts);
        }
        int bytes = operation.nextPartBytes();
        if (!fits(bytes)) {
            return Step.WAIT;
        }
        ArenaBuf buf = loop.turnstile().lease(handler, bytes);
        if (buf == null) {
            return refused(operation);
        }
        boolean last = operation.position + bytes == operation.length;
        account(bytes);
        occupiedInFlight += buf.occupiedBytes();
        submitPart(operation, Command.READ, operation.addPart(buf), bytes);
        return last ? Step.BEGUN : Step.MORE;
    }

    private Step beginHeldRead(Operation operation, int parts) {
        if (!fits(operation.length)) {
            return Step.WAIT;
        }
        @Nullable ArenaBuf[] room = operation.roomFor(parts);
        if (!loop.turnstile().leaseAll(handler, Math.toIntExact(operation.largestPartBytes()), parts, room)) {
            return refusedWhole(operation);
        }
        operation.addedParts(parts);
        account(operation.length);
        for (int i = 0; i < parts; i++) {
            occupiedInFlight += operation.part(i).occupiedBytes();
        }
        for (int i = 0; i < parts; i++) {
            submitPart(operation, Command.READ, i, operation.nextPartBytes());
        }
        return Step.BEGUN;
    }

    /** There are no buffers for it: it waits for some, or fails if there will be none. */
    private Step refused(Operation operation) {
        if (!loop.turnstile().gaveUp(handler)) {
            return Step.WAIT;
        }
        // Nothing of a streamed reply has left: its first piece would have come back, and served the next.
        operation.fail(Errno.ENOMEM);
        endWhenPartsAreIn(operation);
        return Step.BEGUN;
    }

    /** Likewise for all of its parts at a time, and where there will never be so many, a few are enough. */
    private Step refusedWhole(Operation operation) {
        if (!loop.turnstile().gaveUp(handler)) {
            return Step.WAIT;
        }
        if (inFlight > 1) {
            // No other reply may come between its pieces; the end of the others has it looked at again.
            return Step.WAIT;
        }
        stream(operation);
        return Step.MORE;
    }

    private boolean isHeldWhole(Operation operation) {
        return operation.isHeldWhole(replies.style().isChunked()) && !operation.streamed;
    }

    /** A buffer for the next part of a WRITE, or null if it has to wait, or has failed as there will be none. */
    @Nullable
    ArenaBuf leaseForWrite(Operation operation) {
        // What the client has not taken does not count: it may be sending all of this before it does.
        if (!isWithinShare(operation, occupiedInFlight)) {
            return null;
        }
        int bytes = operation.nextPartBytes();
        if (!fits(bytes)) {
            return null;
        }
        ArenaBuf buf = loop.turnstile().lease(handler, bytes);
        if (buf != null) {
            account(bytes);
            occupiedInFlight += buf.occupiedBytes();
            buf.limitData(bytes);
            buf.setIndex(buf.dataOffset(), buf.dataOffset());
        } else if (loop.turnstile().gaveUp(handler)) {
            operation.fail(Errno.ENOMEM);
        }
        return buf;
    }

    /** Submits a part that was received whole. */
    Step submitWritePart(Operation operation, ArenaBuf buf) {
        int bytes = operation.nextPartBytes();
        boolean last = operation.position + bytes == operation.length;
        submitPart(operation, Command.WRITE, operation.addPart(buf), bytes);
        return last ? Step.BEGUN : Step.MORE;
    }

    /** Gives back the buffer of a part that will never be whole, because the client is gone. */
    void abandonWritePart(Operation operation, ArenaBuf buf) {
        bytesInFlight -= operation.nextPartBytes();
        occupiedInFlight -= buf.occupiedBytes();
        buf.release();
    }

    /** Nothing more will come for this operation; it ends now or when its parts do. */
    void endWhenPartsAreIn(Operation operation) {
        operation.begun = true;
        if (operation.isEnded()) {
            end(operation);
        }
    }

    /** Lets batching layers send what was submitted since the last time. */
    void kick() {
        if (kickNeeded) {
            kickNeeded = false;
            device.kick();
        }
    }

    /**
     * Whether the next part of a payload finds room in this connection's share of the buffers, of which it has taken so
     * much; where it does not the part is cut finer. Whoever holds nothing always gets one.
     */
    private boolean isWithinShare(Operation operation, long heldBytes) {
        long left = loop.share().bytes() - heldBytes;
        operation.cutAt(BufferArena.MAX_DATA_BYTES);
        if (BufferArena.occupiedBytes(operation.nextPartBytes()) > left) {
            operation.cutAt(BufferShare.LEAST_BYTES);
        }
        return heldBytes == 0 || BufferArena.occupiedBytes(operation.nextPartBytes()) <= left;
    }

    private boolean mayRead(Operation operation, long heldBytes) {
        if (operation.streamed) {
            // In their order, which is kept by beginning one after the other.
            operation.cutAt(BufferShare.LEAST_BYTES);
            return heldBytes == 0;
        }
        if (!isHeldWhole(operation)) {
            return isWithinShare(operation, heldBytes);
        }
        // By its length, without the rest of its slots: the longest fits just into half of the default.
        if (heldBytes + operation.length <= loop.share().bytes()) {
            return true;
        }
        // No other reply may come between its pieces: it has to be the only request.
        if (heldBytes > 0 || inFlight > 1) {
            return false;
        }
        stream(operation);
        return true;
    }

    /** Its reply leaves piece by piece from now on. */
    private void stream(Operation operation) {
        operation.streamed = true;
        streaming = true;
        operation.cutAt(BufferShare.LEAST_BYTES);
    }

    /** Whether a READ may go on; if not, it does when what this connection holds becomes less. */
    private boolean hasShareToRead(Operation operation) {
        if (mayRead(operation, occupiedInFlight + handler.unsentBytes())) {
            return true;
        }
        // What was read before may still be waiting for the flush.
        flush();
        long unsent = handler.unsentBytes();
        if (mayRead(operation, occupiedInFlight + unsent)) {
            return true;
        }
        if (bytesInFlight == 0 && unsent > 0) {
            awaitSent();
        }
        return false;
    }

    /** Sends all replies that were written. */
    void flush() {
        replies.flush();
        tellShare();
    }

    /**
     * Of TLS the share is told how much the client has not taken. After a flush only: until then it lies in buffers, which
     * are counted, and all of it that leaves at once would be missed for as long as the client asks for nothing more.
     */
    private void tellShare() {
        if (secured && !silent) {
            long bytes = handler.unsentBytes();
            loop.share().changeBeside(bytes - besideBytes);
            besideBytes = bytes;
            if (bytes > 0) {
                // Nobody else would say that it has become less.
                awaitSent();
            }
        }
    }

    /** Has the handler called when all that was sent so far is taken. */
    private void awaitSent() {
        if (!awaitsSent) {
            awaitsSent = true;
            gatheredMarked = replies.gatheredCost();
            channel.writeAndFlush(Unpooled.EMPTY_BUFFER).addListener(whenSent);
        }
    }

    private void sentLater(ChannelFuture unused) {
        // Not at once: it may be told from within what is looking at it.
        loop.execute(onSent);
    }

    private void sent() {
        awaitsSent = false;
        gatheredTaken = gatheredMarked;
        if (!silent) {
            tellShare();
            handler.repliesTaken();
        }
    }

    private boolean fits(long bytes) {
        return bytesInFlight == 0 || bytesInFlight + bytes <= options.bytesPerConnection();
    }

    private boolean canSend() {
        if (channel.isWritable()) {
            return true;
        }
        flush();
        return channel.isWritable();
    }

    private void account(long bytes) {
        bytesInFlight += bytes;
        turnLeft -= (int) bytes;
    }

    private void submitPart(Operation operation, Command command, int part, int bytes) {
        ArenaBuf buf = operation.part(part);
        BlockRequest request = loop.requests()
                .lease()
                .set(command, deviceFlags(operation), operation.offset + operation.position, bytes)
                .withMemory(buf.memory(), buf.dataOffset());
        operation.position += bytes;
        operation.begun = operation.position == operation.length;
        operation.pending++;
        submit(operation, request, part);
    }

    private void submit(Operation operation, BlockRequest request, int part) {
        request.push(operation, part);
        kickNeeded = true;
        device.submit(request);
    }

    private static int deviceFlags(Operation operation) {
        int flags = 0;
        // Clients set FUA on READ and FLUSH too; it means nothing there.
        if (operation.changes && operation.has(NbdCommandFlags.FUA)) {
            flags |= BlockRequest.FUA;
        }
        if (operation.has(NbdCommandFlags.NO_HOLE)) {
            flags |= BlockRequest.NO_HOLE;
        }
        if (operation.has(NbdCommandFlags.FAST_ZERO)) {
            flags |= BlockRequest.FAST_ZERO;
        }
        if (operation.has(NbdCommandFlags.REQ_ONE)) {
            flags |= BlockRequest.REQ_ONE;
        }
        return flags;
    }

    /** A part has come back from the device; called by its operation. */
    void partEnded(Operation operation, BlockRequest request, int part) {
        Command command = request.command();
        long partOffset = request.offset();
        int bytes = (int) request.length();
        operation.fail(request.errno());
        operation.pending--;
        loop.requests().release(request);
        if (command == Command.FLUSH) {
            promise.flushEnded(operation);
        }
        if (command == Command.READ) {
            readEnded(operation, part, partOffset, bytes);
        } else if (command == Command.WRITE) {
            ArenaBuf buf = operation.takePart(part);
            bytesInFlight -= bytes;
            occupiedInFlight -= buf.occupiedBytes();
            buf.release();
        }
        if (operation.isEnded()) {
            end(operation);
        } else {
            handler.partEnded();
        }
    }

    private void readEnded(Operation operation, int part, long partOffset, int bytes) {
        if (operation.partsInAll() > 1 && isHeldWhole(operation)) {
            if (operation.isEnded()) {
                heldReadEnded(operation);
            }
            return;
        }
        ArenaBuf buf = operation.takePart(part);
        bytesInFlight -= bytes;
        occupiedInFlight -= buf.occupiedBytes();
        boolean first = partOffset == operation.offset;
        if (silent || operation.errno != Errno.OK) {
            buf.release();
            if (operation.streamed && !first && !silent) {
                // The client was promised bytes, and there is no other word for it.
                silence();
                handler.replyBroken();
            }
        } else if (operation.streamed && !first) {
            replies.morePart(buf, bytes);
        } else if (replies.style().isChunked() && !operation.streamed && !operation.has(NbdCommandFlags.DF)) {
            replies.dataChunk(operation, buf, partOffset, bytes, operation.isEnded());
        } else {
            replies.wholeReply(operation, buf, bytes);
        }
    }

    private void heldReadEnded(Operation operation) {
        bytesInFlight -= operation.length;
        for (int i = 0; i < operation.partCount(); i++) {
            occupiedInFlight -= operation.part(i).occupiedBytes();
        }
        if (silent || operation.errno != Errno.OK) {
            operation.releaseParts();
            return;
        }
        operation.position = 0;
        for (int i = 0; i < operation.partCount(); i++) {
            int bytes = operation.nextPartBytes();
            ArenaBuf buf = operation.takePart(i);
            if (i == 0) {
                replies.wholeReply(operation, buf, bytes);
            } else {
                replies.morePart(buf, bytes);
            }
            operation.position += bytes;
        }
    }

    /** Answers what has not been answered yet and forgets the operation. */
    void end(Operation operation) {
        NbdCommand command = operation.command;
        ExtentList extents = operation.extents;
        if (extents != null && operation.errno == Errno.OK && extents.count() == 0) {
            operation.fail(Errno.EIO);
        }
        if (!silent) {
            answer(operation, extents);
        }
        if (extents != null) {
            statusInFlight--;
            loop.extentLists().release(extents);
        }
        if (operation.changes) {
            promise.changeEnded();
        }
        if (command != null) {
            count(operation, command);
        }
        if (operation.streamed) {
            streaming = false;
        }
        inFlight--;
        recorder.inFlight(-1);
        operation.close();
        loop.operations().release(operation);
        handler.operationEnded();
    }

    private void answer(Operation operation, @Nullable ExtentList extents) {
        if (leavesUnanswered && operation.errno == Errno.ESHUTDOWN) {
            return;
        }
        if (operation.errno != Errno.OK) {
            // Without FAST_ZERO a client cannot make sense of ENOTSUP (specification, "Error values").
            boolean misplaced = operation.errno == Errno.ENOTSUP && !operation.has(NbdCommandFlags.FAST_ZERO);
            replies.error(operation, misplaced ? Errno.EIO : operation.errno);
        } else if (operation.command == NbdCommand.BLOCK_STATUS) {
            answerStatus(operation, extents);
        } else if (operation.command != NbdCommand.READ || operation.length == 0) {
            replies.success(operation);
        }
    }

    private void answerStatus(Operation operation, @Nullable ExtentList allocation) {
        long left = operation.contexts;
        if (allocation != null) {
            left &= ~StatusContexts.ALLOCATION_BIT;
            replies.blockStatus(operation, contexts.allocationId(), allocation, left == 0);
        }
        for (int i = 0; left != 0; i++) {
            long bit = StatusContexts.bitOfMap(i);
            if ((left & bit) != 0) {
                left = answerFromMemory(operation, i, left & ~bit);
            }
        }
    }

    /** The chunk of one context; the answer is which of {@code left} are still to come. */
    private long answerFromMemory(Operation operation, int map, long left) {
        ExtentList extents = loop.extentLists().lease();
        contexts.map(map).fill(operation.offset, operation.length, extents);
        boolean told = extents.count() > 0;
        if (told) {
            replies.blockStatus(operation, contexts.id(map), extents, left == 0);
        } else {
            // A chunk without extents is none; this one ends the reply behind those that were sent.
            operation.fail(Errno.EIO);
            replies.error(operation, operation.errno);
        }
        loop.extentLists().release(extents);
        return told ? left : 0;
    }

    private void count(Operation operation, NbdCommand command) {
        RequestKind kind =
                switch (command) {
                    case READ -> RequestKind.READ;
                    case WRITE -> RequestKind.WRITE;
                    case FLUSH -> RequestKind.FLUSH;
                    case TRIM -> RequestKind.TRIM;
                    case WRITE_ZEROES -> RequestKind.WRITE_ZEROES;
                    case CACHE -> RequestKind.CACHE;
                    case BLOCK_STATUS -> RequestKind.BLOCK_STATUS;
                    case DISC, RESIZE -> null;
                };
        if (kind != null) {
            recorder.completed(
                    kind, operation.errno != Errno.OK, operation.length, System.nanoTime() - operation.startedNanos);
        }
    }

    /** Gives up the device channel; nothing is in flight. */
    void close() {
        device.close();
        promise.close();
        recorder.connections(-1);
    }
}
