package io.blockseal.keysource.passphrase;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Seeds;
import io.blockseal.keysource.KeySourceException;
import java.util.Arrays;

/** What a passphrase's key slot asks for, before anything vouches for it: never more than slots may. */
public final class PassphraseSlotFuzz implements FuzzTarget {
    @Override
    public Seeds seeds() {
        byte[] salt = new byte[Argon2Slot.SALT_BYTES];
        String saltAndHeader = "0420" + "07".repeat(salt.length);
        return new Seeds()
                .add("sound", new Argon2Slot(Argon2Cost.FLOOR, salt).encode())
                .addHex("other-order", saltAndHeader + "0304 04000000 0204 03000000 0104 00000100")
                .addHex("most-memory", "0104 ffffffff 0204 03000000 0304 04000000" + saltAndHeader)
                .addHex("most-lanes", "0104 00000100 0204 03000000 0304 ffffff7f" + saltAndHeader)
                .addHex("most-passes", "0104 00000100 0204 ffffffff 0304 04000000" + saltAndHeader)
                .addHex("twice", "0104 00000100 0104 00000100")
                .addHex("cut", "0104 0000");
    }

    @Override
    public void run(byte[] input) {
        Argon2Slot slot;
        try {
            slot = Argon2Slot.decode(input);
        } catch (KeySourceException refused) {
            promise(refused.kind() == KeySourceException.Kind.MISCONFIGURED, "refused as " + refused.kind());
            return;
        }
        promise(slot.cost().isAllowed(), "a cost beyond the bounds: " + slot.cost());
        try {
            Argon2Slot again = Argon2Slot.decode(slot.encode());
            promise(
                    again.cost().equals(slot.cost()) && Arrays.equals(again.salt(), slot.salt()),
                    "other parameters when written");
        } catch (KeySourceException e) {
            throw new AssertionError("what was accepted is refused when written", e);
        }
    }

    @Override
    public long allocatedBytesMax() {
        return 1 << 20;
    }
}
