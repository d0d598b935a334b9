package io.blockseal.access;

import java.net.InetAddress;
import java.util.Locale;

/** One thing that a rule looks for in a caller. */
sealed interface Trait {
    /** Whether the caller has it. */
    boolean isIn(Shown shown);

    /** Whether every caller that has the other one has this one, too. */
    default boolean covers(Trait other) {
        return equals(other);
    }

    /** A certificate of that subject, all of it. */
    record Subject(DistinguishedName name) implements Trait {
        @Override
        public boolean isIn(Shown shown) {
            return name.equals(shown.subject());
        }
    }

    /** A certificate with that SPIFFE id, or with one below it. */
    record Spiffe(SpiffeId id, boolean below) implements Trait {
        @Override
        public boolean isIn(Shown shown) {
            SpiffeId theirs = shown.spiffeId();
            return theirs != null && holds(theirs);
        }

        private boolean holds(SpiffeId theirs) {
            return below ? theirs.isBelow(id) : theirs.equals(id);
        }

        @Override
        public boolean covers(Trait other) {
            return equals(other) || (other instanceof Spiffe spiffe && below && spiffe.id.isBelow(id));
        }
    }

    /** A certificate with that DNS name. Names are compared without regard to case (RFC 5280, 7.2), and as a whole. */
    record Dns(String name) implements Trait {
        @Override
        public boolean isIn(Shown shown) {
            return shown.hasName("dns:", theirs -> lower(theirs).equals(name));
        }
    }

    /** A certificate with that mail address, whose case matters before the @ and not behind it (RFC 5280, 7.5). */
    record Email(String address) implements Trait {
        @Override
        public boolean isIn(Shown shown) {
            return shown.hasName("email:", theirs -> canonical(theirs).equals(address));
        }

        static String canonical(String address) {
            int at = address.lastIndexOf('@') + 1;
            return address.substring(0, at) + lower(address.substring(at));
        }
    }

    /** A certificate with that URI, letter by letter. */
    record Uri(String uri) implements Trait {
        @Override
        public boolean isIn(Shown shown) {
            return shown.hasName("uri:", uri::equals);
        }
    }

    /** A certificate with that address in it; wherever the client is. */
    record Ip(AddressRange address) implements Trait {
        @Override
        public boolean isIn(Shown shown) {
            return shown.hasName("ip:", theirs -> address.equals(AddressRange.readOne(theirs)));
        }
    }

    /** A pre-shared key of that name. */
    record Psk(String name) implements Trait {
        @Override
        public boolean isIn(Shown shown) {
            return shown.hasPsk(name);
        }
    }

    /** A process of that user. */
    record Uid(long uid) implements Trait {
        @Override
        public boolean isIn(Shown shown) {
            return shown.isUser(uid);
        }
    }

    /** A process that is in that group. */
    record Gid(long gid) implements Trait {
        @Override
        public boolean isIn(Shown shown) {
            return shown.isInGroup(gid);
        }
    }

    /** A connection from there. */
    record Address(AddressRange range) implements Trait {
        @Override
        public boolean isIn(Shown shown) {
            InetAddress theirs = shown.address();
            return theirs != null && range.contains(theirs);
        }

        @Override
        public boolean covers(Trait other) {
            return other instanceof Address address && range.covers(address.range);
        }
    }

    /** In small letters, of A to Z only: what else Unicode takes for a letter's other case is another letter here. */
    static String lower(String text) {
        return text.chars().allMatch(c -> c < 0x80) ? text.toLowerCase(Locale.ROOT) : text;
    }
}
