package io.blockseal.shim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Objects;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** All that must hold of XTS, on the way that processors without the wide instructions take. */
class XtsByLibcryptoTest extends XtsTest {
    private static final int ROUNDS = 300;

    private static final class Beside {
        static final ShimLibrary LIBRARY = ShimLibrary.beside(Shim.INIT_XTS_LIBCRYPTO);

        private Beside() {}
    }

    @Override
    Shim library() {
        // The process's own library first, so that libcrypto's memory is that one's as ever.
        ShimFixture.shim();
        return Objects.requireNonNull(Beside.LIBRARY.shim(), Beside.LIBRARY.reason());
    }

    @Test
    void isWhatWasAskedFor() {
        assertEquals(Shim.XTS_LIBCRYPTO, shim.xtsEngine());
    }

    /** Else what libcrypto holds in the first one's pool would be freed into the other's, which ends the process. */
    @Test
    void leavesTheMemoryOfLibcryptoToTheFirst() {
        int claimed = ShimFixture.shim().protection();
        assertEquals(0, shim.protection() & (Shim.SCHEDULES_LOCKED | Shim.UNDUMPABLE | Shim.NO_FORK));
        assertEquals(claimed, ShimFixture.shim().protection());
    }

    @Test
    void givesWhatTheEngineOfThisProcessGives() {
        long seed = Long.getLong("blockseal.seed", new Random().nextLong());
        Random random = new Random(seed);
        Shim other = ShimFixture.shim();
        for (int round = 0; round < ROUNDS; round++) {
            int unitBytes = random.nextBoolean() ? 512 << 3 * random.nextInt(2) : 16 * (1 + random.nextInt(300));
            int count = 1 + random.nextInt(40);
            int skipped = random.nextInt(64);
            long first = random.nextLong() >>> 1 + random.nextInt(62);
            byte[] key = new byte[64];
            byte[] bytes = new byte[skipped + count * unitBytes];
            random.nextBytes(key);
            random.nextBytes(bytes);
            OffHeap one = ShimFixture.offHeap(bytes);
            OffHeap two = ShimFixture.offHeap(bytes);
            int keyOfOne = ShimFixture.key(shim, key);
            int keyOfTwo = ShimFixture.key(other, key);
            String what = "blockseal.seed=" + seed + " round " + round;
            assertEquals(0, shim.xtsEncrypt(keyOfOne, one.address(skipped), first, count, unitBytes), what);
            assertEquals(0, other.xtsEncrypt(keyOfTwo, two.address(skipped), first, count, unitBytes), what);
            assertArrayEquals(one.get(0, bytes.length), two.get(0, bytes.length), what);
            assertEquals(0, shim.xtsDecryptSparse(keyOfOne, one.address(skipped), first, count, unitBytes), what);
            assertEquals(0, other.xtsDecryptSparse(keyOfTwo, two.address(skipped), first, count, unitBytes), what);
            assertArrayEquals(bytes, one.get(0, bytes.length), what);
            assertArrayEquals(bytes, two.get(0, bytes.length), what);
            shim.keyFree(keyOfOne);
            other.keyFree(keyOfTwo);
        }
    }
}
