package io.blockseal.app.key;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.crypto.Secret;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrapAlgorithm;
import io.blockseal.keysource.WrappedKey;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class EndableKeySourceTest {
    private static final WrappedKey WRAPPED =
            new WrappedKey(WrapAlgorithm.OPAQUE, "far:", "1", new byte[0], new byte[40]);

    private final List<String> heard = new ArrayList<>();
    private final KeySource far = (KeySource) Proxy.newProxyInstance(
            KeySource.class.getClassLoader(), new Class<?>[] {KeySource.class}, (proxy, method, arguments) -> {
                heard.add(method.getName());
                return method.getReturnType() == boolean.class ? false : method.getReturnType() == int.class ? 1 : null;
            });
    private final EndableKeySource source = new EndableKeySource(far);

    private void call(Method method, Secret key) throws Exception {
        Map<Class<?>, Object> values =
                Map.of(WrappedKey.class, WRAPPED, Secret.class, key, Binding.class, new Binding(new UUID(1, 2)));
        Object[] arguments = new Object[method.getParameterCount()];
        for (int i = 0; i < arguments.length; i++) {
            arguments[i] = values.get(method.getParameterTypes()[i]);
        }
        method.invoke(source, arguments);
    }

    /** One that it forgot to pass on would be answered by the interface instead, and nobody would notice. */
    @Test
    void passesEveryQuestionOn() throws Exception {
        try (JavaCryptoEngine engine = new JavaCryptoEngine();
                Secret key = Secret.random(engine.keys(), 32)) {
            for (Method method : KeySource.class.getMethods()) {
                heard.clear();
                call(method, key);
                assertEquals(method.getName().equals("close") ? List.of() : List.of(method.getName()), heard);
            }
        }
    }

    @Test
    void asksNothingOnceItIsEnded() throws Exception {
        source.end();
        try (JavaCryptoEngine engine = new JavaCryptoEngine();
                Secret key = Secret.random(engine.keys(), 32)) {
            for (String name : List.of("newestVersion", "isOutdated", "wrap", "rewrap", "unwrap")) {
                for (Method method : KeySource.class.getMethods()) {
                    if (method.getName().equals(name)) {
                        heard.clear();
                        Throwable refused = assertThrows(InvocationTargetException.class, () -> call(method, key))
                                .getCause();
                        assertTrue(refused instanceof KeySourceException, name);
                        assertEquals(List.of("reference"), heard);
                    }
                }
            }
        }
    }

    /** It is nobody's any more, and lies in locked memory. */
    @Test
    void aKeyThatComesAfterTheEndIsWiped() throws Exception {
        try (JavaCryptoEngine engine = new JavaCryptoEngine()) {
            Secret late = Secret.random(engine.keys(), 32);
            EndableKeySource[] asked = new EndableKeySource[1];
            asked[0] = new EndableKeySource((KeySource) Proxy.newProxyInstance(
                    KeySource.class.getClassLoader(), new Class<?>[] {KeySource.class}, (proxy, method, arguments) -> {
                        if (method.getName().equals("reference")) {
                            return "far:";
                        }
                        asked[0].end();
                        return late;
                    }));
            Binding binding = new Binding(new UUID(1, 2));
            KeySourceException refused =
                    assertThrows(KeySourceException.class, () -> asked[0].unwrap(WRAPPED, binding));
            assertEquals(
                    "far:: has given the key after the volume was closed, too late to use it", refused.getMessage());
            assertFalse(Thread.interrupted());
            assertThrows(IllegalStateException.class, late::key);
        }
    }
}
