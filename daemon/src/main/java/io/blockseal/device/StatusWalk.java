package io.blockseal.device;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Errno;
import io.blockseal.block.ExtentList;
import io.blockseal.block.HotPath;
import io.blockseal.volume.table.RangeWord;

/**
 * BLOCK_STATUS of any stretch, from the range table where that knows and from the store's extents where it does not.
 *
 * <p>A hole on the store is units that were never written: {@code HOLE|ZERO}. A unit that is partly a hole on the store
 * is data, for its ciphertext is not all zeros. The answer may end before the stretch does, as the specification allows:
 * when the list is full, or after a bounded amount of looking.
 */
@HotPath("every BLOCK_STATUS")
final class StatusWalk extends Walk {
    private static final int HOLE_AND_ZERO = ExtentList.HOLE | ExtentList.ZERO;
    private static final int DATA = 0;
    private static final int STORE_EXTENTS_MAX = 128;
    private static final int STORE_QUERIES_MAX = 32;
    /** Looked at for one answer. */
    static final int RANGES_MAX = 64 * 1024;

    private final EncryptedChannel channel;
    private final ExtentList storeExtents = new ExtentList(STORE_EXTENTS_MAX);
    private long position;
    private long stretchEnd;
    private boolean full;
    private int storeQueries;
    private int ranges;
    private long queryStart;
    private long queryEnd;

    StatusWalk(EncryptedChannel channel) {
        super(channel.loop(), channel.store());
        this.channel = channel;
    }

    void start(BlockRequest request) {
        position = request.offset();
        stretchEnd = position + request.length();
        full = false;
        storeQueries = 0;
        ranges = 0;
        request.extents().clear();
        begin(request);
    }

    @Override
    Progress step() {
        if (outstanding() > 0) {
            return Progress.WAIT;
        }
        if (full || position == stretchEnd || storeQueries == STORE_QUERIES_MAX || ranges == RANGES_MAX) {
            return Progress.OVER;
        }
        long word = channel.wordAt(position);
        if (RangeWord.isHeld(word)) {
            return heldBy(channel);
        }
        ranges++;
        long pieceEnd = position + Math.min(stretchEnd - position, channel.leftInRange(position));
        switch (RangeWord.state(word)) {
            case RangeWord.ACTIVE -> askStore(word, pieceEnd);
            case RangeWord.LOST -> reportTo(pieceEnd, DATA);
            default -> reportTo(pieceEnd, HOLE_AND_ZERO);
        }
        return Progress.GO_ON;
    }

    private void askStore(long word, long pieceEnd) {
        storeQueries++;
        queryStart = Stretch.roundDown(position, channel.blockBytes());
        queryEnd = Stretch.roundUp(pieceEnd, channel.blockBytes());
        storeExtents.clear();
        channel.store()
                .submit(child(
                                Command.BLOCK_STATUS,
                                request().flags() & BlockRequest.REQ_ONE,
                                channel.physicalOffset(queryStart, word),
                                queryEnd - queryStart,
                                channel.begin())
                        .withExtents(storeExtents));
    }

    @Override
    void childDone(BlockRequest child, long token) {
        channel.end((int) token);
        if (child.errno() != Errno.OK) {
            return;
        }
        int block = channel.blockBytes();
        long before = position;
        long extentEnd = queryStart;
        for (int i = 0; i < storeExtents.count() && extentEnd < queryEnd; i++) {
            extentEnd += Math.min(storeExtents.lengthBytes(i), queryEnd - extentEnd);
            if ((storeExtents.state(i) & ExtentList.ZERO) == 0) {
                reportTo(Stretch.roundUp(extentEnd, block), DATA);
            } else {
                // A unit that data reaches into was reported already; one that reaches beyond may yet turn out as data.
                reportTo(Stretch.roundDown(extentEnd, block), storeExtents.state(i) & HOLE_AND_ZERO);
            }
        }
        if (position == before) {
            // The store said nothing about the whole unit; calling it data is never wrong.
            reportTo(Stretch.roundUp(position + 1, block), DATA);
        }
    }

    /** Reports from {@link #position} to {@code newPosition}, clipped to the stretch; nothing if that is behind. */
    private void reportTo(long newPosition, int state) {
        ExtentList list = request().extents();
        long length = Math.min(newPosition, stretchEnd) - position;
        if (full || length <= 0) {
            return;
        }
        boolean secondOfOne = request().has(BlockRequest.REQ_ONE) && list.count() == 1 && list.state(0) != state;
        if (secondOfOne || !list.add(length, state)) {
            full = true;
        } else {
            position += length;
        }
    }

    @Override
    void end() {
        channel.release(this);
    }
}
