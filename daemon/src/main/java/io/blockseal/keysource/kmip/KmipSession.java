package io.blockseal.keysource.kmip;

import io.blockseal.keysource.Asked;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.KeySourceException.Kind;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Questions and answers of one conversation, in a version of the protocol that both ends speak. On one thread. */
final class KmipSession {
    private final KmipConnection connection;
    private final Credentials credentials;
    private final String authority;
    private final AtomicReference<@Nullable ProtocolVersion> spoken;
    private final Asked.Trace trace;
    private ProtocolVersion version = ProtocolVersion.NEWEST;

    KmipSession(
            KmipConnection connection,
            Credentials credentials,
            String authority,
            AtomicReference<@Nullable ProtocolVersion> spoken,
            Asked.Trace trace) {
        this.connection = connection;
        this.credentials = credentials;
        this.authority = authority;
        this.spoken = spoken;
        this.trace = trace;
    }

    /** The version that is spoken. */
    ProtocolVersion version() {
        return version;
    }

    /** Asks for the versions that the server speaks, unless it has said so before, and takes the newest of ours. */
    void agreeOnVersion() throws KeySourceException, IOException {
        ProtocolVersion known = spoken.get();
        version = known == null ? discover() : known;
        spoken.set(version);
    }

    private ProtocolVersion discover() throws KeySourceException, IOException {
        // Even this question is asked in some version, and a server refuses one that it does not know.
        for (ProtocolVersion tried : List.of(ProtocolVersion.NEWEST, ProtocolVersion.OLDEST)) {
            version = tried;
            try (KmipReply reply = ask(Operation.DISCOVER_VERSIONS, unused -> {})) {
                if (reply.isSuccessful()) {
                    ProtocolVersion newest = newestOfOurs(reply.payload().all(Tag.PROTOCOL_VERSION));
                    if (newest != null) {
                        return newest;
                    }
                } else if (reply.reason().kind() != Kind.MISCONFIGURED) {
                    throw trouble(Operation.DISCOVER_VERSIONS, reply);
                }
            }
        }
        throw new KeySourceException(
                Kind.MISCONFIGURED,
                authority + " speaks no version of KMIP from " + ProtocolVersion.OLDEST + " to "
                        + ProtocolVersion.NEWEST + ": allow one of them there");
    }

    private static @Nullable ProtocolVersion newestOfOurs(List<TtlvItem> offered) throws IOException {
        ProtocolVersion newest = null;
        for (TtlvItem each : offered) {
            ProtocolVersion one = ProtocolVersion.of(each);
            if (one.isOurs() && (newest == null || one.minor() > newest.minor())) {
                newest = one;
            }
        }
        return newest;
    }

    /** Asks; the answer, which the caller closes, may be that it failed. */
    KmipReply ask(Operation operation, Consumer<TtlvWriter> payload) throws KeySourceException, IOException {
        byte[] request = new byte[0];
        try {
            request = request(operation, payload);
            KmipReply reply = KmipReply.of(connection.ask(request), operation);
            trace.requestId(reply.requestId());
            return reply;
        } finally {
            Arrays.fill(request, (byte) 0);
        }
    }

    /** Likewise, where nothing but success will do. */
    KmipReply require(Operation operation, Consumer<TtlvWriter> payload) throws KeySourceException, IOException {
        KmipReply reply = ask(operation, payload);
        boolean good = false;
        try {
            if (!reply.isSuccessful()) {
                throw trouble(operation, reply);
            }
            good = true;
            return reply;
        } finally {
            if (!good) {
                reply.close();
            }
        }
    }

    private byte[] request(Operation operation, Consumer<TtlvWriter> payload) throws KeySourceException {
        // Apart, because reading the password may fail.
        try (TtlvWriter header = new TtlvWriter();
                TtlvWriter message = new TtlvWriter()) {
            version.write(header);
            header.integer(Tag.MAXIMUM_RESPONSE_SIZE, TtlvItem.MESSAGE_BYTES_MAX);
            credentials.write(header);
            header.integer(Tag.BATCH_COUNT, 1);
            message.structure(Tag.REQUEST_MESSAGE, all -> all.structure(Tag.REQUEST_HEADER, in -> in.append(header))
                    .structure(Tag.BATCH_ITEM, item -> item.enumeration(Tag.OPERATION, operation.code())
                            .structure(Tag.REQUEST_PAYLOAD, payload)));
            return message.toBytes();
        }
    }

    /** What an answer means that says that the operation failed. */
    KeySourceException trouble(Operation operation, KmipReply reply) throws IOException {
        ResultReason reason = reply.reason();
        if (reason == ResultReason.INVALID_MESSAGE || reason == ResultReason.UNSUPPORTED_PROTOCOL_VERSION) {
            // It may speak another version than it did: the next conversation asks anew.
            spoken.set(null);
        }
        String words = reply.words();
        String message = authority + " answers " + operation + " with " + reason
                + (words.isEmpty() ? "" : " (" + words + ")") + advice(reason);
        return reason.mayPass()
                ? new PassingTrouble(reason.kind(), message)
                : new KeySourceException(reason.kind(), message);
    }

    private static String advice(ResultReason reason) {
        return switch (reason) {
            case AUTHENTICATION_NOT_SUCCESSFUL -> ": it does not know us by our certificate, user name or password";
            case PERMISSION_DENIED, ILLEGAL_OPERATION, WRONG_KEY_LIFECYCLE_STATE ->
                ": the key is not active, or we may not use it";
            case ITEM_NOT_FOUND, OBJECT_NOT_FOUND, OBJECT_DESTROYED ->
                ": there is no such key any more, or we may not see it";
            case INVALID_FIELD,
                    FEATURE_NOT_SUPPORTED,
                    BAD_CRYPTOGRAPHIC_PARAMETERS,
                    UNSUPPORTED_CRYPTOGRAPHIC_PARAMETERS ->
                ": if it does not know the mode, name another: cipher=gcm, ctr or cbc";
            default -> "";
        };
    }
}
