package io.blockseal.client;

import io.blockseal.nbd.NbdAllocation;
import java.util.List;

/** What a client asks for, and its limits. Immutable; start from {@link #DEFAULT} or {@link #builder}. */
public final class NbdClientOptions {
    /** Everything the client can, {@code base:allocation}, 64 requests and 64 MiB in flight. */
    public static final NbdClientOptions DEFAULT = builder().build();

    private final Builder values;

    private NbdClientOptions(Builder values) {
        this.values = values;
    }

    /** Begins with the defaults. */
    public static Builder builder() {
        return new Builder();
    }

    boolean structuredReplies() {
        return values.structuredReplies;
    }

    boolean extendedHeaders() {
        return values.extendedHeaders;
    }

    boolean go() {
        return values.go;
    }

    boolean blockSizes() {
        return values.blockSizes;
    }

    boolean strict() {
        return values.strict;
    }

    List<String> metaContexts() {
        return values.metaContexts;
    }

    int maxInFlight() {
        return values.maxInFlight;
    }

    long maxInFlightBytes() {
        return values.maxInFlightBytes;
    }

    int maxWaiting() {
        return values.maxWaiting;
    }

    long handshakeTimeoutMillis() {
        return values.handshakeTimeoutMillis;
    }

    long disconnectTimeoutMillis() {
        return values.disconnectTimeoutMillis;
    }

    /** Collects options; {@link #build} makes a copy, so it may go on. */
    public static final class Builder {
        private boolean structuredReplies = true;
        private boolean extendedHeaders = true;
        private boolean go = true;
        private boolean blockSizes = true;
        private boolean strict = true;
        private List<String> metaContexts = List.of(NbdAllocation.CONTEXT);
        private int maxInFlight = 64;
        private long maxInFlightBytes = 64L << 20;
        private int maxWaiting = 65536;
        private long handshakeTimeoutMillis = 10_000;
        private long disconnectTimeoutMillis = 5_000;

        private Builder() {}

        /** Asks for structured replies. */
        public Builder structuredReplies(boolean wanted) {
            structuredReplies = wanted;
            return this;
        }

        /** Asks for 64-bit headers; structured replies are the second choice. */
        public Builder extendedHeaders(boolean wanted) {
            extendedHeaders = wanted;
            return this;
        }

        /** Enters by GO; without it, or if the server does not know it, by EXPORT_NAME. */
        public Builder go(boolean wanted) {
            go = wanted;
            return this;
        }

        /** Asks for size constraints, and so promises to obey them. */
        public Builder blockSizes(boolean wanted) {
            blockSizes = wanted;
            return this;
        }

        /**
         * Refuses, before they are sent, requests that the protocol forbids: outside the export, unaligned, not
         * advertised. Switch it off to see what a server makes of them.
         */
        public Builder strict(boolean wanted) {
            strict = wanted;
            return this;
        }

        /** The metadata contexts to select; none means no BLOCK_STATUS. */
        public Builder metaContexts(List<String> names) {
            metaContexts = List.copyOf(names);
            return this;
        }

        /** How many requests may be on the wire. */
        public Builder maxInFlight(int requests) {
            maxInFlight = requests;
            return this;
        }

        /** How many bytes of data these requests may have together; one request is always allowed. */
        public Builder maxInFlightBytes(long bytes) {
            maxInFlightBytes = bytes;
            return this;
        }

        /** How many more requests may wait in the client; the next one fails at once. */
        public Builder maxWaiting(int requests) {
            maxWaiting = requests;
            return this;
        }

        /** How long connecting and haggling may take together. */
        public Builder handshakeTimeoutMillis(long millis) {
            handshakeTimeoutMillis = millis;
            return this;
        }

        /** How long a server may take to close after we said good-bye, before we do. */
        public Builder disconnectTimeoutMillis(long millis) {
            disconnectTimeoutMillis = millis;
            return this;
        }

        /**
         * The options.
         *
         * @throws IllegalArgumentException if a limit is below one
         */
        public NbdClientOptions build() {
            if (maxInFlight < 1
                    || maxInFlightBytes < 1
                    || maxWaiting < 1
                    || handshakeTimeoutMillis < 1
                    || disconnectTimeoutMillis < 1) {
                throw new IllegalArgumentException("every limit of a client is at least 1");
            }
            Builder copy = new Builder();
            copy.structuredReplies = structuredReplies;
            copy.extendedHeaders = extendedHeaders;
            copy.go = go;
            copy.blockSizes = blockSizes;
            copy.strict = strict;
            copy.metaContexts = metaContexts;
            copy.maxInFlight = maxInFlight;
            copy.maxInFlightBytes = maxInFlightBytes;
            copy.maxWaiting = maxWaiting;
            copy.handshakeTimeoutMillis = handshakeTimeoutMillis;
            copy.disconnectTimeoutMillis = disconnectTimeoutMillis;
            return new NbdClientOptions(copy);
        }
    }
}
