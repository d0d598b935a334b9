package io.blockseal.keysource.vault;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.blockseal.app.key.KeyPlaces;
import io.blockseal.config.KeyConfig;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.rest.RestStub;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.metadata.VolumeStores;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A daemon whose configuration names one remote KEK a hundred times: each volume costs it one question. */
class HundredVolumesTest {
    private static final int VOLUMES = 100;

    private final VaultStub stub = new VaultStub();
    private final VolumeFixture fixture = new VolumeFixture();
    private final List<MemoryStore> stores = new ArrayList<>();
    private final List<Volume> opened = new ArrayList<>();

    @TempDir
    private Path folder;

    @Test
    void openByAHundredQuestionsAndOneLogin() throws Exception {
        try (RestStub rest = RestStub.start(stub);
                VaultPremises premises = new VaultPremises(folder, rest, stub)) {
            stub.loginPolicy = premises.id;
            KeyConfig key = new KeyConfig(KeyConfig.Kind.KEY_SOURCE, premises.uri("one", premises.appRole("1h")));
            try (KeyPlaces places = new KeyPlaces(fixture.engine())) {
                create(places.open(key, ""));
            }
            stub.asked.clear();
            stub.logins.set(0);
            stub.latencyMillis = Long.getLong("blockseal.test.latency-millis", 0);
            long begun = System.nanoTime();
            try (KeyPlaces places = new KeyPlaces(fixture.engine())) {
                for (MemoryStore store : stores) {
                    KeySource source = places.open(key, "");
                    opened.add(fixture.opener().open(VolumeStores.inBand(store), List.of(source), OpenOptions.DEFAULT));
                }
            }
            long millis = (System.nanoTime() - begun) / 1_000_000;
            System.out.printf(
                    "%d volumes: opened in %d ms, answers after %d ms%n", VOLUMES, millis, stub.latencyMillis);
            assertEquals(VOLUMES, stub.asked.get(premises.id + "/decrypt/one"));
            assertEquals(1, stub.logins.get());
            assertEquals(2, stub.asked.size(), () -> "asked for something else: " + stub.asked.keySet());
        } finally {
            for (Volume volume : opened) {
                volume.close();
            }
        }
    }

    private void create(KeySource source) throws Exception {
        for (int i = 0; i < VOLUMES; i++) {
            MemoryStore store = new MemoryStore("vol" + i, 0);
            fixture.creator().create(VolumeStores.inBand(store), List.of(source), VolumeFixture.ranges(1));
            stores.add(store);
        }
    }
}
