package io.blockseal.keysource.kmip;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Finds the addresses of a server within a time. The system's resolver has a time of its own, mostly a longer one, and a
 * call of it cannot be ended: so it is asked on threads that are left to it, of which there is a bounded number. From any
 * thread but one that serves I/O; blocks.
 */
final class Addresses {
    private static final int THREADS_MAX = 16;
    private static final ThreadPoolExecutor THREADS = threads();

    /** Asks a resolver. */
    @FunctionalInterface
    interface Lookup {
        /** Asks the system's. */
        Lookup SYSTEM = InetAddress::getAllByName;

        /** At least one address; may take long. */
        InetAddress[] of(String host) throws UnknownHostException;
    }

    /** The resolver is slower than we wait. */
    static final class SlowResolverException extends IOException {
        private static final long serialVersionUID = 1;
    }

    private Addresses() {}

    private static ThreadPoolExecutor threads() {
        ThreadPoolExecutor threads = new ThreadPoolExecutor(
                THREADS_MAX, THREADS_MAX, 1, TimeUnit.MINUTES, new LinkedBlockingQueue<>(), task -> {
                    Thread thread = new Thread(task, "kmip-names");
                    thread.setDaemon(true);
                    return thread;
                });
        threads.allowCoreThreadTimeOut(true);
        return threads;
    }

    /**
     * The addresses of a host.
     *
     * @throws SlowResolverException if nobody says so in time
     * @throws UnknownHostException if it has none
     */
    static InetAddress[] of(String host, Lookup lookup, Duration within) throws IOException {
        FutureTask<InetAddress[]> task = new FutureTask<>(() -> lookup.of(host));
        THREADS.execute(task);
        try {
            return task.get(within.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException late) {
            throw new SlowResolverException();
        } catch (ExecutionException failed) {
            UnknownHostException unknown = new UnknownHostException(host);
            unknown.initCause(failed.getCause());
            throw unknown;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted");
        } finally {
            task.cancel(true);
            THREADS.remove(task);
        }
    }
}
