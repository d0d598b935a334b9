package io.blockseal.access;

import java.util.regex.Pattern;

/** What a rule can look for, each with its word in the configuration. */
enum TraitKind {
    SUBJECT("subject", Source.CERTIFICATE),
    DNS("dns", Source.CERTIFICATE),
    EMAIL("email", Source.CERTIFICATE),
    IP("ip", Source.CERTIFICATE),
    URI("uri", Source.CERTIFICATE),
    SPIFFE("spiffe", Source.CERTIFICATE),
    PSK("psk", Source.PSK),
    UID("uid", Source.UNIX),
    GID("gid", Source.UNIX),
    ADDRESS("address", Source.TCP);

    /** From where it is known. */
    enum Source {
        CERTIFICATE,
        PSK,
        UNIX,
        TCP
    }

    private static final Pattern DNS_NAME = Pattern.compile(
            "(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*");
    private static final Pattern MAIL = Pattern.compile("[!-?A-~]+@[A-Za-z0-9.-]+");
    private static final Pattern ANY_URI = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]*:[!-~]+");

    private final String word;
    private final Source source;

    TraitKind(String word, Source source) {
        this.word = word;
        this.source = source;
    }

    /** The word in the configuration. */
    String word() {
        return word;
    }

    Source source() {
        return source;
    }

    /** Whether it is proven within TLS. */
    boolean isProof() {
        return source == Source.CERTIFICATE || source == Source.PSK;
    }

    /** Throws an IllegalArgumentException with words that say what is wrong. */
    Trait parse(String text) {
        return switch (this) {
            case SUBJECT -> new Trait.Subject(DistinguishedName.parse(text));
            case DNS -> dns(text);
            case EMAIL -> email(text);
            case IP -> ip(text);
            case URI -> uri(text);
            case SPIFFE -> spiffe(text);
            case PSK -> psk(text);
            case UID -> new Trait.Uid(number(text, "user (id -u NAME)"));
            case GID -> new Trait.Gid(number(text, "group (getent group NAME)"));
            case ADDRESS -> new Trait.Address(AddressRange.parse(text));
        };
    }

    private static Trait dns(String text) {
        if (!DNS_NAME.matcher(text).matches()) {
            throw new IllegalArgumentException("'" + text + "' is not a whole DNS name, such as vm1.example.org: no"
                    + " wildcard, and other than Latin letters as xn--");
        }
        return new Trait.Dns(Trait.lower(text));
    }

    private static Trait email(String text) {
        if (!MAIL.matcher(text).matches()) {
            throw new IllegalArgumentException("'" + text + "' is not a mail address, such as vm1@example.org");
        }
        return new Trait.Email(Trait.Email.canonical(text));
    }

    private static Trait ip(String text) {
        AddressRange one = AddressRange.readOne(text);
        if (one == null) {
            throw new IllegalArgumentException("'" + text + "' is not an address as it stands in a certificate, such as"
                    + " 192.0.2.7; for where a client is, use address");
        }
        return new Trait.Ip(one);
    }

    private static Trait uri(String text) {
        if (text.startsWith(SpiffeId.SCHEME)) {
            throw new IllegalArgumentException("'" + text + "' is a SPIFFE id; use spiffe, which is stricter");
        }
        if (!ANY_URI.matcher(text).matches()) {
            throw new IllegalArgumentException("'" + text + "' is not a URI, such as urn:example:vm1");
        }
        return new Trait.Uri(text);
    }

    private static Trait spiffe(String text) {
        boolean below = text.endsWith("/*");
        SpiffeId id = SpiffeId.read(below ? text.substring(0, text.length() - "/*".length()) : text);
        if (id == null) {
            throw new IllegalArgumentException(
                    "'" + text + "' is not a SPIFFE id, such as spiffe://example.org/vm1, nor"
                            + " spiffe://example.org/* for all of a trust domain");
        }
        return new Trait.Spiffe(id, below);
    }

    private static Trait psk(String text) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("'" + text + "' is not the name of a pre-shared key");
        }
        return new Trait.Psk(text);
    }

    private static long number(String text, String of) {
        if (!text.matches("\\d{1,10}") || Long.parseLong(text) >= 0xffff_ffffL) {
            throw new IllegalArgumentException("'" + text + "' is not the number of a " + of);
        }
        return Long.parseLong(text);
    }
}
