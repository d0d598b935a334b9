package io.blockseal.server.musts;

import io.blockseal.nbd.NbdReplyStyle;
import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.support.AnnotationConsumer;
import org.junit.jupiter.params.support.ParameterDeclarations;

/** The styles of headers that the server of a test speaks: what it does not know is no test that was left out. */
final class Styles implements ArgumentsProvider, AnnotationConsumer<EachStyle> {
    private boolean chunked;

    @Override
    public void accept(EachStyle wanted) {
        chunked = wanted.chunked();
    }

    @Override
    public Stream<? extends Arguments> provideArguments(ParameterDeclarations parameters, ExtensionContext context) {
        NbdMusts test = (NbdMusts) context.getRequiredTestInstance();
        return Arrays.stream(NbdReplyStyle.values())
                .filter(style -> test.peer.speaks(style) && (style.isChunked() || !chunked))
                .map(Arguments::of);
    }
}
