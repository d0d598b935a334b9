package io.blockseal.access;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import javax.naming.NamingEnumeration;
import javax.naming.NamingException;
import javax.naming.directory.Attribute;
import javax.naming.ldap.LdapName;
import javax.naming.ldap.Rdn;
import javax.security.auth.x500.X500Principal;
import org.bouncycastle.asn1.ASN1Primitive;
import org.bouncycastle.asn1.ASN1String;
import org.jspecify.annotations.Nullable;

/**
 * The subject of a certificate, taken apart so that two of them can be compared by what they say and not by how it is
 * written: part by part, in their order, each with its type and its value. A comma or an equals sign within a value is
 * only a character there, and a part more or less is another name.
 *
 * <p>Values are the same without regard to the case of A to Z, to how many spaces stand between words, and to which of
 * its string types a certificate uses. No other letters are taken for each other: an authority that signs for fullwidth
 * letters does not thereby sign for plain ones.
 *
 * @param parts the most specific first, as in RFC 2253
 */
record DistinguishedName(List<Set<Part>> parts) {
    /** One type with its value, as compared. */
    record Part(String type, String value) implements Comparable<Part> {
        @Override
        public int compareTo(Part other) {
            int byType = type.compareTo(other.type);
            return byType != 0 ? byType : value.compareTo(other.value);
        }
    }

    DistinguishedName {
        parts = List.copyOf(parts);
    }

    /**
     * Reads what somebody wrote down, as in {@code CN=vm1,O=Acme}.
     *
     * @throws IllegalArgumentException if it is no name, or an empty one
     */
    static DistinguishedName parse(String text) {
        try {
            DistinguishedName name = read(new X500Principal(text).getName());
            if (name != null && !name.parts.isEmpty()) {
                return name;
            }
        } catch (IllegalArgumentException notAName) {
            // Told below, in words that say what one looks like.
        }
        throw new IllegalArgumentException("'" + text + "' is not the subject of a certificate, such as CN=vm1,O=Acme,"
                + " the most specific part first, with a backslash before a comma within a value");
    }

    /** Reads what a certificate says, as in RFC 2253; null if there is something in it that nobody can see. */
    static @Nullable DistinguishedName read(String rfc2253) {
        if (!isVisible(rfc2253)) {
            return null;
        }
        try {
            List<Rdn> rdns = new ArrayList<>(new LdapName(rfc2253).getRdns());
            Collections.reverse(rdns);
            List<Set<Part>> parts = new ArrayList<>();
            for (Rdn rdn : rdns) {
                parts.add(partsOf(rdn));
            }
            return new DistinguishedName(parts);
        } catch (NamingException | IOException strange) {
            return null;
        }
    }

    private static Set<Part> partsOf(Rdn rdn) throws NamingException, IOException {
        Set<Part> parts = new TreeSet<>();
        NamingEnumeration<? extends Attribute> attributes = rdn.toAttributes().getAll();
        while (attributes.hasMore()) {
            Attribute attribute = attributes.next();
            String type = attribute.getID().toUpperCase(Locale.ROOT);
            NamingEnumeration<?> values = attribute.getAll();
            while (values.hasMore()) {
                parts.add(new Part(type, value(values.next())));
            }
        }
        return parts;
    }

    private static String value(Object value) throws IOException {
        String text = value instanceof byte[] der ? text(der) : value.toString();
        // Once more: what stands behind a backslash is seen only now.
        if (!isVisible(text)) {
            throw new IOException("a part of the name cannot be seen");
        }
        return canonical(text);
    }

    /** Types that RFC 2253 has no word for come as the bytes of the certificate. */
    private static String text(byte[] der) throws IOException {
        if (ASN1Primitive.fromByteArray(der) instanceof ASN1String string) {
            return string.getString();
        }
        throw new IOException("a part of the name is no text");
    }

    private static String canonical(String value) {
        StringBuilder same = new StringBuilder();
        value.codePoints().map(c -> c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c).forEach(same::appendCodePoint);
        return same.toString().replaceAll(" +", " ").replaceAll("^ | $", "");
    }

    private static boolean isVisible(String text) {
        return text.codePoints().allMatch(DistinguishedName::isVisible);
    }

    private static boolean isVisible(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL,
                    Character.FORMAT,
                    Character.SURROGATE,
                    Character.LINE_SEPARATOR,
                    Character.PARAGRAPH_SEPARATOR,
                    Character.UNASSIGNED -> false;
            default -> true;
        };
    }
}
