package io.blockseal.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.blockseal.nbd.NbdCommand;
import io.blockseal.nbd.NbdReplyStyle;
import io.blockseal.server.RawNbd.Reply;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Success without data is as short as the agreement lets it be; errors say why where they can. */
@Timeout(30)
class SuccessReplyTest {
    private static final List<NbdCommand> WITHOUT_DATA =
            List.of(NbdCommand.WRITE, NbdCommand.FLUSH, NbdCommand.TRIM, NbdCommand.WRITE_ZEROES, NbdCommand.CACHE);

    private ServerRig rig;

    @BeforeEach
    void start() throws Exception {
        rig = new ServerRig();
    }

    @AfterEach
    void stop() throws Exception {
        rig.close();
    }

    private static Reply ask(RawNbd nbd, NbdCommand command, long offset, int length) throws Exception {
        return command == NbdCommand.WRITE
                ? nbd.write(0, offset, new byte[length])
                : nbd.ask(0, command, offset, command == NbdCommand.FLUSH ? offset : length);
    }

    @ParameterizedTest
    @EnumSource(NbdReplyStyle.class)
    void isASimpleReplyUnlessHeadersAreExtended(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", style)) {
            for (NbdCommand command : WITHOUT_DATA) {
                for (int length : new int[] {512, 0}) {
                    Reply reply = ask(nbd, command, 0, length);
                    assertEquals(0, reply.error(), () -> command + "");
                    assertEquals(1, reply.chunks().size());
                    assertEquals(
                            style != NbdReplyStyle.EXTENDED,
                            reply.chunks().get(0).simple(),
                            () -> command + "");
                }
            }
        }
    }

    @ParameterizedTest
    @EnumSource(NbdReplyStyle.class)
    void errorsAreChunksWhereverThereAreAny(NbdReplyStyle style) throws Exception {
        try (RawNbd nbd = RawNbd.transmitting(rig.socket, "disk", style)) {
            for (NbdCommand command : WITHOUT_DATA) {
                Reply reply = ask(nbd, command, nbd.size, 512);
                assertNotEquals(0, reply.error(), () -> command + "");
                assertEquals(
                        style == NbdReplyStyle.SIMPLE, reply.chunks().get(0).simple(), () -> command + "");
            }
        }
    }
}
