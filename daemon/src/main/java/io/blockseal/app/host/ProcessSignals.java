package io.blockseal.app.host;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.atomic.AtomicInteger;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * TERM, INT and HUP: the first asks whoever runs to end in order, the second ends the process at once. HUP may mean
 * something else, as often as it comes, and USR1 that somebody else serves soon what is served here.
 *
 * <p>A shutdown hook would not do: with it the JVM exits with 143, where a service that stopped in order should exit
 * with 0, and it is deaf to a second signal. {@code sun.misc.Signal} does; it is reached by reflection because naming it
 * is a compiler warning that cannot be switched off. The module {@code jdk.unsupported} keeps it open for that.
 */
public final class ProcessSignals implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(ProcessSignals.class);

    private final CountDownLatch asked = new CountDownLatch(1);
    /** One to wake up for: a HUP, or the end. */
    private final Semaphore news = new Semaphore(0);

    private final AtomicInteger count = new AtomicInteger();
    private final Map<String, Object> before = new LinkedHashMap<>();
    private final String firstMeans;
    private final boolean serving;
    private final boolean hangupIsNews;
    private volatile boolean forReturn;
    private volatile Runnable onAsked = () -> {};

    private ProcessSignals(String firstMeans, boolean serving, boolean hangupIsNews) {
        this.firstMeans = firstMeans;
        this.serving = serving;
        this.hangupIsNews = hangupIsNews;
    }

    /** Takes over the three signals, until closed; {@code firstMeans} says in the log what the first one leads to. */
    public static ProcessSignals install(String firstMeans) {
        return install(new ProcessSignals(firstMeans, false, false));
    }

    /**
     * Those of a server, USR1 as well; with {@code hangupIsNews} HUP ends nothing, and only {@link #await} tells of it.
     */
    public static ProcessSignals ofServer(String firstMeans, boolean hangupIsNews) {
        ProcessSignals signals = install(new ProcessSignals(firstMeans, true, hangupIsNews));
        signals.handle("USR1");
        return signals;
    }

    private static ProcessSignals install(ProcessSignals signals) {
        for (String name : new String[] {"TERM", "INT", "HUP"}) {
            signals.handle(name);
        }
        return signals;
    }

    /**
     * Waits for a HUP that ends nothing, several of which may count as one, or until somebody asks us to stop.
     *
     * @return false if somebody has asked
     */
    public boolean await() throws InterruptedException {
        news.acquire();
        news.drainPermits();
        return !asked();
    }

    /** Has {@code task}, which is short, run as soon as somebody asks us to stop; at once if somebody has. */
    public void whenAsked(Runnable task) {
        onAsked = task;
        if (asked()) {
            task.run();
        }
    }

    /** Whether clients are to come back, to whoever serves next. */
    public boolean forReturn() {
        return forReturn;
    }

    /** Whether somebody has asked. From any thread. */
    public boolean asked() {
        return asked.getCount() == 0;
    }

    /** Gives them back. */
    @Override
    public void close() {
        before.forEach((name, handler) -> {
            try {
                Class<?> signal = Class.forName("sun.misc.Signal");
                signal.getMethod("handle", signal, Class.forName("sun.misc.SignalHandler"))
                        .invoke(null, signal.getConstructor(String.class).newInstance(name), handler);
            } catch (ReflectiveOperationException | IllegalArgumentException refused) {
                LOG.debug("signal {} cannot be given back", name, refused);
            }
        });
    }

    private void handle(String name) {
        try {
            Class<?> signal = Class.forName("sun.misc.Signal");
            Class<?> handler = Class.forName("sun.misc.SignalHandler");
            Object proxy = Proxy.newProxyInstance(
                    ProcessSignals.class.getClassLoader(), new Class<?>[] {handler}, invocation());
            Method install = signal.getMethod("handle", signal, handler);
            Object earlier =
                    install.invoke(null, signal.getConstructor(String.class).newInstance(name), proxy);
            before.put(name, earlier);
        } catch (ReflectiveOperationException | IllegalArgumentException refused) {
            // Such as a JVM started with -Xrs, or nohup's ignored HUP: the signal keeps its usual meaning.
            LOG.debug("signal {} keeps its usual meaning", name, refused);
        }
    }

    private InvocationHandler invocation() {
        return (proxy, method, arguments) -> switch (method.getName()) {
            case "handle" -> {
                received(String.valueOf(arguments[0]));
                yield null;
            }
            case "hashCode" -> System.identityHashCode(proxy);
            case "equals" -> proxy == arguments[0];
            default -> "blockseal signal handler";
        };
    }

    private void received(String signal) {
        if (hangupIsNews && signal.contains("HUP")) {
            news.release();
        } else if (count.incrementAndGet() == 1) {
            forReturn = serving && signal.contains("USR1");
            LOG.info("{}: {}; the next signal ends the process at once", signal, firstMeans);
            asked.countDown();
            onAsked.run();
            news.release();
        } else {
            // Nothing is lost that was flushed; what was not may be, as after a power cut.
            LOG.warn("{}: ending at once, requests in flight are not answered", signal);
            Runtime.getRuntime().halt(128 + (signal.contains("INT") ? 2 : 15));
        }
    }
}
