package io.blockseal.server;

import static io.blockseal.fuzz.FuzzTarget.promise;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.classic.spi.ThrowableProxyUtil;
import ch.qos.logback.core.AppenderBase;
import io.blockseal.block.Geometry;
import io.blockseal.export.Export;
import io.blockseal.export.ExportRegistry;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.Memory;
import io.blockseal.memory.MemorySource;
import io.blockseal.metrics.ExportMetrics;
import io.blockseal.metrics.RefusalFigures;
import io.blockseal.server.limit.TcpLife;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.buffer.UnpooledByteBufAllocator;
import io.netty.channel.Channel;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.DefaultChannelId;
import io.netty.channel.embedded.EmbeddedChannel;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.LoggerFactory;

/**
 * A server with one connection and neither socket nor thread: bytes go in as epoll would bring them, into the buffers
 * that the connection chooses, and come out as they would be sent. Three exports of 64 KiB: {@code disk},
 * {@code readonly} and {@code plain}, which can neither trim nor zero fast.
 */
final class WireServer {
    static final int DISK_BYTES = 64 << 10;

    private static final ServerOptions OPTIONS =
            new ServerOptions(4, 4, TcpLife.DEFAULT, 10_000, 30_000, 4, 48 << 10, 64 << 10, 64 << 10, 30_000, 64 << 10);
    private static final ErrorLog ERRORS = ErrorLog.attach();
    private static final RecycledMemory MEMORY = new RecycledMemory();

    private final UnpooledByteBufAllocator allocator = new UnpooledByteBufAllocator(false);
    private final ExportRegistry exports = new ExportRegistry();
    private final ConnectionTable table = new ConnectionTable(4);
    private final List<MemoryDevice> devices = new ArrayList<>();
    private final TurnChannel channel;
    private NettyIoLoop loop;
    private Connection connection;
    private final ByteBuf sent = Unpooled.buffer();

    WireServer() throws Exception {
        this(Protection.NONE);
    }

    WireServer(Protection protection) throws Exception {
        ERRORS.first = null;
        MEMORY.takeAllBack();
        export("disk", new Geometry(DISK_BYTES, 1, 4096, false, true, true, true), false);
        export("readonly", new Geometry(DISK_BYTES, 1, 4096, false, true, true, true), true);
        export("plain", new Geometry(DISK_BYTES, 512, 4096, false, false, false, true), false);
        channel = new TurnChannel(new ChannelInitializer<>() {
            @Override
            protected void initChannel(Channel accepted) {
                accept(accepted, protection);
            }
        });
        channel.config().setAllocator(allocator);
        channel.register();
        settle();
    }

    /** As {@link NbdServer} does it. */
    private void accept(Channel accepted, Protection protection) {
        table.takePlace();
        loop = new NettyIoLoop(
                accepted.eventLoop(),
                Thread.currentThread(),
                0,
                4L << 20,
                MEMORY,
                IoLoops.busyPoll(SpareProcessors.ofThisMachine().addLoop(), System::nanoTime));
        connection = new Connection(accepted, loop, OPTIONS, table, ConnectionWatch.NOBODY, new RefusalFigures());
        table.add(connection);
        accepted.config().setRecvByteBufAllocator(connection.receive());
        accepted.pipeline().addLast(new HandshakeHandler(connection, exports, protection));
    }

    private void export(String name, Geometry geometry, boolean readOnly) {
        MemoryDevice device = new MemoryDevice(geometry);
        devices.add(device);
        exports.add(new Export(name, "for tests", device, readOnly, new ExportMetrics(name, 1)));
    }

    MemoryDevice disk() {
        return devices.get(0);
    }

    boolean isOpen() {
        return channel.isOpen();
    }

    /** What the server has sent since the last time. */
    byte[] takeSent() {
        byte[] bytes = new byte[sent.readableBytes()];
        sent.readBytes(bytes).clear();
        return bytes;
    }

    /** The client's bytes, read in pieces of {@code pieceBytes} to begin with; stops if the server reads no more. */
    void receive(byte[] bytes, int pieceBytes) {
        int at = 0;
        int piece = Math.max(1, pieceBytes);
        for (int count = 1; at < bytes.length && mayRead(); count++) {
            if (count % 32 == 0) {
                // The first pieces are the interesting ones; a long payload in single bytes only takes time.
                piece = Math.min(2 * piece, 1 << 16);
            }
            ByteBuf buf = connection.receive().allocate(allocator);
            int length = Math.min(piece, Math.min(buf.writableBytes(), bytes.length - at));
            promise(length > 0, "the server reads into a full buffer");
            buf.writeBytes(bytes, at, length);
            at += length;
            channel.turn(() -> {
                channel.pipeline().fireChannelRead(buf);
                channel.pipeline().fireChannelReadComplete();
            });
            settle();
        }
    }

