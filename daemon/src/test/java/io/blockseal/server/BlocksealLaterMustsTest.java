package io.blockseal.server;

/** Our server over a device that completes nothing at once. */
class BlocksealLaterMustsTest extends NbdMusts {
    @Override
    NbdPeer startPeer() throws Exception {
        return BlocksealMustsTest.ours(ServerOptions.DEFAULT, true);
    }
}
