package io.blockseal.server;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.block.HotPath;
import io.blockseal.memory.ArenaBuf;
import io.blockseal.metrics.RequestKind;
import io.blockseal.metrics.RequestRecorder;
import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdCommandFlags;
import io.blockseal.nbd.NbdRequestHeader;
import io.netty.channel.Channel;
import java.util.ArrayDeque;
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

    /** Extents in one BLOCK_STATUS reply at most; a client asks on from where the answer ends. */
    private static final int EXTENTS_MAX = 1024;
    /** What a request without payload costs of a turn. */
    private static final int REQUEST_COST = 1024;
    /** What a record of TLS costs of it, beside what was in it. */
    private static final int RECORD_COST = 1024;

    private final TransmissionHandler handler;
    private final NettyIoLoop loop;
    private final Channel channel;
    private final BlockChannel device;
    private final Replies replies;
    private final RequestRecorder recorder;
    private final ServerOptions options;
    private final FlushPromise promise;
    private final StatusContexts contexts;
    private final ArrayDeque<ExtentList> idleExtents = new ArrayDeque<>();
    private final Runnable onThaw = this::thawed;

    private int inFlight;
    private long operationCount;
    private long bytesInFlight;
    private int turnLeft;
    private boolean kickNeeded;
    private boolean silent;
    private boolean awaitsThaw;

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
        this.device = device;
        this.replies = replies;
        this.recorder = recorder;
        this.promise = promise;
        this.contexts = contexts;
        this.turnLeft = options.turnBytes();
    }

    /** Whether another request may be taken from the client. */
    boolean hasRoomForRequest() {
        return inFlight < options.requestsPerConnection() && canSend();
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
    }

    /** The client is gone: what waits in a frozen device ends, perhaps before this returns. */
    void abandon() {
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
            ExtentList extents = emptyExtents();
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
            operation.begun = true;
            if (operation.isEnded()) {
                end(operation);
            }
            return Step.BEGUN;
        }
        int parts = operation.partsInAll();
        if (parts > 1 && operation.isHeldWhole(replies.style().isChunked())) {
            return beginHeldRead(operation, parts);
        }
        int bytes = operation.nextPartBytes();
        if (!fits(bytes) || !canSend()) {
            return Step.WAIT;
        }
        ArenaBuf buf = loop.turnstile().lease(handler, bytes);
        if (buf == null) {
            return Step.WAIT;
        }
        boolean last = operation.position + bytes == operation.length;
        account(bytes);
        submitPart(operation, Command.READ, operation.addPart(buf), bytes);
        return last ? Step.BEGUN : Step.MORE;
    }

    private Step beginHeldRead(Operation operation, int parts) {
        if (!fits(operation.length) || !canSend()) {
            return Step.WAIT;
        }
        @Nullable ArenaBuf[] room = operation.roomFor(parts);
        if (!loop.turnstile().leaseAll(handler, Math.toIntExact(operation.largestPartBytes()), parts, room)) {
            return Step.WAIT;
        }
        operation.addedParts(parts);
        account(operation.length);
        for (int i = 0; i < parts; i++) {
            submitPart(operation, Command.READ, i, operation.nextPartBytes());
        }
        return Step.BEGUN;
    }

    /** A buffer for the next part of a WRITE, or null if it has to wait. */
    @Nullable
    ArenaBuf leaseForWrite(Operation operation) {
        int bytes = operation.nextPartBytes();
        if (!fits(bytes)) {
            return null;
        }
        ArenaBuf buf = loop.turnstile().lease(handler, bytes);
        if (buf != null) {
            account(bytes);
            buf.limitData(bytes);
            buf.setIndex(buf.dataOffset(), buf.dataOffset());
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

    private boolean fits(long bytes) {
        return bytesInFlight == 0 || bytesInFlight + bytes <= options.bytesPerConnection();
    }

    private boolean canSend() {
        if (channel.isWritable()) {
            return true;
        }
        replies.flush();
        return channel.isWritable();
    }

    private void account(long bytes) {
        bytesInFlight += bytes;
        turnLeft -= (int) bytes;
    }

    private static ExtentList grow() {
        return new ExtentList(EXTENTS_MAX);
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
            operation.takePart(part).release();
            bytesInFlight -= bytes;
        }
        if (operation.isEnded()) {
            end(operation);
        } else {
            handler.partEnded();
        }
    }

    private void readEnded(Operation operation, int part, long partOffset, int bytes) {
        boolean chunked = replies.style().isChunked();
        if (operation.partsInAll() > 1 && operation.isHeldWhole(chunked)) {
            if (operation.isEnded()) {
                heldReadEnded(operation);
            }
            return;
        }
        ArenaBuf buf = operation.takePart(part);
        bytesInFlight -= bytes;
        if (silent || operation.errno != Errno.OK) {
            buf.release();
        } else if (chunked) {
            replies.dataChunk(operation, buf, partOffset, bytes, operation.isEnded());
        } else {
            replies.wholeReply(operation, buf, bytes);
        }
    }

    private void heldReadEnded(Operation operation) {
        bytesInFlight -= operation.length;
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
            idleExtents.push(extents);
        }
        if (operation.changes) {
            promise.changeEnded();
        }
        if (command != null) {
            count(operation, command);
        }
        inFlight--;
        recorder.inFlight(-1);
        operation.close();
        loop.operations().release(operation);
        handler.operationEnded();
    }

    private void answer(Operation operation, @Nullable ExtentList extents) {
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
        ExtentList extents = emptyExtents();
        contexts.map(map).fill(operation.offset, operation.length, extents);
        boolean told = extents.count() > 0;
        if (told) {
            replies.blockStatus(operation, contexts.id(map), extents, left == 0);
        } else {
            // A chunk without extents is none; this one ends the reply behind those that were sent.
            operation.fail(Errno.EIO);
            replies.error(operation, operation.errno);
        }
        idleExtents.push(extents);
        return told ? left : 0;
    }

    private ExtentList emptyExtents() {
        ExtentList extents = idleExtents.poll();
        if (extents == null) {
            extents = grow();
        }
        extents.clear();
        return extents;
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
