package io.blockseal.transfer;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockRequest;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.block.HotPath;
import io.blockseal.block.IoLoop;
import io.blockseal.client.NbdExtent;
import io.blockseal.nbd.NbdAllocation;
import io.blockseal.nbd.NbdCommandFlags;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;

/** One loop's way to an export: requests become the client's futures, whose answers come back to the loop. */
@HotPath("every piece to or from an NBD server passes here")
final class NbdChannel implements BlockChannel {
    private static final CompletableFuture<@Nullable Void> DONE = CompletableFuture.completedFuture(null);

    private final NbdDevice device;
    private final IoLoop loop;

    NbdChannel(NbdDevice device, IoLoop loop) {
        this.device = device;
        this.loop = loop;
    }

    @Override
    public void submit(BlockRequest request) {
        CompletableFuture<?> answer =
                switch (request.command()) {
                    case READ ->
                        device.client()
                                .read(request.offset(), (int) request.length(), target(request), NbdCommandFlags.NONE);
                    case WRITE ->
                        device.client()
                                .write(request.offset(), source(request), request.has(BlockRequest.FUA) ? fua() : 0);
                    case FLUSH -> device.flushes() ? device.client().flush() : DONE;
                    // What a trimmed part reads as is not defined between NBD peers.
                    case TRIM, WRITE_ZEROES ->
                        device.client().writeZeroes(request.offset(), request.length(), NbdCommandFlags.NONE);
                    case CACHE -> DONE;
                    case BLOCK_STATUS -> status(request);
                };
        answer.whenComplete((result, failure) -> arrived(request, failure));
    }

    private static int fua() {
        return NbdCommandFlags.FUA;
    }

    private void arrived(BlockRequest request, @Nullable Throwable failure) {
        loop.execute(() -> request.complete(failure == null ? Errno.OK : device.failed(failure)));
    }

    private static ByteBuf target(BlockRequest request) {
        return source(request).writerIndex(0);
    }

    private static ByteBuf source(BlockRequest request) {
        return Unpooled.wrappedBuffer(request.memory().bytes().slice(request.memoryOffset(), (int) request.length()));
    }

    private CompletableFuture<?> status(BlockRequest request) {
        if (!device.tellsExtents()) {
            request.extents().clear();
            request.extents().add(request.length(), 0);
            return DONE;
        }
        return device.client()
                .blockStatus(request.offset(), request.length(), NbdCommandFlags.NONE)
                .thenAcceptAsync(told -> fill(request, told), loop);
    }

    private static void fill(BlockRequest request, Map<String, List<NbdExtent>> told) {
        ExtentList list = request.extents();
        list.clear();
        long left = request.length();
        for (NbdExtent extent : told.getOrDefault(NbdAllocation.CONTEXT, List.of())) {
            long part = Math.min(left, extent.length());
            int state = (extent.isZero() ? ExtentList.ZERO : 0) | (extent.isHole() ? ExtentList.HOLE : 0);
            if (part == 0 || !list.add(part, state)) {
                return;
            }
            left -= part;
        }
    }

    @Override
    public void kick() {
        // The client sends at once.
    }

    @Override
    public void close() {
        // The connection is the device's.
    }
}
