package io.blockseal.app.desk;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.blockseal.admin.AdminPage;
import io.blockseal.admin.ExportHealth;
import io.blockseal.admin.HealthPages;
import io.blockseal.app.tending.KeyCanary;
import io.blockseal.config.KeyCheck;
import io.blockseal.config.KeyCheck.OnRevocation;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.Binding;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import io.blockseal.keysource.UnwrapOnly;
import io.blockseal.keysource.WrappedKey;
import io.blockseal.keysource.WrongKeyException;
import io.blockseal.keysource.WrongPinException;
import io.blockseal.volume.Volume;
import io.blockseal.volume.VolumeFixture;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A served volume whose token does not take the PIN any more: who is told, what it costs, and how it ends. */
class WrongPinStatusTest {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final int LOOKS = 1000;

    private final VolumeFixture fixture = new VolumeFixture();
    private final Token token = new Token();
    private long now;
    private Volume volume;
    private KeyCanary canary;

    @BeforeEach
    void open() throws Exception {
        volume = fixture.open(fixture.create(1));
        canary = new KeyCanary(
                "db", volume, List.of(token), new KeyCheck(300, 0, OnRevocation.FAIL_IO), () -> now, () -> false);
    }

    @AfterEach
    void close() {
        volume.close();
    }

    private void look(int times) {
        for (int i = 0; i < times; i++) {
            now += 60_000;
            canary.look();
        }
    }

    private String status() {
        return KeyStatusText.of(canary.health(), OnRevocation.FAIL_IO, Instant.EPOCH);
    }

    private JsonNode readiness() throws Exception {
        ExportHealth export = new ExportHealth(
                "db",
                ExportHealth.OPEN,
                volume.shape().sizeBytes(),
                0,
                0,
                0,
                0,
                false,
                0,
                ExportHealth.Mirror.NONE,
                0,
                0,
                canary.health());
        AdminPage.Answer answer = new HealthPages(() -> true, () -> List.of(export)).ready();
        return JSON.readTree(answer.body()).get("exports").get(0);
    }

    @Test
    void isToldAndTriedOnceAndTakesNoVolumeAway() throws Exception {
        look(1);
        assertEquals("", status());
        assertEquals(List.of("tangerine"), token.shown);
        token.pinFile = "mandarin";
        token.isLoggedIn = false;
        look(LOOKS);
        assertEquals(List.of("tangerine", "mandarin"), token.shown);
        assertEquals(1 + LOOKS, token.questions, "a look asks its source one question, whatever is the answer");
        assertEquals(Volume.State.OPEN, volume.state());
        assertEquals(
                "  key: in doubt, last given 60000 s ago; the volume is served on: vol: no key slot opens with the given"
                        + " keys; token: the PIN of file pin is wrong\n",
                status());
        JsonNode ready = readiness();
        assertTrue(ready.get("ready").asBoolean(), "who restarts it would lose it");
        assertEquals("in-doubt", ready.get("key").asText());
        assertTrue(ready.get("why").asText().endsWith("the PIN of file pin is wrong"), ready::toString);
        token.pinFile = "tangerine";
        look(1);
        assertEquals("", status());
        assertTrue(readiness().path("key").isMissingNode());
        assertEquals(List.of("tangerine", "mandarin", "tangerine"), token.shown);
    }

    /** The key is given back, but nobody can fetch it before the file is put right: then it must need nobody else. */
    @Test
    void keepsAVolumeLockedThatWasRevokedUntilItIsPutRight() throws Exception {
        token.revoked = true;
        look(10);
        assertEquals(Volume.State.LOCKED, volume.state());
        token.pinFile = "mandarin";
        token.isLoggedIn = false;
        token.revoked = false;
        look(LOOKS);
        assertEquals(Volume.State.LOCKED, volume.state());
        assertEquals(List.of("tangerine", "mandarin"), token.shown);
        assertTrue(status().contains("is over: fail-io: vol: no key slot opens"), this::status);
        assertTrue(status().endsWith("the PIN of file pin is wrong\n"), this::status);
        token.pinFile = "tangerine";
        look(1);
        assertEquals(Volume.State.OPEN, volume.state());
        assertEquals("", status());
    }

    /** A token that has the key of the volume, and what remembers for it which PINs it has refused. */
    private final class Token extends UnwrapOnly {
        private final List<String> shown = new ArrayList<>();
        private String pinFile = "tangerine";
        private boolean isLoggedIn;
        private boolean revoked;
        private int questions;

        Token() {
            super("token");
        }

        @Override
        public Secret unwrap(WrappedKey wrapped, Binding binding) throws KeySourceException, WrongKeyException {
            questions++;
            if (!isLoggedIn && (pinFile.equals("tangerine") || !shown.contains(pinFile))) {
                shown.add(pinFile);
                isLoggedIn = pinFile.equals("tangerine");
            }
            if (!isLoggedIn) {
                throw new WrongPinException("token: the PIN of file pin is wrong");
            }
            if (revoked) {
                throw new KeySourceException(Kind.REFUSED, "token: the key is disabled");
            }
            return fixture.key(1).unwrap(wrapped, binding);
        }
    }
}