    private boolean mayRead() {
        if (channel.isOpen() && !channel.config().isAutoRead()) {
            letDevicesGo();
        }
        return channel.isOpen() && channel.config().isAutoRead();
    }

    /** Whatever devices hold back is completed. */
    void letDevicesGo() {
        devices.forEach(MemoryDevice::letGo);
        settle();
    }

    /** The daemon is being stopped. */
    void drain() {
        channel.pipeline().fireUserEventTriggered(Drain.REFUSING);
        settle();
    }

    private void settle() {
        channel.runPendingTasks();
        for (Object message = channel.readOutbound(); message != null; message = channel.readOutbound()) {
            ByteBuf bytes = (ByteBuf) message;
            sent.writeBytes(bytes);
            bytes.release();
            channel.runPendingTasks();
        }
        channel.checkException();
        Throwable error = ERRORS.first;
        if (error != null) {
            throw new AssertionError("the server calls it an internal error", error);
        }
    }

    /** The client is gone, devices finish: nothing may be out any more. */
    void end() {
        channel.close();
        settle();
        letDevicesGo();
        settle();
        channel.finishAndReleaseAll();
        promise(loop.buffers().leasedCount() == 0, "data buffers are out");
        promise(loop.receiveBuffers().leasedCount() == 0, "receive buffers are out");
        promise(loop.requests().leasedCount() == 0, "requests are out");
        promise(loop.operations().leasedCount() == 0, "operations are out");
        promise(table.count() == 0, "the connection is still counted");
        devices.forEach(device -> promise(device.channelsOpen.get() == 0, "a device channel is open"));
        long left = allocator.metric().usedHeapMemory() + allocator.metric().usedDirectMemory();
        promise(left == 0, left + " bytes of buffers were not given back");
    }

    /**
     * Tasks wait until the turn is over, as they do in a loop. Netty's own channel for tests would run them in the midst of
     * a handler that closes the channel, and take the handlers away under their own feet.
     */
    private static final class TurnChannel extends EmbeddedChannel {
        private boolean inTurn;

        TurnChannel(ChannelInitializer<Channel> first) {
            super(DefaultChannelId.newInstance(), false, false, first);
        }

        void turn(Runnable work) {
            inTurn = true;
            try {
                work.run();
            } finally {
                inTurn = false;
            }
        }

        @Override
        public void runPendingTasks() {
            if (!inTurn) {
                super.runPendingTasks();
            }
        }
    }

    /** The handlers turn every exception into a closed connection and a line in the log; here it is a finding. */
    private static final class ErrorLog extends AppenderBase<ILoggingEvent> {
        private Throwable first;

        static ErrorLog attach() {
            Logger logger = (Logger) LoggerFactory.getLogger(NbdServer.class);
            ErrorLog log = new ErrorLog();
            log.setContext(logger.getLoggerContext());
            log.start();
            logger.addAppender(log);
            return log;
        }

        @Override
        protected void append(ILoggingEvent event) {
            if (event.getLevel() == Level.ERROR && first == null) {
                first = new AssertionError(
                        event.getFormattedMessage() + ": " + (event.getThrowableProxy() == null ? "" : trace(event)));
            }
        }

        private static String trace(ILoggingEvent event) {
            return ThrowableProxyUtil.asString(event.getThrowableProxy());
        }
    }

    /** Slabs live as long as a process; here each input begins with those of the last, zeroed. */
    private static final class RecycledMemory implements MemorySource {
        private final JvmMemorySource source = new JvmMemorySource();
        private final Map<Integer, ArrayDeque<Memory>> free = new HashMap<>();
        private final List<Memory> used = new ArrayList<>();

        void takeAllBack() {
            used.forEach(memory -> free.computeIfAbsent(memory.capacity(), any -> new ArrayDeque<>())
                    .add(memory));
            used.clear();
        }

        @Override
        public Memory map(int lengthBytes) {
            Memory memory =
                    free.computeIfAbsent(lengthBytes, any -> new ArrayDeque<>()).poll();
            if (memory == null) {
                memory = source.map(lengthBytes);
            } else {
                memory.zero(0, lengthBytes);
            }
            used.add(memory);
            return memory;
        }
    }
}
