package io.blockseal.crypto;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.Arrays;
import org.junit.jupiter.api.Test;

/** A handle that names the wrong key, or a key that outlives its volume, gives data to the wrong people. */
abstract class KeyArenaContract extends EngineContract {
    @Test
    void givesBackWhatWasPut() {
        byte[] bytes = new byte[32];
        random.nextBytes(bytes);
        int key = key(bytes);
        assertNotEquals(0, key);
        assertEquals(32, engine.keys().length(key));
        assertArrayEquals(bytes, bytesOf(key));
    }

    @Test
    void takesKeysFromHeapAndDirectBuffersAndConsumesThem() {
        byte[] bytes = new byte[40];
        random.nextBytes(bytes);
        for (ByteBuffer source : new ByteBuffer[] {ByteBuffer.allocate(40), ByteBuffer.allocateDirect(40)}) {
            source.put(bytes).flip().position(8);
            int key = engine.keys().allocate();
            engine.keys().put(key, source);
            assertFalse(source.hasRemaining());
            assertArrayEquals(Arrays.copyOfRange(bytes, 8, 40), bytesOf(key));
        }
    }

    @Test
    void startsEmptyAndIsEmptyForAllUses() {
        int key = engine.keys().allocate();
        assertEquals(0, engine.keys().length(key));
        assertThrows(IllegalStateException.class, () -> bytesOf(key, 32));
        assertThrows(IllegalStateException.class, () -> engine.derivation().hmac(key, new byte[1]));
        assertThrows(IllegalStateException.class, () -> engine.keys().same(key, key));
    }

    @Test
    void refusesAFreedHandleForEver() {
        int key = randomKey(32);
        engine.keys().free(key);
        for (int i = 0; i < 100; i++) {
            assertNotEquals(key, engine.keys().allocate());
        }
        assertThrows(IllegalStateException.class, () -> engine.keys().length(key));
        assertThrows(IllegalStateException.class, () -> bytesOf(key, 32));
        assertThrows(IllegalStateException.class, () -> engine.keys().free(key));
    }

    @Test
    void freesNothingForTheHandleZero() {
        assertDoesNotThrow(() -> engine.keys().free(0));
    }

    @Test
    void clearsAKeyButKeepsItsSlot() {
        int key = randomKey(64);
        engine.keys().clear(key);
        assertEquals(0, engine.keys().length(key));
        assertThrows(IllegalStateException.class, () -> bytesOf(key, 64));
        engine.keys().clear(key);
        engine.keys().fillRandom(key, 32);
        assertEquals(32, engine.keys().length(key));
        engine.keys().free(key);
        assertThrows(IllegalStateException.class, () -> engine.keys().clear(key));
    }

    @Test
    void wipesOnCloseWhateverWasAllocatedAndFreedInBetween() {
        int[] keys = new int[1000];
        for (int i = 0; i < keys.length; i++) {
            keys[i] = randomKey(32);
        }
        for (int i = 0; i < keys.length; i++) {
            if (random.nextBoolean()) {
                engine.keys().free(keys[i]);
            }
        }
        engine.close();
        for (int key : keys) {
            assertThrows(IllegalStateException.class, () -> engine.keys().length(key));
        }
    }

    @Test
    void makesRandomKeysThatDiffer() {
        for (int lengthBytes : new int[] {32, 64}) {
            int first = engine.keys().allocate();
            int second = engine.keys().allocate();
            engine.keys().fillRandom(first, lengthBytes);
            engine.keys().fillRandom(second, lengthBytes);
            assertEquals(lengthBytes, engine.keys().length(first));
            assertFalse(engine.keys().same(first, second));
            assertFalse(Arrays.equals(bytesOf(first), new byte[lengthBytes]));
        }
        assertThrows(IllegalArgumentException.class, () -> engine.keys()
                .fillRandom(engine.keys().allocate(), 33));
    }

    @Test
    void refusesEqualHalves() {
        byte[] bytes = new byte[64];
        random.nextBytes(bytes);
        System.arraycopy(bytes, 0, bytes, 32, 32);
        int key = engine.keys().allocate();
        assertThrows(IllegalArgumentException.class, () -> engine.keys().put(key, ByteBuffer.wrap(bytes)));
        assertEquals(0, engine.keys().length(key));
    }

    @Test
    void refusesKeysOfImpossibleLength() {
        int key = engine.keys().allocate();
        assertThrows(IllegalArgumentException.class, () -> engine.keys().put(key, ByteBuffer.allocate(0)));
        assertThrows(IllegalArgumentException.class, () -> engine.keys().put(key, ByteBuffer.allocate(65)));
    }

    @Test
    void comparesBytesAndLength() {
        byte[] bytes = new byte[64];
        random.nextBytes(bytes);
        int whole = key(bytes);
        assertTrue(engine.keys().same(whole, key(bytes)));
        assertFalse(engine.keys().same(whole, key(Arrays.copyOf(bytes, 32))));
        bytes[63] ^= 1;
        assertFalse(engine.keys().same(whole, key(bytes)));
    }

    @Test
    void wipesEverythingOnClose() {
        int key = randomKey(32);
        engine.close();
        assertThrows(IllegalStateException.class, () -> bytesOf(key, 32));
    }

    @Test
    void secretsCannotBePrintedOrUsedAfterClose() {
        Secret secret = Secret.random(engine.keys(), 32);
        assertEquals("***", secret.toString());
        int key = secret.key();
        secret.close();
        secret.close();
        assertThrows(IllegalStateException.class, secret::key);
        assertThrows(IllegalStateException.class, () -> engine.keys().length(key));
    }

    @Test
    void fillsArraysWithRandomBytes() {
        byte[] first = new byte[48];
        byte[] second = new byte[48];
        engine.fillRandom(first);
        engine.fillRandom(second);
        assertFalse(Arrays.equals(first, second));
        assertFalse(Arrays.equals(Arrays.copyOfRange(first, 32, 48), new byte[16]));
    }

    private byte[] bytesOf(int key, int lengthBytes) {
        ByteBuffer bytes = ByteBuffer.allocate(lengthBytes);
        engine.keys().copyOut(key, SecretAccess.TEST_ORACLE, bytes);
        return bytes.array();
    }
}
