package io.blockseal.keysource.kmip;

import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Which key is meant now. A key has no versions in KMIP: a newer one is another object, which takes over the name, or which
 * the old one names as its replacement. So the newest is, of a name, the active key that was activated last; of an
 * identifier, the last active one in the row of replacements that begins there. A key that is of no use
 * here, by its algorithm, its length or its usage mask, is passed over as if it were not active: nothing is offered that
 * wrapping would refuse. Stateless.
 */
final class KeyFinder {
    private static final int KEYS_MAX = 32;
    private static final int ID_BYTES_MAX = 64;
    private static final int UNINTERPRETED_TEXT = 1;
    private static final int SYMMETRIC_KEY = 2;
    private static final int ACTIVE = 2;

    private final KeyName name;
    private final String reference;

    KeyFinder(KeyName name, String reference) {
        this.name = name;
        this.reference = reference;
    }

    /**
     * The key to wrap by: active, and fit for it.
     *
     * @throws KeySourceException REFUSED if there is none, or none that is active; MISCONFIGURED if none of the active ones
     *     is fit
     */
    KeyObject newest(KmipSession session) throws KeySourceException, IOException {
        return name.byName() ? newestOfName(session) : newestOfReplacements(session);
    }

    private KeyObject newestOfName(KmipSession session) throws KeySourceException, IOException {
        List<String> active = locate(session, true);
        if (active.isEmpty()) {
            boolean none = locate(session, false).isEmpty();
            throw refused(
                    none
                            ? "there is no symmetric key " + name + " on the server, or we may not see it"
                            : "no key " + name + " is active");
        }
        List<KeyObject> keys = new ArrayList<>();
        for (String id : active) {
            keys.add(attributes(session, id));
        }
        keys.sort(Comparator.comparingLong(KeyObject::sinceSeconds).reversed());
        List<KeyObject> fit =
                keys.stream().filter(each -> each.isActive() && each.isFit()).toList();
        KeyObject newest = fit.isEmpty() ? keys.get(0) : fit.get(0);
        if (!newest.isActive()) {
            throw refused("the key " + newest.id() + " is " + newest.state());
        }
        newest.requireFit(reference);
        if (fit.size() > 1 && fit.get(1).sinceSeconds() == newest.sinceSeconds()) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    reference + ": the keys " + newest.id() + " and "
                            + fit.get(1).id()
                            + " have the same name and were activated at the same time; revoke one, or name the other"
                            + " by its identifier");
        }
        return newest;
    }

    private KeyObject newestOfReplacements(KmipSession session) throws KeySourceException, IOException {
        Set<String> seen = new LinkedHashSet<>();
        KeyObject newest = null;
        KeyObject unfit = null;
        KeyObject first = null;
        String next = name.key();
        while (next != null && seen.add(next)) {
            if (seen.size() > KEYS_MAX) {
                throw new KeySourceException(
                        Kind.MISCONFIGURED,
                        reference + ": more than " + KEYS_MAX
                                + " keys replace it, one after the other; name a newer one of them");
            }
            KeyObject each = next(session, next, first != null);
            if (each == null) {
                break;
            }
            first = first == null ? each : first;
            if (each.isActive() && each.isFit()) {
                newest = each;
            } else if (each.isActive()) {
                unfit = each;
            }
            next = each.replacement();
        }
        if (newest == null && unfit != null) {
            unfit.requireFit(reference);
        }
        if (newest == null) {
            throw refused("the key " + name + (first == null ? " is not there" : " is " + first.state())
                    + ", and no active one replaces it");
        }
        return newest;
    }

    /** The key with that identifier; null if a replacement is not there, or not for us. */
    private @Nullable KeyObject next(KmipSession session, String id, boolean replacement)
            throws KeySourceException, IOException {
        try {
            return attributes(session, id);
        } catch (KeySourceException trouble) {
            if (replacement && trouble.kind() == Kind.REFUSED) {
                return null;
            }
            throw trouble;
        }
    }

    private List<String> locate(KmipSession session, boolean activeOnly) throws KeySourceException, IOException {
        Consumer<TtlvWriter> question = payload -> {
            payload.integer(Tag.MAXIMUM_ITEMS, KEYS_MAX + 1);
            attribute(
                    payload,
                    "Name",
                    attribute ->
                            attribute.structure(Tag.ATTRIBUTE_VALUE, value -> value.text(Tag.NAME_VALUE, name.key())
                                    .enumeration(Tag.NAME_TYPE, UNINTERPRETED_TEXT)));
            attribute(payload, "Object Type", attribute -> attribute.enumeration(Tag.ATTRIBUTE_VALUE, SYMMETRIC_KEY));
            if (activeOnly) {
                attribute(payload, "State", attribute -> attribute.enumeration(Tag.ATTRIBUTE_VALUE, ACTIVE));
            }
        };
        List<String> ids = new ArrayList<>();
        try (KmipReply reply = session.require(Operation.LOCATE, question)) {
            for (TtlvItem each : reply.payload().all(Tag.UNIQUE_IDENTIFIER)) {
                ids.add(each.text());
            }
        }
        if (ids.size() > KEYS_MAX) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    reference + ": more than " + KEYS_MAX + " keys have that name; revoke those that are not used");
        }
        return ids;
    }

    private static void attribute(TtlvWriter to, String attributeName, Consumer<TtlvWriter> value) {
        to.structure(Tag.ATTRIBUTE, attribute -> value.accept(attribute.text(Tag.ATTRIBUTE_NAME, attributeName)));
    }

    private KeyObject attributes(KmipSession session, String id) throws KeySourceException, IOException {
        if (id.isEmpty()
                || id.getBytes(StandardCharsets.UTF_8).length > ID_BYTES_MAX
                || id.chars().anyMatch(Character::isISOControl)) {
            throw new KeySourceException(
                    Kind.MISCONFIGURED,
                    reference + ": the identifier of the key is longer than the " + ID_BYTES_MAX
                            + " bytes that a key slot has for it, or cannot be printed");
        }
        Consumer<TtlvWriter> question = payload -> {
            payload.text(Tag.UNIQUE_IDENTIFIER, id);
            for (String each : KeyObject.ATTRIBUTES) {
                payload.text(Tag.ATTRIBUTE_NAME, each);
            }
        };
        try (KmipReply reply = session.require(Operation.GET_ATTRIBUTES, question)) {
            return KeyObject.of(id, reply.payload());
        }
    }

    private KeySourceException refused(String what) {
        return new KeySourceException(Kind.REFUSED, reference + ": " + what);
    }
}
