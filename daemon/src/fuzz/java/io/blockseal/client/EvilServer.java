package io.blockseal.client;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.ChannelHandler;
import io.netty.channel.DefaultChannelId;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;

/**
 * The other end of a client's connection: sends it whatever an input says, in pieces of any size, with no socket and no
 * thread. All buffers come from the heap and are counted, so that one that is not given back is noticed at once.
 */
final class EvilServer {
    private final UnpooledByteBufAllocator buffers = new UnpooledByteBufAllocator(false);
    private final EmbeddedChannel channel;
    private final int pieceBytes;
    private int lastOption;

    EvilServer(int pieceBytes, ChannelHandler client) throws Exception {
        this.pieceBytes = Math.max(1, pieceBytes);
        this.channel = new EmbeddedChannel(DefaultChannelId.newInstance(), false, false, client);
        channel.config().setAllocator(buffers);
        channel.register();
    }

    EmbeddedChannel channel() {
        return channel;
    }

    /** A buffer of the client's making, to be counted with the others. */
    ByteBuf buffer(byte[] content) {
        return buffers.buffer(Math.max(1, content.length)).writeBytes(content);
    }

    /** The number of the option that the client asked last. */
    int lastOption() {
        takeOutbound();
        return lastOption;
    }

    /** Sends bytes in pieces; what comes after the client has closed is lost, as on a socket. */
    void send(byte[] bytes) {
        for (int at = 0; at < bytes.length && channel.isOpen(); at += pieceBytes) {
            int length = Math.min(pieceBytes, bytes.length - at);
            channel.writeInbound(buffers.buffer(length).writeBytes(bytes, at, length));
            takeOutbound();
        }
    }

    private void takeOutbound() {
        channel.runPendingTasks();
        for (Object sent = channel.readOutbound(); sent != null; sent = channel.readOutbound()) {
            ByteBuf bytes = (ByteBuf) sent;
            // An option begins with IHAVEOPT, then its number; nothing else that a client sends is read here.
            for (int i = bytes.readerIndex(); i + 12 <= bytes.writerIndex(); i++) {
                if (bytes.getLong(i) == 0x49484156454f5054L) {
                    lastOption = bytes.getInt(i + 8);
                }
            }
            bytes.release();
        }
    }

    /** Hangs up. */
    void hangUp() {
        channel.close();
        channel.runPendingTasks();
        takeOutbound();
        channel.finishAndReleaseAll();
        channel.checkException();
    }

    /** To be called at the very end: nothing of the client's may be left. */
    void promiseNothingIsLeft() {
        long left = buffers.metric().usedHeapMemory() + buffers.metric().usedDirectMemory();
        promise(left == 0, left + " bytes of buffers were not given back");
    }

    /** Whoever waits for the client must have been told, and a failure must be one of the declared ones. */
    static void promiseSettled(CompletableFuture<?> future, String what) {
        promise(future.isDone(), what + " is not settled though the connection is closed");
        try {
            future.get();
        } catch (ExecutionException failed) {
            Throwable cause = failed.getCause();
            promise(cause instanceof NbdClientException, what + " failed with " + cause);
            for (Throwable inner = cause; inner != null; inner = inner.getCause()) {
                if (inner instanceof RuntimeException || inner instanceof Error) {
                    throw new AssertionError(what + " failed by accident", inner);
                }
            }
        } catch (InterruptedException e) {
            throw new AssertionError(e);
        }
    }
}
