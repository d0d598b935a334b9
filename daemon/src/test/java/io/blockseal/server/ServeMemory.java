package io.blockseal.server;

import io.blockseal.export.Export;
import io.blockseal.export.ExportRegistry;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.metrics.ExportMetrics;
import java.net.InetSocketAddress;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;

/** Serves a disk in memory until it is killed; for trying the server by hand and for measuring it. */
final class ServeMemory {
    private ServeMemory() {}

    public static void main(String[] arguments) throws Exception {
        int count = IoLoops.defaultCount();
        IoLoops loops = IoLoops.start(count, IoLoops.BUFFER_BYTES_DEFAULT, new JvmMemorySource());
        ExportRegistry exports = new ExportRegistry();
        exports.add(new Export(
                "mem", "a disk in memory", new MemoryDevice(64 << 20), false, new ExportMetrics("mem", count)));
        NbdServer server = new NbdServer(loops, exports, ServerOptions.DEFAULT);
        server.listenUnix(Path.of(arguments[0]));
        if (arguments.length > 1) {
            server.listenTcp(new InetSocketAddress("127.0.0.1", Integer.parseInt(arguments[1])));
        }
        Runtime.getRuntime().addShutdownHook(new Thread(server::close));
        new CountDownLatch(1).await();
    }
}
