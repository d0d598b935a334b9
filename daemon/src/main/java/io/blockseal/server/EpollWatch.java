package io.blockseal.server;

import io.blockseal.block.HotPath;
import io.blockseal.block.IoLoop;
import io.netty.channel.IoEvent;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoRegistration;
import io.netty.channel.epoll.EpollIoHandle;
import io.netty.channel.epoll.EpollIoOps;
import io.netty.channel.unix.FileDescriptor;
import java.io.UncheckedIOException;
import org.jspecify.annotations.Nullable;

/** A descriptor of somebody else's among the sockets that an event loop waits for. On the loop's thread. */
@HotPath("a store's completions arrive by it")
public final class EpollWatch implements IoLoop.Watch, EpollIoHandle {
    private final FileDescriptor descriptor;
    private final Runnable whenReadable;
    private @Nullable IoRegistration registration;

    private EpollWatch(int descriptor, Runnable whenReadable) {
        // A name for the number: whoever opened it closes it.
        this.descriptor = new FileDescriptor(descriptor);
        this.whenReadable = whenReadable;
    }

    /**
     * Begins to watch; on {@code loop}'s thread.
     *
     * @throws IllegalStateException if the system does not let it: a file that cannot be polled, or too many watches
     */
    public static EpollWatch on(IoEventLoop loop, int descriptor, Runnable whenReadable) {
        EpollWatch watch = new EpollWatch(descriptor, whenReadable);
        // On its own thread a loop registers at once.
        IoRegistration registration = loop.register(watch).getNow();
        if (registration == null) {
            throw new IllegalStateException(
                    "descriptor " + descriptor + " could not be registered with the event loop");
        }
        try {
            registration.submit(EpollIoOps.EPOLLIN.with(EpollIoOps.EPOLLET));
        } catch (UncheckedIOException e) {
            registration.cancel();
            throw new IllegalStateException("descriptor " + descriptor + ": " + e.getMessage(), e);
        }
        watch.registration = registration;
        return watch;
    }

    @Override
    public void handle(IoRegistration from, IoEvent event) {
        try {
            whenReadable.run();
        } catch (RuntimeException | Error e) {
            // Above this the loop would end, or forget which other descriptors were ready; and all its clients hang.
            WatchDefect.tell(descriptor.intValue(), e);
        }
    }

    @Override
    public FileDescriptor fd() {
        return descriptor;
    }

    @Override
    public void close() {
        IoRegistration last = registration;
        registration = null;
        if (last != null) {
            last.cancel();
        }
    }
}
