package io.blockseal.it;

import io.blockseal.crypto.CryptoEngine;
import io.blockseal.crypto.Secret;
import io.blockseal.crypto.SecretAccess;
import io.blockseal.crypto.java.JavaCryptoEngine;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.file.FileKeySource;
import io.blockseal.memory.JvmMemorySource;
import io.blockseal.store.StoreOptions;
import io.blockseal.store.file.FileStores;
import io.blockseal.volume.DekCache;
import io.blockseal.volume.HostMemory;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeOpener;
import io.blockseal.volume.metadata.VolumeStores;
import io.blockseal.volume.table.RangeWord;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The secrets of a volume that nobody serves, as this process finds them with the key file: what no other process may
 * leave lying about.
 *
 * @param deks of the ranges that have one
 */
record PlainKeys(byte[] volumeKey, Map<Long, byte[]> deks) {
    static PlainKeys of(Path file, Path keyFile) throws Exception {
        FileStores files = FileStores.withJdk(new JvmMemorySource());
        Map<Long, byte[]> deks = new TreeMap<>();
        try (CryptoEngine engine = new JavaCryptoEngine();
                Overheard source = new Overheard(FileKeySource.ofFile(keyFile, engine), engine);
                Volume volume = new VolumeOpener(engine, HostMemory.none(), Runnable::run, InstantSource.system())
                        .open(
                                VolumeStores.inBand(files.open(file, StoreOptions.BUFFERED)),
                                List.of(source),
                                OpenOptions.DEFAULT);
                DekCache cache = volume.openCache()) {
            for (long range = 0; range < volume.shape().rangeCount(); range++) {
                long word = volume.word(range);
                if (RangeWord.state(word) == RangeWord.ACTIVE) {
                    deks.put(range, copyOf(engine, cache.keyFor(range, word)));
                }
            }
            return new PlainKeys(source.volumeKey(), deks);
        }
    }

    private static byte[] copyOf(CryptoEngine engine, int key) {
        ByteBuffer bytes = ByteBuffer.allocate(engine.keys().length(key));
        engine.keys().copyOut(key, SecretAccess.TEST_ORACLE, bytes);
        return bytes.array();
    }

    /** A key source that lets the test see the volume key that it unwraps. */
    private static final class Overheard implements KeySource {
        private final KeySource source;
        private final CryptoEngine engine;
        private byte @Nullable [] volumeKey;

        Overheard(KeySource source, CryptoEngine engine) {
            this.source = source;
            this.engine = engine;
        }

        byte[] volumeKey() {
            if (volumeKey == null) {
                throw new AssertionError("no volume key was unwrapped");
            }
            return volumeKey;
        }

        @Override
        public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
            Secret key = source.unwrap(wrapped, binding);
            volumeKey = copyOf(engine, key.key());
            return key;
        }

        @Override
        public String kind() {
            return source.kind();
        }

        @Override
        public String reference() {
            return source.reference();
        }

        @Override
        public int slotPriority() {
            return source.slotPriority();
        }

        @Override
        public boolean mayOpen(WrappedKey wrapped) {
            return source.mayOpen(wrapped);
        }

        @Override
        public WrappedKey wrap(Secret key, Binding binding) throws KeySourceException {
            return source.wrap(key, binding);
        }

        @Override
        public void close() {
            source.close();
        }
    }
}
