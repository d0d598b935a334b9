package io.blockseal.app.tls;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.tending.Polling;
import io.blockseal.config.TlsConfig;
import io.blockseal.crypto.KeyArena;
import io.blockseal.crypto.Secret;
import io.blockseal.keysource.FileTrouble;
import io.blockseal.keysource.KeySourceException;
import io.blockseal.keysource.rest.TlsFiles;
import io.blockseal.metrics.TlsFigures;
import io.blockseal.server.Protection;
import io.blockseal.server.tls.CertificateTls;
import io.blockseal.server.tls.Credentials;
import io.blockseal.server.tls.PskMeans;
import io.blockseal.server.tls.TlsEndpoint;
import io.blockseal.server.tls.TlsMode;
import io.blockseal.volume.metadata.RetryTimer;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.PrivateKey;
import java.security.cert.CertificateExpiredException;
import java.security.cert.CertificateNotYetValidException;
import java.security.cert.X509Certificate;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The files with what TLS is done with: read at the start, and again whenever one of them changes. What cannot be used is
 * told and leaves in force what was there before; connections that are open are never touched.
 */
public final class ServedTls {
    private static final Logger LOG = LoggerFactory.getLogger(ServedTls.class);
    private static final int LOOK_SECONDS = 10;
    private static final String FOR_SERVERS = "1.3.6.1.5.5.7.3.1";
    private static final String FOR_EVERYTHING = "2.5.29.37.0";

    private static final int HANDSHAKE_THREADS =
            Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
    private static final int HANDSHAKES_WAITING_MAX = 4096;

    private final TlsConfig config;
    private final KeyArena arena;
    private final ServedKeys keys;
    private final TlsEndpoint endpoint;
    /** What the files looked like when they were last read, and whether they could be used. */
    private String seen;

    private String trouble = "";

    private ServedTls(TlsConfig config, TlsFigures figures, KeyArena arena)
            throws KeySourceException, GeneralSecurityException, IOException {
        this.config = config;
        this.keys = new ServedKeys(arena);
        this.arena = arena;
        this.seen = look(config);
        Credentials first = read();
        CertificateTls certificate = first.certificate();
        if (certificate != null) {
            LOG.info("tls: certificates by {}", certificate.library().word());
        }
        this.endpoint = new TlsEndpoint(first, figures, handshakes());
    }

    /**
     * What the configuration names; null if that is nothing. Pre-shared keys are kept in the arena.
     *
     * @param fromFile whether it stands in a file, and not on the command line: it is the file that is wrong then
     */
    public static @Nullable ServedTls open(TlsConfig config, TlsFigures figures, KeyArena arena, boolean fromFile)
            throws CommandException {
        if (!config.hasCredentials() || config.mode() == TlsConfig.Mode.OFF) {
            return null;
        }
        try {
            return new ServedTls(config, figures, arena);
        } catch (KeySourceException | GeneralSecurityException | IOException wrong) {
            throw refused(wrong, fromFile);
        }
    }

    /**
     * Whether what a configuration file names can be used; nothing of it is kept.
     *
     * @return the names of the pre-shared keys
     */
    public static Set<String> tryOut(TlsConfig config, KeyArena arena) throws CommandException {
        if (config.mode() == TlsConfig.Mode.OFF) {
            return Set.of();
        }
        try {
            if (config.certificate() != null) {
                readCertificate(config);
            }
            Path pskFile = config.pskFile();
            if (pskFile == null) {
                return Set.of();
            }
            Map<String, Secret> keys = PskFile.read(pskFile, arena);
            keys.values().forEach(Secret::close);
            return Set.copyOf(keys.keySet());
        } catch (KeySourceException | GeneralSecurityException | IOException wrong) {
            throw refused(wrong, true);
        }
    }

    private static CommandException refused(Exception wrong, boolean fromFile) {
        return new CommandException(
                fromFile ? ExitCode.CONFIG : ExitCode.USAGE,
                "TLS cannot be set up: " + words(wrong) + "\n  Mend it, or leave TLS out ("
                        + (fromFile ? "tls: mode: off" : "--tls-mode off") + ").",
                wrong);
    }

    private static String words(Exception wrong) {
        return wrong instanceof FileSystemException failed
                ? failed.getFile() + ": " + FileTrouble.words(failed)
                : String.valueOf(wrong.getMessage());
    }

