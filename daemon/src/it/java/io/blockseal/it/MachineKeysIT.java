package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Keys that only one machine has, by a TPM and by systemd's credentials, as docs/keysources.md has them. */
class MachineKeysIT {
    private static final String EXTENDED = "7:sha256=" + "01".repeat(32);

    @TempDir
    Path folder;

    private Path volume() {
        return folder.resolve("db.bsl");
    }

    private Tool.Result blockseal(Object... words) {
        List<Object> all = new ArrayList<>(Arrays.asList(words));
        all.addAll(List.of("--state-dir", folder.resolve("state")));
        return Blockseal.run(all.toArray());
    }

    private SoftTpm tpm(String name) throws Exception {
        return new SoftTpm(Files.createDirectory(folder.resolve(name)));
    }

    private static String plugin(SoftTpm tpm) {
        return "exec:" + Blockseal.root().resolve("config/tpm2-plugin") + "?arg=" + tpm.tcti();
    }

    @Test
    void aVolumeKeyIsSealedToOneTpmAndToHowTheMachineWasStarted() throws Exception {
        Tool.need("swtpm", "tpm2_createprimary");
        try (SoftTpm tpm = tpm("tpm");
                SoftTpm other = tpm("other")) {
            String key = plugin(tpm);
            blockseal("create", volume(), "--size", "64M", "--key-source", key).ok();
            blockseal("check", volume(), "--key-source", key).ok();
            Complaint.expect(
                    blockseal("check", volume(), "--key-source", plugin(other)), 3, "another TPM has sealed it");

            String[] serve = {
                volume().toString(),
                "--key-source",
                key,
                "--unix",
                folder.resolve("demo.sock").toString(),
                "--state-dir",
                folder.resolve("state").toString(),
                "--control",
                "off"
            };
            try (Server server = Server.serve(folder, serve)) {
                // Registers that are extended after the start take the keys from nobody.
                tpm.run("tpm2_pcrextend", EXTENDED);
                Tool.run("nbdinfo", server.uri("db")).ok();
                assertEquals(0, server.stop(), server.log());
            }
            Complaint.expect(
                    blockseal("check", volume(), "--key-source", key),
                    7,
                    "sha256:7 are not as they were",
                    "another slot");
            tpm.restart();
            blockseal("check", volume(), "--key-source", key).ok();
        }
    }

    /** Lines of the docs, from where they are printed. */
    private static List<String> printed(String beginning) throws Exception {
        List<String> lines = Files.readAllLines(Blockseal.root().resolve("docs/keysources.md")).stream()
                .filter(line -> line.startsWith(beginning))
                .toList();
        assertTrue(!lines.isEmpty(), "docs/keysources.md prints no " + beginning);
        return lines;
    }

    private Tool.Result shell(String command) {
        return Tool.run(
                "env", "-C", folder, "SYSTEMD_CREDENTIAL_SECRET=" + folder.resolve("host.secret"), "sh", "-c", command);
    }

    @Test
    void aCredentialThatSystemdKeepsOpensAVolumeOnThisMachineOnly() throws Exception {
        Tool.needRoot("making a host key");
        Tool.need("systemd-creds", "swtpm");
        Path credentials = Files.createDirectory(folder.resolve("credentials"));
        blockseal("create", volume(), "--size", "64M", "--key-file", folder.resolve("db.key"))
                .ok();
        try (SoftTpm tpm = tpm("tpm");
                SoftTpm other = tpm("other")) {
            List<String> commands = printed("systemd-creds encrypt");
            assertEquals(2, commands.size());
            for (String command : commands) {
                String withTpm = command.contains("tpm2") ? " --tpm2-device=" : "";
                shell(command + (withTpm.isEmpty() ? "" : withTpm + tpm.tcti())).ok();
                String decrypt = "systemd-creds decrypt --name=db db.cred credentials/db";
                String elsewhere = withTpm.isEmpty()
                        ? "SYSTEMD_CREDENTIAL_SECRET=/dev/null " + decrypt
                        : decrypt + withTpm + other.tcti();
                assertNotEquals(0, shell(elsewhere).exit(), elsewhere);
                Files.deleteIfExists(credentials.resolve("db"));
                shell(decrypt + (withTpm.isEmpty() ? "" : withTpm + tpm.tcti())).ok();
                Tool.run(
                                "env",
                                "CREDENTIALS_DIRECTORY=" + credentials,
                                Blockseal.launcher(),
                                "check",
                                volume(),
                                "--credential",
                                "db",
                                "--state-dir",
                                folder.resolve("state"))
                        .ok();
                Files.delete(folder.resolve("db.cred"));
            }
        }
    }

    @Test
    void systemdTakesThePrintedUnit() throws Exception {
        Tool.need("systemd-analyze");
        String docs = Files.readString(Blockseal.root().resolve("docs/keysources.md"));
        int begin = docs.indexOf("```ini\n[Service]") + "```ini\n".length();
        String unit = docs.substring(begin, docs.indexOf("```", begin))
                .replace("/usr/local/bin/blockseal", Blockseal.launcher());
        Path file = Files.writeString(folder.resolve("blockseal.service"), unit);
        Tool.Result verdict = Tool.run("systemd-analyze", "verify", "--man=no", file);
        assertTrue(!verdict.all().contains("blockseal.service"), verdict::all);
    }
}
