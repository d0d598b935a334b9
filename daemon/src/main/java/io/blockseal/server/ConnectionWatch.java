package io.blockseal.server;

import io.blockseal.export.ClientIdentity;

/**
 * Is told which clients come to which exports, for an audit log. Called on the connections' loops: it must neither wait
 * nor write.
 */
public interface ConnectionWatch {
    /** Tells nobody. */
    ConnectionWatch NOBODY = new ConnectionWatch() {
        @Override
        public void opened(Visit visit) {}

        @Override
        public void closed(Visit visit) {}
    };

    /**
     * A client at an export.
     *
     * @param export which one
     * @param peer from where: an address, or a process at a unix socket
     * @param client who it has proven to be
     * @param tls the version of TLS, or {@code none}
     * @param readOnly whether it may not write
     */
    record Visit(String export, String peer, ClientIdentity client, String tls, boolean readOnly) {}

    /**
     * It has asked for an export that its access list keeps from it, and was told that there is none; once for each
     * connection and export.
     */
    default void refused(Visit visit) {}

    /** Whether so much is still to be told that nobody more is to be let in for now. */
    default boolean isBehind() {
        return false;
    }

    /** It has been let in. */
    void opened(Visit visit);

    /** It is gone, and nothing of it is under way. */
    void closed(Visit visit);
}
