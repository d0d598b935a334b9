package io.blockseal.keysource.kmip;

import java.io.BufferedReader;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStreamWriter;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;

/**
 * PyKMIP's server with a client of its own beside it, in one process: keys are made, revoked and destroyed by that client,
 * and it deciphers what we have had enciphered.
 */
public final class PyKmip implements AutoCloseable {
    /** Debian's Python has the module; another one may come first on the path. */
    private static final Path PYTHON = Path.of("/usr/bin/python3");

    private static final Path MODULE = Path.of("/usr/lib/python3/dist-packages/kmip");

    private static final String PROGRAM = """
            import os, signal, sys, threading
            os.setpgrp()
            from kmip import enums
            from kmip.pie.client import ProxyKmipClient
            from kmip.services.server import KmipServer
            folder, port = sys.argv[1], int(sys.argv[2])
            authority, certificate, key = sys.argv[3:]
            def end():
                # The server has processes of its own, which would outlive us.
                os.killpg(0, signal.SIGKILL)
            server = KmipServer(config_path=folder + '/server.conf', log_path=folder + '/server.log')
            commands = sys.stdin
            def govern():
                try:
                    work()
                finally:
                    end()
            def work():
                client = ProxyKmipClient('127.0.0.1', port, cert=certificate, key=key, ca=authority,
                                         kmip_version=enums.KMIPVersion.KMIP_1_4)
                client.open()
                print('ready', flush=True)
                masks = [enums.CryptographicUsageMask.ENCRYPT, enums.CryptographicUsageMask.DECRYPT]
                for line in commands:
                    word, *rest = line.split()
                    answer = 'done'
                    try:
                        if word == 'create':
                            answer = client.create(enums.CryptographicAlgorithm.AES, 256, name=rest[0],
                                                   cryptographic_usage_mask=masks)
                            client.activate(answer)
                        elif word == 'revoke':
                            client.revoke(enums.RevocationReasonCode.CESSATION_OF_OPERATION, rest[0])
                        elif word == 'destroy':
                            client.destroy(rest[0])
                        elif word == 'made':
                            answer = str(client.get_attributes(rest[0], ['Initial Date'])[1][0].attribute_value.value)
                        elif word == 'decrypt':
                            parameters = {'cryptographic_algorithm': enums.CryptographicAlgorithm.AES,
                                          'block_cipher_mode': enums.BlockCipherMode[rest[1]]}
                            answer = client.decrypt(bytes.fromhex(rest[3]), uid=rest[0],
                                                    cryptographic_parameters=parameters,
                                                    iv_counter_nonce=bytes.fromhex(rest[2])).hex()
                    except Exception as failed:
                        answer = 'failed: ' + str(failed).replace('\\n', ' ')
                    print(answer, flush=True)
            try:
                server.start()
                # serve() does that as well, but perhaps after the client has come.
                server._socket.listen(5)
                threading.Thread(target=govern, daemon=True).start()
                server.serve()
            finally:
                end()
            """;

    private static final ScheduledThreadPoolExecutor WATCH = new ScheduledThreadPoolExecutor(1, task -> {
        Thread thread = new Thread(task, "pykmip-watch");
        thread.setDaemon(true);
        return thread;
    });

    private final int port;
    private final Process process;
    private final BufferedWriter commands;
    private final BufferedReader answers;

    private PyKmip(int port, Process process) {
        this.port = port;
        this.process = process;
        this.commands = new BufferedWriter(new OutputStreamWriter(process.getOutputStream(), StandardCharsets.UTF_8));
        this.answers = new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    }

    /** Whether this machine has it. */
    public static boolean isInstalled() {
        return Files.isExecutable(PYTHON) && Files.isDirectory(MODULE);
    }

    /** Starts it with its database in that folder. */
    public static PyKmip start(Path folder, KmipCertificates certificates) throws Exception {
        int port;
        try (ServerSocket free = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            port = free.getLocalPort();
        }
        Files.createDirectories(folder.resolve("policy"));
        Files.writeString(folder.resolve("server.conf"), """
                [server]
                hostname=127.0.0.1
                port=%1$d
                certificate_path=%3$s
                key_path=%4$s
                ca_path=%5$s
                auth_suite=TLS1.2
                enable_tls_client_auth=True
                policy_path=%2$s/policy
                logging_level=INFO
                database_path=%2$s/kmip.db
                """.formatted(
                        port,
                        folder,
                        certificates.server().certificate(),
                        certificates.server().key(),
                        certificates.authority().certificate()));
        Path program = Files.writeString(folder.resolve("stand.py"), PROGRAM);
        Process process = new ProcessBuilder(
                        PYTHON.toString(),
                        program.toString(),
                        folder.toString(),
                        String.valueOf(port),
                        certificates.authority().certificate().toString(),
                        certificates.client().certificate().toString(),
                        certificates.client().key().toString())
                .redirectError(folder.resolve("errors").toFile())
                .start();
        PyKmip started = new PyKmip(port, process);
        String first = started.answer();
        if (!"ready".equals(first)) {
            started.close();
            throw new IOException("PyKMIP did not start: " + first + Files.readString(folder.resolve("errors")));
        }
        return started;
    }

    /** Its next line; null if none comes. */
    private String answer() throws IOException {
        ScheduledFuture<?> patience = WATCH.schedule(this::kill, 30, TimeUnit.SECONDS);
        try {
            return answers.readLine();
        } finally {
            patience.cancel(false);
        }
    }

    private void kill() {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
    }

    /** Where it listens, on loopback. */
    public int port() {
        return port;
    }

    private synchronized String tell(String line) throws IOException {
        commands.write(line);
        commands.newLine();
        commands.flush();
        String answer = answer();
        if (answer == null || answer.startsWith("failed")) {
            throw new IOException(line + ": " + answer);
        }
        return answer;
    }

    /** Makes an active AES key of 256 bits; returns its Unique Identifier. */
    public String create(String name) throws IOException {
        return tell("create " + name);
    }

    /** Makes one that is newer than {@code older}, in the server's whole seconds. */
    public String createAfter(String name, String older) throws IOException {
        while (true) {
            String made = create(name);
            if (!made(made).equals(made(older))) {
                return made;
            }
            revoke(made);
            destroy(made);
        }
    }

    private String made(String id) throws IOException {
        return tell("made " + id);
    }

    /** Takes a key out of use. */
    public void revoke(String id) throws IOException {
        tell("revoke " + id);
    }

    void destroy(String id) throws IOException {
        tell("destroy " + id);
    }

    /** What PyKMIP's client has deciphered, by a mode without a tag. */
    byte[] decrypt(String id, String mode, byte[] iv, byte[] ciphertext) throws IOException {
        HexFormat hex = HexFormat.of();
        return hex.parseHex(
                tell("decrypt " + id + " " + mode + " " + hex.formatHex(iv) + " " + hex.formatHex(ciphertext)));
    }

    @Override
    public void close() throws IOException {
        commands.close();
        try {
            if (!process.waitFor(10, TimeUnit.SECONDS)) {
                kill();
            }
        } catch (InterruptedException interrupted) {
            kill();
            Thread.currentThread().interrupt();
        }
    }
}
