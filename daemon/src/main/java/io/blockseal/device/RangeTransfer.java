package io.blockseal.device;

import io.blockseal.block.BlockRequest;
import io.blockseal.block.Command;
import io.blockseal.block.Completion;
import io.blockseal.block.Errno;
import io.blockseal.block.HotPath;
import io.blockseal.block.PayloadWork;
import io.blockseal.volume.DekCache;
import io.blockseal.volume.table.RangeWord;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * One READ or WRITE of whole units within one range: finds the range's slot and key, sends the request itself to the
 * store with the physical offset in it, and puts the logical one back before it goes up. A WRITE to a range without a
 * DEK is parked here until the volume has given it one, and anything to a range that is held until that is let go. The cipher's work of a large WRITE is handed down with it.
 */
@HotPath("every READ and WRITE of an encrypted volume")
final class RangeTransfer implements Completion, PayloadWork, Consumer<Errno>, Runnable {
    private final EncryptedChannel channel;
    private @Nullable BlockRequest parked;
    private long offset;
    private int flags;
    private long word;
    /** What the channel wants to be told when the store is done. */
    private int begunIn;
    /** Of the key, while the cipher's work may be done by another thread. */
    private int pin = DekCache.NO_PIN;

    RangeTransfer(EncryptedChannel channel) {
        this.channel = channel;
    }

    void start(BlockRequest request) {
        offset = request.offset();
        flags = request.flags();
        word = channel.wordAt(offset);
        if (RangeWord.isHeld(word)) {
            hold(request);
            return;
        }
        int state = RangeWord.state(word);
        boolean reading = request.command() == Command.READ;
        if (state == RangeWord.ACTIVE) {
            if (reading) {
                send(request, 0);
            } else {
                write(request);
            }
        } else if (state == RangeWord.LOST) {
            finish(request, Errno.EIO);
        } else if (reading) {
            request.memory().zero(request.memoryOffset(), (int) request.length());
            finish(request, Errno.OK);
        } else {
            parked = request;
            channel.plane().allocate(channel.rangeOf(offset), channel.loop(), this);
        }
    }

    /** On the loop: the range has a DEK, or cannot have one. */
    @Override
    public void accept(Errno errno) {
        BlockRequest request = Objects.requireNonNull(parked);
        parked = null;
        if (errno == Errno.OK) {
            // Looks at the word again: it says where the slot is, and whether somebody shredded the range meanwhile.
            start(request);
        } else {
            finish(request, errno);
        }
        channel.kick();
    }

    private void hold(BlockRequest request) {
        Errno errno = channel.whileHeld();
        if (errno == Errno.OK) {
            parked = request;
            channel.waitForThaw(this);
        } else {
            finish(request, errno);
        }
    }

    /** On the loop: some range was let go, perhaps this one. */
    @Override
    public void run() {
        BlockRequest request = Objects.requireNonNull(parked);
        parked = null;
        start(request);
        channel.kick();
    }

    private void write(BlockRequest request) {
        int storeFlags = flags & BlockRequest.FUA;
        pin = request.length() < BYTES_MIN || !channel.storeWorks() ? DekCache.NO_PIN : channel.pin(offset, word);
        if (pin == 0) {
            fail(request);
        } else if (pin != DekCache.NO_PIN) {
            request.withWork(this);
            send(request, storeFlags);
        } else if (encrypt(request, channel.keyAt(offset, word))) {
            send(request, storeFlags);
        } else {
            finish(request, Errno.EIO);
        }
    }

    private void fail(BlockRequest request) {
        pin = DekCache.NO_PIN;
        finish(request, Errno.EIO);
    }

    private boolean encrypt(BlockRequest request, int key) {
        return key != 0 && channel.encrypt(key, request.memory(), request.memoryOffset(), offset, request.length());
    }

    @Override
    public Errno work(BlockRequest request) {
        return encrypt(request, channel.pinnedKey(pin)) ? Errno.OK : Errno.EIO;
    }

    private void send(BlockRequest request, int storeFlags) {
        request.readdress(storeFlags, channel.physicalOffset(offset, word));
        request.push(this, 0);
        begunIn = channel.begin();
        channel.store().submit(request);
    }

    @Override
    public void onComplete(BlockRequest request, long token) {
        Errno errno = request.errno();
        long physicalOffset = request.offset();
        request.readdress(flags, offset);
        if (pin != DekCache.NO_PIN) {
            channel.unpin(pin);
            pin = DekCache.NO_PIN;
        } else if (errno == Errno.OK && request.command() == Command.READ) {
            int key = channel.keyAt(offset, word);
            if (key != 0) {
                channel.decrypt(key, request.memory(), request.memoryOffset(), offset, request.length());
            } else {
                errno = Errno.EIO;
            }
        }
        if (request.command() == Command.WRITE) {
            // Also if it failed: part of it may be there.
            channel.endOfChange(begunIn, physicalOffset, request.length());
        } else {
            channel.end(begunIn);
        }
        finish(request, errno);
    }

    private void finish(BlockRequest request, Errno errno) {
        channel.release(this);
        request.complete(errno);
    }
}
