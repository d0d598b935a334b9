package io.blockseal.keysource.kmip;

import java.io.IOException;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The answer to one question (KMIP 1.4, 7.2): one batch item. Closing it wipes the message, with whatever key is in it. On
 * one thread.
 */
final class KmipReply implements AutoCloseable {
    private static final int SUCCESS = 0;
    private static final int FAILED = 1;
    private static final int WORDS_MAX = 200;

    private final byte[] message;
    private final TtlvItem header;
    private final TtlvItem item;
    private final boolean successful;

    private KmipReply(byte[] message, TtlvItem header, TtlvItem item, boolean successful) {
        this.message = message;
        this.header = header;
        this.item = item;
        this.successful = successful;
    }

    /**
     * Reads it; the message is the reply's from now on.
     *
     * @throws IOException if it is no answer to that question; the message is wiped then
     */
    static KmipReply of(byte[] message, Operation asked) throws IOException {
        boolean whole = false;
        try {
            TtlvItem root = TtlvItem.read(message);
            if (root.tag() != Tag.RESPONSE_MESSAGE.code()) {
                throw new IOException("not a response message");
            }
            List<TtlvItem> items = root.all(Tag.BATCH_ITEM);
            if (items.size() != 1) {
                throw new IOException(items.size() + " answers to one question");
            }
            TtlvItem header = root.require(Tag.RESPONSE_HEADER);
            TtlvItem item = items.get(0);
            int status = item.require(Tag.RESULT_STATUS).number();
            if (status != SUCCESS && status != FAILED) {
                throw new IOException("a result status " + status + ", which is neither success nor failure");
            }
            // What fails before it is understood is answered without an operation.
            TtlvItem operation = item.find(Tag.OPERATION);
            if (operation == null ? status == SUCCESS : operation.number() != asked.code()) {
                throw new IOException("an answer to something else than " + asked);
            }
            KmipReply reply = new KmipReply(message, header, item, status == SUCCESS);
            whole = true;
            return reply;
        } finally {
            if (!whole) {
                Arrays.fill(message, (byte) 0);
            }
        }
    }

    /** Whether the operation was done. */
    boolean isSuccessful() {
        return successful;
    }

    /** Why it was not. */
    ResultReason reason() throws IOException {
        TtlvItem reason = item.find(Tag.RESULT_REASON);
        return reason == null ? ResultReason.OTHER : ResultReason.of(reason.number());
    }

    /** The server's own words for that; may be empty. */
    String words() throws IOException {
        TtlvItem words = item.find(Tag.RESULT_MESSAGE);
        return words == null ? "" : printable(words.text());
    }

    /** What was asked for. */
    TtlvItem payload() throws IOException {
        return item.require(Tag.RESPONSE_PAYLOAD);
    }

    /**
     * By what the server's log tells this question from others: its correlation value, else its time of day. It is for the
     * audit alone: one that is not as it should be is none, and no reason to refuse the answer.
     */
    String requestId() {
        String correlation = header.textOrEmpty(Tag.SERVER_CORRELATION_VALUE);
        return correlation.isEmpty() ? instant(header.secondsOrNegative(Tag.TIME_STAMP)) : printable(correlation);
    }

    private static String instant(long seconds) {
        boolean makesSense = seconds >= 0 && seconds < Integer.MAX_VALUE * 4L;
        return makesSense ? Instant.ofEpochSecond(seconds).toString() : "";
    }

    /** Words of a server that may say anything, fit for a log line. */
    static String printable(@Nullable String words) {
        String text = words == null ? "" : words.replaceAll("\\p{Cntrl}", "?").strip();
        return text.length() <= WORDS_MAX ? text : text.substring(0, WORDS_MAX) + "...";
    }

    @Override
    public void close() {
        Arrays.fill(message, (byte) 0);
    }
}
