package io.blockseal.keysource.pkcs11;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.admin.KeyHealth;
import io.blockseal.app.tending.KeyCanary;
import io.blockseal.config.KeyCheck;
import io.blockseal.keysource.KeySource;
import io.blockseal.keysource.KeySourceContext;
import io.blockseal.keysource.pkcs11.Functions.Function;
import io.blockseal.store.MemoryStore;
import io.blockseal.volume.OpenOptions;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import io.blockseal.volume.metadata.VolumeStores;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A served volume whose key is looked at again and again, on a real token (SoftHSM), while its PIN file is wrong. */
class Pkcs11CanaryTest {
    private static final long MINUTE = 60_000;

    private final VolumeFixture fixture = new VolumeFixture();
    private final MemoryStore store = new MemoryStore("vol", 0);
    private long now;

    @TempDir
    private Path folder;

    private KeyHealth look(KeyCanary canary, int times) {
        for (int i = 0; i < times; i++) {
            now += MINUTE;
            canary.look();
        }
        return canary.health();
    }

    /** Else a slip of the pen in a file would lock a token within three minutes, with nobody near it. */
    @Test
    void aWrongPinIsShownToTheTokenOnceAndTheRightOneTakenUp() throws Exception {
        KeySourceContext context =
                new KeySourceContext(fixture.engine(), null, name -> null, () -> new byte[0], use -> {});
        try (TokenPremises token = new TokenPremises(folder);
                KeySource source = token.source(context)) {
            fixture.creator().create(VolumeStores.inBand(store), List.of(source), VolumeFixture.ranges(1));
            try (Volume volume =
                    fixture.opener().open(VolumeStores.inBand(store), List.of(source), OpenOptions.DEFAULT)) {
                KeyCanary canary = new KeyCanary(
                        "vol",
                        volume,
                        List.of(source),
                        new KeyCheck(300, 0, KeyCheck.OnRevocation.FAIL_IO),
                        () -> now,
                        () -> false);
                assertEquals("good", look(canary, 3).standing());
                assertEquals(1, token.calls(Function.C_Login));
                token.writePin("mandarin");
                token.hsm.pullOutAndPutBack();

                KeyHealth wrong = look(canary, 100);
                assertEquals(2, token.calls(Function.C_Login), "one that was right, one that was not");
                assertEquals("in-doubt", wrong.standing());
                assertEquals(0, wrong.refusals());
                assertTrue(wrong.why().contains("has refused the PIN of file " + token.pin + " before"), wrong::why);
                assertTrue(wrong.why().contains("Put the right one there"), wrong::why);
                assertFalse(wrong.why().contains("mandarin"), wrong::why);
                assertEquals(Volume.State.OPEN, volume.state());

                token.writePin(SoftHsm.PIN);
                assertEquals("good", look(canary, 1).standing());
                assertEquals(3, token.calls(Function.C_Login));
            }
        }
    }
}
