package io.blockseal.export;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import org.junit.jupiter.api.Test;

class ExportClientsTest {
    private final ExportClients clients = new ExportClients();

    @Test
    void whoIsInKeepsItOpen() {
        assertNull(clients.enter());
        assertEquals(1, clients.count());
        assertNull(clients.close("a copy"));
        clients.leave();
        assertNotNull(clients.close("a copy"));
    }

    @Test
    void nobodyGetsInUntilItIsOpenedAgainAndWhoAsksHearsWhy() {
        ExportClients.Closed closed = clients.close("a copy");
        assertNotNull(closed);
        assertEquals("a copy", clients.enter());
        assertEquals(0, clients.count());
        assertNull(clients.close("another copy"));
        closed.close();
        assertNull(clients.enter());
    }
}
