package io.blockseal.app.erase;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.crypto.Secret;
import io.blockseal.format.MalformedVolumeException;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.VolumeErasure;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.metadata.VolumeStores;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

class EraserTest {
    private final VolumeFixture fixture = new VolumeFixture();

    @Test
    void aSourceThatBreaksWhenItsKeyIsToGoLeavesAnErasedVolumeAndAComplaint() throws Exception {
        MemoryStore store = fixture.create(4);
        VolumeErasure erasure = VolumeErasure.plan(VolumeStores.inBand(store));
        DoomedKeys keys = new DoomedKeys("demo");
        keys.add("key-file", new BreaksAtTheEnd(fixture.key(1)), erasure);
        EraseEvidence evidence =
                new EraseEvidence(erasure.info(), EraseEvidence.Wisher.self(), Path.of("demo.bsl"), null, null);
        List<String> complaints = new Eraser(erasure, keys, evidence, "demo").erase();
        assertEquals(List.of("demo: erased, but it broke"), complaints);
        JsonNode record = new ObjectMapper().readTree(evidence.json());
        assertEquals("kek-remains", record.get("outcome").asText());
        JsonNode kek = record.get("destroyed").get("keks").get(0);
        assertTrue(!kek.get("destroyed").asBoolean(), kek::toString);
        assertThrows(MalformedVolumeException.class, () -> fixture.open(store));
    }

    /** Has a key that opens the volume, and a bug. */
    private record BreaksAtTheEnd(KeySource key) implements KeySource {
        @Override
        public String kind() {
            return key.kind();
        }

        @Override
        public String reference() {
            return key.reference();
        }

        @Override
        public int slotPriority() {
            return key.slotPriority();
        }

        @Override
        public boolean mayOpen(WrappedKey wrapped) {
            return key.mayOpen(wrapped);
        }

        @Override
        public WrappedKey wrap(Secret volumeKey, Binding binding) throws KeySourceException {
            return key.wrap(volumeKey, binding);
        }

        @Override
        public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
            return key.unwrap(wrapped, binding);
        }

        @Override
        public String whyIndestructible() {
            return null;
        }

        @Override
        public String destroy() {
            throw new IllegalStateException("it broke");
        }

        @Override
        public void close() {
            key.close();
        }
    }
}
