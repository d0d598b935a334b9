package io.blockseal.crypto;

/** Why key bytes leave the arena: every place there is names one of these, so that a search finds them all. */
public enum SecretAccess {
    /** The recovery key is shown to its owner once, at creation. */
    SHOW_RECOVERY_KEY,
    /** A new key file is written with mode 0600. */
    WRITE_KEY_FILE,
    /** A volume key goes to the key source that wraps it. */
    WRAP_AT_SOURCE,
    /** The PIN of a token goes to the module that logs in there. */
    LOG_IN_TO_TOKEN,
    /** The keys of a volume's ranges are printed for its owner, who takes them to another program. */
    PRINT_MAPPING,
    /** A key that a client has as well goes to the TLS library for one handshake. */
    AUTHENTICATE_CLIENT,
    /** The shares that several key sources gave are joined into one KEK. */
    JOIN_SHARES,
    /** A test compares with an independent oracle. */
    TEST_ORACLE
}
