package io.blockseal.export;

/** Who may do what with one export. Asked on event loops, in the handshake only: it neither waits nor changes. */
public interface AccessPolicy {
    /** Whoever reaches us may do everything. */
    AccessPolicy EVERYBODY = new AccessPolicy() {
        @Override
        public Rights rightsOf(Caller caller) {
            return Rights.READ_WRITE;
        }

        @Override
        public boolean asksForProof() {
            return false;
        }
    };

    /** What this caller may do. */
    Rights rightsOf(Caller caller);

    /** Whether there is something that only who proves itself within TLS may do. */
    boolean asksForProof();
}
