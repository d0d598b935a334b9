package io.blockseal.client;

import io.blockseal.nbd.NbdOption;
import io.blockseal.nbd.NbdOptionReply;
import org.jspecify.annotations.Nullable;

/** The server refused an option of the handshake that the client cannot do without. */
public final class NbdRefusedException extends NbdClientException {
    private static final long serialVersionUID = 1;

    private final NbdOption option;
    private final int replyCode;

    /** The text is the server's own and may be empty. */
    public NbdRefusedException(NbdOption option, int replyCode, String text) {
        super("the server refused " + option + ": " + name(replyCode) + (text.isEmpty() ? "" : ": " + text), null);
        this.option = option;
        this.replyCode = replyCode;
    }

    private static String name(int replyCode) {
        NbdOptionReply reply = NbdOptionReply.of(replyCode);
        return reply == null ? "error 0x" + Integer.toHexString(replyCode) : reply.name();
    }

    /** What was refused. */
    public NbdOption option() {
        return option;
    }

    /** Why; null if the server used a number that the specification does not know. */
    public @Nullable NbdOptionReply reason() {
        return NbdOptionReply.of(replyCode);
    }
}
