package io.blockseal.keysource.vault;

import io.blockseal.keysource.Premises;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.condition.EnabledIfEnvironmentVariable;

/** A real server, which {@code scripts/test-vault} names. */
@EnabledIfEnvironmentVariable(
        named = "BLOCKSEAL_VAULT_URL",
        matches = "https?://.+",
        disabledReason = "no Vault or OpenBao server is named: scripts/test-vault URL")
class VaultServerTest extends VaultContract {
    @Override
    protected Premises open() throws Exception {
        String authorities = System.getenv("BLOCKSEAL_VAULT_CA_FILE");
        Path token = Path.of(System.getenv("BLOCKSEAL_VAULT_TOKEN_FILE"));
        return new VaultPremises(
                folder,
                System.getenv("BLOCKSEAL_VAULT_URL"),
                authorities == null || authorities.isEmpty() ? null : Path.of(authorities),
                Files.readString(token).strip());
    }
}
