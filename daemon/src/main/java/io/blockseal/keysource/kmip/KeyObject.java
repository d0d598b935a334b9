package io.blockseal.keysource.kmip;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import java.io.IOException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * A key on the server, by its attributes. What the server does not tell is not held against the key.
 *
 * @param id its Unique Identifier
 * @param state its State; active if it does not tell
 * @param algorithm its Cryptographic Algorithm
 * @param lengthBits its Cryptographic Length
 * @param usage its Cryptographic Usage Mask
 * @param sinceSeconds when it was activated, or else made, in seconds since 1970
 * @param replacement the Unique Identifier of the key that takes its place, or null
 */
record KeyObject(
        String id,
        State state,
        int algorithm,
        int lengthBits,
        int usage,
        long sinceSeconds,
        @Nullable String replacement) {
    /** Where a key is in its life (KMIP 1.4, 3.22). */
    enum State {
        /** Not to be used yet. */
        PRE_ACTIVE,
        /** In use. */
        ACTIVE,
        /** To be used for nothing new. */
        DEACTIVATED,
        /** Somebody else may have it. */
        COMPROMISED,
        /** Gone. */
        DESTROYED,
        /** Both. */
        DESTROYED_COMPROMISED;

        static State of(int code) throws IOException {
            if (code < 1 || code > values().length) {
                throw new IOException("a state " + code);
            }
            return values()[code - 1];
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT).replace('_', '-');
        }
    }

    /** What {@link #of} looks at, by the names of KMIP 1. */
    static final String[] ATTRIBUTES = {
        "State",
        "Cryptographic Algorithm",
        "Cryptographic Length",
        "Cryptographic Usage Mask",
        "Activation Date",
        "Initial Date",
        "Link"
    };

    private static final int AES = 3;
    private static final int KEY_BITS = 256;
    private static final int MAY_ENCRYPT_AND_DECRYPT = 0x4 | 0x8;
    private static final int REPLACEMENT_OBJECT_LINK = 0x106;

    /** From the answer to Get Attributes. */
    static KeyObject of(String id, TtlvItem payload) throws IOException {
        State state = State.ACTIVE;
        int algorithm = AES;
        int lengthBits = KEY_BITS;
        int usage = MAY_ENCRYPT_AND_DECRYPT;
        long activated = Long.MIN_VALUE;
        long made = Long.MIN_VALUE;
        String replacement = null;
        for (TtlvItem each : payload.all(Tag.ATTRIBUTE)) {
            TtlvItem value = each.require(Tag.ATTRIBUTE_VALUE);
            switch (each.require(Tag.ATTRIBUTE_NAME).text()) {
                case "State" -> state = State.of(value.number());
                case "Cryptographic Algorithm" -> algorithm = value.number();
                case "Cryptographic Length" -> lengthBits = value.number();
                case "Cryptographic Usage Mask" -> usage = value.number();
                case "Activation Date" -> activated = value.longNumber();
                case "Initial Date" -> made = value.longNumber();
                case "Link" -> {
                    if (value.require(Tag.LINK_TYPE).number() == REPLACEMENT_OBJECT_LINK) {
                        replacement =
                                value.require(Tag.LINKED_OBJECT_IDENTIFIER).text();
                    }
                }
                default -> {
                    // More than was asked for.
                }
            }
        }
        return new KeyObject(
                id, state, algorithm, lengthBits, usage, activated == Long.MIN_VALUE ? made : activated, replacement);
    }

    /** Whether something may be wrapped by it. */
    boolean isActive() {
        return state == State.ACTIVE;
    }

    /** Whether it is an AES key of our length that may do both. */
    boolean isFit() {
        return isAes256() && mayDoBoth();
    }

    private boolean isAes256() {
        return algorithm == AES && lengthBits == KEY_BITS;
    }

    private boolean mayDoBoth() {
        return (usage & MAY_ENCRYPT_AND_DECRYPT) == MAY_ENCRYPT_AND_DECRYPT;
    }

    /** Refuses a key that is of no use here, in words that begin with {@code reference}. */
    void requireFit(String reference) throws KeySourceException {
        if (!isAes256()) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED, reference + ": the key " + id + " is not an AES key of 256 bits; make one");
        }
        if (!mayDoBoth()) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    reference + ": the usage mask of the key " + id
                            + " does not allow both Encrypt and Decrypt; make one whose mask does");
        }
    }
}
