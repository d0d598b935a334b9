package io.blockseal.access;

/**
 * How clients can come, and what they can show.
 *
 * @param certificates whether they are asked for certificates
 * @param psk whether they can have a pre-shared key
 * @param unix whether there is a unix socket
 * @param tcp whether there is a TCP address
 */
public record Reach(boolean certificates, boolean psk, boolean unix, boolean tcp) {
    boolean has(TraitKind kind) {
        return switch (kind.source()) {
            case CERTIFICATE -> certificates;
            case PSK -> psk;
            case UNIX -> unix;
            case TCP -> tcp;
        };
    }
}
