package io.blockseal.keysource.vault;

/**
 * What a Vault server knows us by. A String, since it ends as a header field of HTTP whatever we do.
 *
 * @param text the token itself, a secret
 * @param leaseSeconds how long it lasts from the moment it was obtained; 0 if it lasts for ever or nobody knows
 * @param renewable whether its lease can be renewed
 * @param known whether the server itself has said that it knows the token; then 403 is about what the token may do
 */
record VaultToken(String text, long leaseSeconds, boolean renewable, boolean known) {
    /** Whether a text can be a token, and stand in a header field. */
    static boolean isFit(String text) {
        return text.matches("[!-~]+");
    }

    /** Without the token. */
    @Override
    public String toString() {
        return "VaultToken[***, leaseSeconds=" + leaseSeconds + ", renewable=" + renewable + ", known=" + known + "]";
    }
}
