package io.blockseal.server.musts;

import io.blockseal.server.BlocksealPeer;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.support.ParameterDeclarations;

/** The servers without TLS that are held to the specification. */
final class Peers implements ArgumentsProvider {
    private static final ExtensionContext.Namespace HERE = ExtensionContext.Namespace.create(Peers.class);

    @Override
    public Stream<? extends Arguments> provideArguments(ParameterDeclarations parameters, ExtensionContext context) {
        return context
                .getRoot()
                .getStore(HERE)
                .getOrComputeIfAbsent(
                        PeerSet.class,
                        key -> new PeerSet(List.of(
                                BlocksealPeer.plain(false),
                                BlocksealPeer.plain(true),
                                BlocksealPeer.overVolume(),
                                ForeignPeer.nbdkit(),
                                ForeignPeer.qemuNbd())),
                        PeerSet.class)
                .all()
                .stream()
                .map(Arguments::of);
    }
}
