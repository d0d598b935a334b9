package io.blockseal.nbd;

import static io.blockseal.fuzz.FuzzTarget.promise;

import io.blockseal.fuzz.FuzzTarget;
import io.blockseal.fuzz.Seeds;
import java.nio.charset.StandardCharsets;

/** An address that somebody typed: what is accepted says the same when it is written and read again. */
public final class NbdUriFuzz implements FuzzTarget {
    @Override
    public Seeds seeds() {
        return new Seeds()
                .addText("tcp", "nbd://example.com:10809/disk")
                .addText("unix", "nbd+unix:///disk?socket=/run/b.sock")
                .addText("tls", "nbds://user@host/a%2Fb?tls-certificates=/x&y=%26")
                .addText("ipv6", "nbd://[fe80::1%25eth0]:1/")
                .addText("abstract", "nbds+unix://u%40v@/?socket=%00name")
                .addText("odd", "NBD://@:65535//%c3%a4?&=&a")
                .addText("bad", "nbd://[::1/%zz?a=1&a=2#x");
    }

    @Override
    public void run(byte[] input) {
        String text = new String(input, StandardCharsets.UTF_8);
        NbdUri uri;
        try {
            uri = NbdUri.parse(text);
        } catch (IllegalArgumentException refused) {
            promise(refused.getClass() == IllegalArgumentException.class, "refused by accident: " + refused);
            return;
        }
        promise(uri.equals(NbdUri.parse(uri.toString())), "another address when written: " + uri);
        promise(uri.isUnix() || (uri.port() >= 1 && uri.port() <= 65535), "no port");
    }
}
