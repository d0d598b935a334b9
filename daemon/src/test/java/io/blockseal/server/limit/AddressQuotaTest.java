package io.blockseal.server.limit;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.UnknownHostException;
import org.junit.jupiter.api.Test;

/** One host takes its own places and nobody else's. */
class AddressQuotaTest {
    private final AddressQuota quota = new AddressQuota(2);

    private static InetAddress at(String address) throws UnknownHostException {
        return InetAddress.getByName(address);
    }

    @Test
    void aPlaceThatWasGivenBackCanBeTakenAgain() throws Exception {
        assertTrue(quota.take(at("192.0.2.1")));
        assertTrue(quota.take(at("192.0.2.1")));
        assertFalse(quota.take(at("192.0.2.1")));
        quota.giveBack(at("192.0.2.1"));
        assertTrue(quota.take(at("192.0.2.1")));
        assertFalse(quota.take(at("192.0.2.1")));
    }

    @Test
    void neighboursHavePlacesOfTheirOwn() throws Exception {
        quota.take(at("192.0.2.1"));
        quota.take(at("192.0.2.1"));
        assertTrue(quota.take(at("192.0.2.2")));
        assertTrue(quota.take(at("2001:db8::1")));
    }

    @Test
    void allAddressesOfASlash64AreOne() throws Exception {
        assertTrue(quota.take(at("2001:db8:0:1::1")));
        assertTrue(quota.take(at("2001:db8:0:1:ffff::2")));
        assertFalse(quota.take(at("2001:db8:0:1::3")));
        assertTrue(quota.take(at("2001:db8:0:2::1")));
    }

    @Test
    void anIpv4AddressWrittenInIpv6IsTheSameHost() throws Exception {
        byte[] mapped = new byte[16];
        mapped[10] = mapped[11] = (byte) 0xff;
        mapped[12] = (byte) 192;
        mapped[14] = 2;
        mapped[15] = 1;
        InetAddress written = Inet6Address.getByAddress(null, mapped, -1);
        assertTrue(quota.take(at("192.0.2.1")));
        assertTrue(quota.take(written));
        assertFalse(quota.take(written));
    }

    @Test
    void whoHasGoneTakesNoMemory() throws Exception {
        for (int i = 0; i < 200; i++) {
            quota.take(at("198.51.100." + i));
        }
        assertEquals(200, quota.originCount());
        for (int i = 0; i < 200; i++) {
            quota.giveBack(at("198.51.100." + i));
        }
        assertEquals(0, quota.originCount());
    }
}
