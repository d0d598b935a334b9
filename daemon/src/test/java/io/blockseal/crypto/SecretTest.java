package io.blockseal.crypto;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import io.blockseal.crypto.java.JavaCryptoEngine;
import java.io.ByteArrayOutputStream;
import java.io.NotSerializableException;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Whatever is done with a secret by mistake, its bytes do not come out. */
class SecretTest {
    private static final String CANARY = "a key that nobody prints, please";

    /** As somebody might carry one about. */
    private record Holder(String name, Secret secret) {}

    private final CryptoEngine engine = new JavaCryptoEngine();
    private final Secret secret = of(CANARY);

    private Secret of(String text) {
        Secret made = Secret.empty(engine.keys());
        engine.keys().put(made.key(), ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)));
        return made;
    }

    @AfterEach
    void close() {
        secret.close();
        engine.close();
    }

    @Test
    void printsAsStarsHoweverItIsPrinted() {
        assertEquals("***", secret.toString());
        assertEquals("***", String.valueOf(secret));
        assertEquals("key=***", "key=" + secret);
        assertEquals("key=***", String.format("key=%s", secret));
        assertEquals("[***]", List.of(secret).toString());
        assertEquals("{k=***}", Map.of("k", secret).toString());
        assertEquals("Optional[***]", Optional.of(secret).toString());
        assertEquals("Holder[name=n, secret=***]", new Holder("n", secret).toString());
    }

    @Test
    void isNotSerialised() throws Exception {
        assertFalse(Serializable.class.isAssignableFrom(Secret.class));
        assertFalse(Cloneable.class.isAssignableFrom(Secret.class));
        try (ObjectOutputStream out = new ObjectOutputStream(new ByteArrayOutputStream())) {
            assertThrows(NotSerializableException.class, () -> out.writeObject(secret));
        }
    }

    @Test
    void isNothingToJacksonEither() throws Exception {
        ObjectMapper mapper = new ObjectMapper();
        assertThrows(JsonMappingException.class, () -> mapper.writeValueAsString(secret));
        assertThrows(JsonMappingException.class, () -> mapper.writeValueAsString(new Holder("n", secret)));
        mapper.disable(SerializationFeature.FAIL_ON_EMPTY_BEANS);
        assertEquals("{}", mapper.writeValueAsString(secret));
        assertEquals("{\"name\":\"n\",\"secret\":{}}", mapper.writeValueAsString(new Holder("n", secret)));
    }

    /** A comparison that ends early would tell how far they agree, and a hash would be a fingerprint. */
    @Test
    void cannotBeCompared() {
        try (Secret same = of(CANARY)) {
            assertNotEquals(secret, same);
            assertEquals(System.identityHashCode(secret), secret.hashCode());
            assertFalse(Comparable.class.isAssignableFrom(Secret.class));
            assertTrue(engine.keys().same(secret.key(), same.key()), "the arena compares, in constant time");
        }
    }

    /** What a debugger or a dumper that goes by fields sees of it: where the key is, and not the key. */
    @Test
    void holdsAHandleAndNoBytes() {
        Set<String> fields = Arrays.stream(Secret.class.getDeclaredFields())
                .filter(field -> !field.isSynthetic())
                .map(Field::getType)
                .map(Class::getSimpleName)
                .collect(Collectors.toSet());
        assertEquals(Set.of("KeyArena", "int"), fields);
        for (Method method : Secret.class.getDeclaredMethods()) {
            boolean bytes = method.getReturnType().isArray()
                    || ByteBuffer.class.isAssignableFrom(method.getReturnType())
                    || CharSequence.class.isAssignableFrom(method.getReturnType());
            assertTrue(!bytes || method.getName().equals("toString"), method + " hands out bytes");
            assertTrue(
                    !Modifier.isStatic(method.getModifiers()) || method.getReturnType() == Secret.class,
                    method + " takes a secret apart");
        }
    }

    @Test
    void isWipedWhenItIsClosedAndOfNoUseThen() {
        Secret closed = of(CANARY);
        int handle = closed.key();
        closed.close();
        assertThrows(IllegalStateException.class, closed::key);
        assertEquals("***", closed.toString());
        assertThrows(
                IllegalStateException.class, () -> engine.keys().length(handle), "who kept the handle has nothing");
        closed.close();
    }
}