    /** For the arithmetic of handshakes: a few threads that are gone when there are none, and a queue with an end. */
    private static Executor handshakes() {
        AtomicInteger number = new AtomicInteger();
        ThreadPoolExecutor threads = new ThreadPoolExecutor(
                HANDSHAKE_THREADS,
                HANDSHAKE_THREADS,
                LOOK_SECONDS,
                TimeUnit.SECONDS,
                new LinkedBlockingQueue<>(HANDSHAKES_WAITING_MAX),
                task -> {
                    Thread thread = new Thread(task, "blockseal-tls-" + number.getAndIncrement());
                    thread.setDaemon(true);
                    return thread;
                });
        threads.allowCoreThreadTimeOut(true);
        return threads;
    }

    /** What a listener of that mode has. */
    public static Protection protection(@Nullable ServedTls tls, TlsConfig.Mode mode) {
        if (tls == null || mode == TlsConfig.Mode.OFF) {
            return Protection.NONE;
        }
        TlsMode asked = mode == TlsConfig.Mode.REQUIRED ? TlsMode.REQUIRED : TlsMode.OPTIONAL;
        return new Protection(asked, tls.endpoint);
    }

    /** Looks at the files every few seconds until it is closed. */
    public AutoCloseable watch(Executor worker, RetryTimer timer) {
        return Polling.beginLater(this::lookAgain, () -> LOOK_SECONDS, worker, timer);
    }

    /** Takes the files anew if they have changed. On one thread at a time. */
    void lookAgain() {
        String now = look(config);
        if (now.equals(seen) && trouble.isEmpty()) {
            return;
        }
        try {
            endpoint.replace(read());
            LOG.info("tls: its files have changed and are taken from now on; open connections keep what they have");
            trouble = "";
        } catch (KeySourceException | GeneralSecurityException | IOException wrong) {
            String words = words(wrong);
            if (!words.equals(trouble)) {
                LOG.warn("tls: its files have changed and cannot be used, what was there before stays: {}", words);
            }
            trouble = words;
        }
        seen = now;
    }

    private static String look(TlsConfig config) {
        StringBuilder all = new StringBuilder();
        Stream.of(config.certificate(), config.key(), config.clientAuthorities(), config.pskFile())
                .filter(Objects::nonNull)
                .forEach(file -> all.append(lookAt(file)).append('\n'));
        return all.toString();
    }

    private static String lookAt(Path file) {
        try {
            return Files.readAttributes(file, "unix:dev,ino,size,lastModifiedTime,ctime,mode,uid")
                    .toString();
        } catch (IOException | UnsupportedOperationException gone) {
            return String.valueOf(gone.getMessage());
        }
    }

    /** All of it, or none: the keys are taken once there is nothing left that could be wrong. */
    private Credentials read() throws KeySourceException, GeneralSecurityException, IOException {
        CertificateTls certificate = config.certificate() == null ? null : readCertificate(config);
        Path pskFile = config.pskFile();
        if (pskFile == null) {
            return new Credentials(certificate, null);
        }
        keys.replace(PskFile.read(pskFile, arena));
        return new Credentials(certificate, new PskMeans(keys, RecordCipher.BY_THE_JDK));
    }

    private static CertificateTls readCertificate(TlsConfig config)
            throws KeySourceException, GeneralSecurityException, IOException {
        Path certificate = Objects.requireNonNull(config.certificate());
        Path key = Objects.requireNonNull(config.key());
        List<X509Certificate> chain = certificates(certificate);
        PrivateKey secret = TlsFiles.privateKey(key);
        TlsFiles.requirePair(chain.get(0), secret, certificate, key);
        warnOfDates(chain.get(0), certificate);
        warnOfUse(chain.get(0), certificate);
        Path authorities = config.clientAuthorities();
        return CertificateTls.of(
                chain, secret, authorities == null ? List.of() : certificates(authorities), config.verifyClients());
    }

    private static List<X509Certificate> certificates(Path file) throws KeySourceException {
        return TlsFiles.certificates(file).stream()
                .filter(X509Certificate.class::isInstance)
                .map(X509Certificate.class::cast)
                .toList();
    }

    /** Who has said what the certificate is for, and not that it is for servers, has made one that clients refuse. */
    private static void warnOfUse(X509Certificate ours, Path certificate) throws GeneralSecurityException {
        List<String> uses = ours.getExtendedKeyUsage();
        if (uses != null && !uses.contains(FOR_SERVERS) && !uses.contains(FOR_EVERYTHING)) {
            LOG.warn(
                    "tls: our certificate {} is not one for servers, clients will refuse it: its extendedKeyUsage lacks"
                            + " serverAuth",
                    certificate);
        }
    }

    private static void warnOfDates(X509Certificate ours, Path certificate) {
        try {
            ours.checkValidity();
        } catch (CertificateExpiredException | CertificateNotYetValidException wrong) {
            LOG.warn(
                    "tls: our certificate {} is not valid now, clients will refuse it: {}",
                    certificate,
                    wrong.getMessage());
        }
    }
}
