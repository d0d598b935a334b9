package io.blockseal.volume;

import io.blockseal.block.Errno;
import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.memory.Memory;
import io.blockseal.memory.MemorySource;
import io.blockseal.store.MemoryStore;
import io.blockseal.store.StoreException;
import io.blockseal.volume.metadata.RetryTimer;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.table.RangeWord;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Small volumes in memory: 64 KiB ranges, two of them spare, everything on the calling thread. Reads and writes go
 * straight through the {@link DataPlane}, one data unit at a time, with no device in between.
 */
public final class VolumeFixture {
    public static final long RANGE = 64 << 10;
    public static final int UNIT = 4096;

    private final CryptoEngine engine;
    private final Memory unit;

    /** With the Java engine. */
    public VolumeFixture() {
        this(new JavaCryptoEngine(), new JvmMemorySource());
    }

    /** With an engine that can use memory of that source. */
    public VolumeFixture(CryptoEngine engine, MemorySource memory) {
        this.engine = engine;
        this.unit = memory.map(UNIT);
    }

    public CryptoEngine engine() {
        return engine;
    }

    public TestKeySource key(int fill) {
        return new TestKeySource(engine, fill);
    }

    /** Options for a volume of so many ranges. */
    public static CreateOptions ranges(long count) {
        return CreateOptions.ofSize(count * RANGE).withSmallRanges(RANGE);
    }

    /** A volume of so many ranges that key 1 opens, closed, with nothing recorded. */
    public MemoryStore create(long rangeCount) throws Exception {
        MemoryStore store = new MemoryStore("vol", 0);
        creator().create(VolumeStores.inBand(store), List.of(key(1)), ranges(rangeCount));
        store.startRecording();
        return store;
    }

    public VolumeCreator creator() {
        return new VolumeCreator(engine, () -> Instant.ofEpochSecond(1_700_000_000));
    }

    /** The time at which its volumes are opened. */
    public InstantSource clock() {
        return () -> Instant.ofEpochSecond(1_700_000_100);
    }

    public VolumeOpener opener() {
        return opener(HostMemory.none());
    }

    /** One whose volumes try again when that timer says so. */
    public VolumeOpener opener(RetryTimer timer) {
        return new VolumeOpener(
                engine, HostMemory.none(), Runnable::run, () -> Instant.ofEpochSecond(1_700_000_100), timer);
    }

    public VolumeOpener opener(HostMemory memory) {
        return new VolumeOpener(engine, memory, Runnable::run, clock());
    }

    public Volume open(MemoryStore store) throws Exception {
        return open(store, OpenOptions.DEFAULT);
    }

    public Volume open(MemoryStore store, OpenOptions options) throws Exception {
        return opener().open(VolumeStores.inBand(store), List.of(key(1)), options);
    }

    /** Asks for a DEK and returns how that went. */
    public static Errno allocate(Volume volume, long range) {
        AtomicReference<Errno> answer = new AtomicReference<>();
        volume.allocate(range, Runnable::run, answer::set);
        Errno errno = answer.get();
        if (errno == null) {
            throw new AssertionError("no answer");
        }
        return errno;
    }

    /** Writes one unit filled with {@code fill}, giving the range its DEK first if need be. */
    public Errno write(Volume volume, long unitIndex, int fill) throws StoreException {
        int unitBytes = volume.shape().unitBytes();
        long offset = unitIndex * unitBytes;
        long range = offset >>> volume.shape().rangeShift();
        Errno allocated = allocate(volume, range);
        if (allocated != Errno.OK) {
            return allocated;
        }
        byte[] plain = new byte[unitBytes];
        Arrays.fill(plain, (byte) fill);
        unit.bytes().put(0, plain);
        try (DekCache cache = volume.openCache()) {
            int key = cache.keyFor(range, volume.word(range));
            if (key == 0) {
                return Errno.EIO;
            }
            volume.xts().encrypt(key, unit, 0, unitBytes, unitIndex, 1);
        }
        volume.dataStore().write(physical(volume, range, offset), unit.bytes().slice(0, unitBytes));
        return Errno.OK;
    }

    /** Reads one unit: its fill byte, or -1 for EIO, or -2 for noise. */
    public int read(Volume volume, long unitIndex) throws StoreException {
        int unitBytes = volume.shape().unitBytes();
        long offset = unitIndex * unitBytes;
        long range = offset >>> volume.shape().rangeShift();
        long word = volume.word(range);
        if (RangeWord.state(word) == RangeWord.LOST) {
            return -1;
        }
        if (RangeWord.state(word) != RangeWord.ACTIVE) {
            return 0;
        }
        ByteBuffer target = ByteBuffer.allocate(unitBytes);
        volume.dataStore().read(physical(volume, range, offset), target);
        unit.bytes().put(0, target.array());
        try (DekCache cache = volume.openCache()) {
            int key = cache.keyFor(range, word);
            if (key == 0) {
                return -1;
            }
            volume.xts().decryptSparse(key, unit, 0, unitBytes, unitIndex, 1);
        }
        byte first = unit.bytes().get(0);
        for (int i = 1; i < unitBytes; i++) {
            if (unit.bytes().get(i) != first) {
                return -2;
            }
        }
        return Byte.toUnsignedInt(first);
    }

    private static long physical(Volume volume, long range, long offset) {
        return volume.shape().physicalOffset(offset, RangeWord.slot(volume.word(range)));
    }
}
