package io.blockseal.access;

import io.netty.util.NetUtil;
import java.net.InetAddress;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** The addresses that begin with the same bits. An IPv4 address within an IPv6 one is the IPv4 address. */
final class AddressRange {
    private static final int MAPPED_PREFIX_BYTES = 12;

    private final byte[] first;
    private final int prefixBits;

    private AddressRange(byte[] first, int prefixBits) {
        this.first = first;
        this.prefixBits = prefixBits;
    }

    /**
     * Reads an address, or a network as in {@code 10.0.0.0/8}.
     *
     * @throws IllegalArgumentException if it is neither, or if bits are set that its length leaves out
     */
    static AddressRange parse(String text) {
        int slash = text.indexOf('/');
        AddressRange one = readOne(slash < 0 ? text : text.substring(0, slash));
        if (one == null) {
            throw new IllegalArgumentException(
                    "'" + text + "' is neither an address nor a network, such as 192.0.2.7, 10.0.0.0/8 or fd00::/8");
        }
        return slash < 0 ? one : one.widened(text, text.substring(slash + 1));
    }

    /** One address; null if it is none. Never asks a name server. */
    static @Nullable AddressRange readOne(String text) {
        boolean isAddress = NetUtil.isValidIpV4Address(text)
                || (NetUtil.isValidIpV6Address(text) && text.indexOf('%') < 0 && text.indexOf('[') < 0);
        byte[] bytes = isAddress ? NetUtil.createByteArrayFromIpAddressString(text) : null;
        return bytes == null ? null : of(bytes);
    }

    private static AddressRange of(byte[] bytes) {
        byte[] plain = unmapped(bytes);
        return new AddressRange(plain, plain.length * 8);
    }

    private AddressRange widened(String text, String length) {
        int bits = length.matches("\\d{1,3}") ? Integer.parseInt(length) : Integer.MAX_VALUE;
        if (bits > prefixBits) {
            throw new IllegalArgumentException(
                    "'" + text + "' has no length that an address has: 0 to " + prefixBits + " behind the slash");
        }
        AddressRange range = new AddressRange(masked(first, bits), bits);
        if (!Arrays.equals(range.first, first)) {
            throw new IllegalArgumentException(
                    "'" + text + "' is an address within the network " + range + "; write that, or the address alone");
        }
        return range;
    }

    private static byte[] masked(byte[] address, int bits) {
        byte[] kept = address.clone();
        for (int i = 0; i < kept.length; i++) {
            int here = Math.min(8, Math.max(0, bits - i * 8));
            kept[i] &= (byte) (0xff00 >> here);
        }
        return kept;
    }

    /** {@code ::ffff:192.0.2.7} is what IPv4 looks like through a socket for both. */
    private static byte[] unmapped(byte[] address) {
        boolean isMapped = address.length == 16 && address[10] == -1 && address[11] == -1;
        for (int i = 0; i < MAPPED_PREFIX_BYTES - 2 && isMapped; i++) {
            isMapped = address[i] == 0;
        }
        return isMapped ? Arrays.copyOfRange(address, MAPPED_PREFIX_BYTES, address.length) : address;
    }

    boolean contains(InetAddress address) {
        return covers(of(address.getAddress()));
    }

    /** Whether all of the other one is in this one. */
    boolean covers(AddressRange other) {
        return first.length == other.first.length
                && prefixBits <= other.prefixBits
                && Arrays.equals(masked(other.first, prefixBits), first);
    }

    @Override
    public boolean equals(@Nullable Object other) {
        return other instanceof AddressRange range
                && prefixBits == range.prefixBits
                && Arrays.equals(first, range.first);
    }

    @Override
    public int hashCode() {
        return Arrays.hashCode(first) * 31 + prefixBits;
    }

    @Override
    public String toString() {
        return NetUtil.bytesToIpAddress(first) + "/" + prefixBits;
    }
}
