package io.blockseal.it;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.blockseal.keysource.kmip.KmipCertificates;
import io.blockseal.keysource.kmip.PyKmip;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A KEK on PyKMIP's server, by the commands that docs/keysources.md prints. */
class KmipIT {
    @TempDir
    Path folder;

    /** The lines of the page, with the launcher of this tree and the port of this server. */
    private List<String> printed(PyKmip server) throws Exception {
        String page = Files.readString(Blockseal.root().resolve("docs/keysources.md"));
        int begin = page.indexOf("```sh\nsource=\"kmip:") + "```sh\n".length();
        assertTrue(begin > "```sh\n".length(), "docs/keysources.md prints no kmip: source");
        return page.substring(begin, page.indexOf("```", begin))
                .replace("scripts/blockseal", Blockseal.launcher())
                .replace("localhost:5696", "localhost:" + server.port())
                .lines()
                .toList();
    }

    private Tool.Result shell(String... lines) {
        String script = "set -eu\n" + String.join("\n", lines);
        return Tool.run("env", "-C", folder, "sh", "-c", script);
    }

    /** What the shell makes of the last line, word by word. */
    private String[] words(String sourceLine, String command) {
        String text = shell(sourceLine, "printf '%s\\n' " + command).ok().out();
        return text.lines().skip(2).toArray(String[]::new);
    }

    @Test
    void theConfigurationInTheDocumentationCreatesServesAndTakesANewerKey() throws Exception {
        assumeTrue(PyKmip.isInstalled(), "no PyKMIP server here (Debian's python3-pykmip)");
        Tool.need("qemu-io", "openssl");
        KmipCertificates certificates = KmipCertificates.make(folder);
        Files.copy(certificates.authority().certificate(), folder.resolve("ca.crt"));
        Files.copy(certificates.client().certificate(), folder.resolve("client.crt"));
        Tool.run("cp", "-p", certificates.client().key(), folder.resolve("client.key"))
                .ok();
        try (PyKmip pykmip = PyKmip.start(Files.createDirectory(folder.resolve("kmip")), certificates)) {
            String first = pykmip.create("db-kek");
            List<String> lines = printed(pykmip);
            assertEquals(3, lines.size(), lines::toString);
            String source = lines.get(0);
            shell(source, lines.get(1) + " --state-dir state").ok();
            String[] serve = words(source, lines.get(2));
            serve = Arrays.copyOf(serve, serve.length + 4);
            serve[serve.length - 4] = "--state-dir";
            serve[serve.length - 3] = folder.resolve("state").toString();
            serve[serve.length - 2] = "--control";
            serve[serve.length - 1] = "off";
            for (int i = 0; i < serve.length; i++) {
                // The printed command runs where its files are; this one is started elsewhere.
                serve[i] =
                        serve[i].startsWith("kmip.") ? folder.resolve(serve[i]).toString() : serve[i];
            }
            String uri = "nbd+unix:///kmip?socket=" + folder.resolve("kmip.sock");
            try (Server server = Server.serve(folder, serve)) {
                Tool.run("qemu-io", "-f", "raw", "-c", "write -P 0x5a 0 1M", "-c", "flush", uri)
                        .ok();
                assertEquals(0, server.stop(), server.log());
            }
            String newer = pykmip.createAfter("db-kek", first);
            shell(source, Blockseal.launcher() + " rotate-kek kmip.bsl --key-source \"$source\" --state-dir state")
                    .ok();
            pykmip.revoke(first);
            String slots = shell(Blockseal.launcher() + " key list kmip.bsl --state-dir state")
                    .ok()
                    .out();
            assertTrue(slots.contains("version " + newer), slots);
            try (Server server = Server.serve(folder, serve)) {
                Tool.run("qemu-io", "-f", "raw", "-c", "read -P 0x5a 0 1M", uri).ok();
                assertEquals(0, server.stop(), server.log());
            }
            pykmip.revoke(newer);
            Tool.Result locked =
                    shell(source, Blockseal.launcher() + " check kmip.bsl --key-source \"$source\" --state-dir state");
            Complaint.expect(locked, 7, "Permission Denied");
        }
    }
}
