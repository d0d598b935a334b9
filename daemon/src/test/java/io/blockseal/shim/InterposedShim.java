package io.blockseal.shim;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;

/** The real shim, but for the functions that a test wants to answer otherwise. Counts all calls. */
public final class InterposedShim {
    /** What a function answers; {@code real} makes the call. */
    public interface Answer {
        Object answer(Object[] arguments, Real real) throws Throwable;
    }

    /** The function itself. */
    public interface Real {
        Object call() throws Throwable;
    }

    private final Shim shim;
    private final Map<String, Answer> answers = new ConcurrentHashMap<>();
    private final Map<String, AtomicInteger> calls = new ConcurrentHashMap<>();

    /** Over {@code real}. */
    public InterposedShim(Shim real) {
        shim = (Shim) Proxy.newProxyInstance(
                Shim.class.getClassLoader(), new Class<?>[] {Shim.class}, (proxy, method, arguments) -> {
                    calls.computeIfAbsent(method.getName(), name -> new AtomicInteger())
                            .incrementAndGet();
                    Answer answer = answers.get(method.getName());
                    return answer == null
                            ? invoke(real, method, arguments)
                            : answer.answer(arguments, () -> invoke(real, method, arguments));
                });
    }

    private static Object invoke(Shim real, Method method, Object[] arguments) throws Throwable {
        try {
            return method.invoke(real, arguments);
        } catch (InvocationTargetException e) {
            throw e.getCause();
        }
    }

    /** What is to be called. */
    public Shim shim() {
        return shim;
    }

    /** From now on this function answers so. */
    public void answer(String function, Answer answer) {
        answers.put(function, answer);
    }

    /** From now on it is the real one again. */
    public void restore(String function) {
        answers.remove(function);
    }

    /** How often that function was called. */
    public int calls(String function) {
        AtomicInteger count = calls.get(function);
        return count == null ? 0 : count.get();
    }
}
