package io.blockseal.client;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdError;
import io.blockseal.nbd.NbdRequestHeader;
import io.netty.buffer.ByteBuf;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/**
 * One request on its way: what was sent, what has come back, and whom to tell. Lives on the connection's loop.
 *
 * <p>This class is the request without data in its answer; subclasses accept data or extents. Whatever an answer may
 * not contain is a breach of the protocol.
 */
class PendingRequest {
    private final NbdCommand command;
    private final int flags;
    private final long offset;
    private final long length;
    private final CompletableFuture<@Nullable Void> done = new CompletableFuture<>();
    private @Nullable ByteBuf payload;
    private @Nullable NbdCommandException failure;

    PendingRequest(NbdCommand command, int flags, long offset, long length, @Nullable ByteBuf payload) {
        this.command = command;
        this.flags = flags;
        this.offset = offset;
        this.length = length;
        this.payload = payload;
    }

    final NbdCommand command() {
        return command;
    }

    final int flags() {
        return flags;
    }

    final long offset() {
        return offset;
    }

    final long length() {
        return length;
    }

    /** Completes on the loop; never before the last part of the answer is in, or the connection is lost. */
    final CompletableFuture<@Nullable Void> done() {
        return done;
    }

    /** Bytes of data that this request keeps in memory while it is under way. */
    final long dataBytes() {
        return command == NbdCommand.READ || command == NbdCommand.WRITE ? length : 0;
    }

    /** Hands the payload over to who writes it to the socket; null if there is none. */
    final @Nullable ByteBuf takePayload() {
        ByteBuf taken = payload;
        payload = null;
        return taken;
    }

    /** A part of the data begins: that many bytes will come, for this place in the export. */
    void beginData(long dataOffset, long dataLength) throws NbdProtocolException {
        throw unexpected("data");
    }

    /** Takes up to {@code limit} bytes of the part begun last, as they arrive. */
    void data(ByteBuf source, int limit) {
        throw new IllegalStateException("no data was begun");
    }

    /** A part of the data reads as zeroes. */
    void hole(long holeOffset, long holeLength) throws NbdProtocolException {
        throw unexpected("a hole");
    }

    /** The extents of one metadata context. */
    void status(int contextId, List<NbdExtent> extents) throws NbdProtocolException {
        throw unexpected("block status");
    }

    /** Checks that a successful answer was complete. */
    void checkComplete() throws NbdProtocolException {}

    final NbdProtocolException unexpected(String what) {
        return new NbdProtocolException("the server answered " + this + " with " + what);
    }

    /** An error for the whole request. */
    final void error(int code, String text) throws NbdProtocolException {
        fail(code, NbdCommandException.of(command, NbdError.of(code), text));
    }

    /** An error with its place. */
    final void errorAt(int code, String text, long errorOffset) throws NbdProtocolException {
        if (!NbdRequestHeader.isWithin(errorOffset - offset, 1, length)) {
            throw unexpected("an error at " + Long.toUnsignedString(errorOffset) + ", outside the request");
        }
        fail(code, NbdCommandException.at(command, NbdError.of(code), text, errorOffset));
    }

    /** The first error counts. */
    private void fail(int code, NbdCommandException error) throws NbdProtocolException {
        if (code == 0) {
            throw unexpected("an error chunk without an error");
        }
        if (failure == null) {
            failure = error;
        }
    }

    /** Says whether the server is going away and told so. */
    final boolean saysShutdown() {
        return failure != null && failure.error() == NbdError.ESHUTDOWN;
    }

    /** The last part of the answer is in. */
    final void finish() throws NbdProtocolException {
        if (failure != null) {
            done.completeExceptionally(failure);
            return;
        }
        checkComplete();
        done.complete(null);
    }

    /** The answer will never come. */
    final void abandon(Throwable cause) {
        ByteBuf unsent = takePayload();
        if (unsent != null) {
            unsent.release();
        }
        done.completeExceptionally(cause);
    }

    @Override
    public String toString() {
        return command + " of " + Long.toUnsignedString(length) + " bytes at " + Long.toUnsignedString(offset);
    }
}
