package io.blockseal.keysource.kmip;

import static io.blockseal.keysource.kmip.StubMessage.date;
import static io.blockseal.keysource.kmip.StubMessage.enumeration;
import static io.blockseal.keysource.kmip.StubMessage.integer;
import static io.blockseal.keysource.kmip.StubMessage.item;
import static io.blockseal.keysource.kmip.StubMessage.structure;
import static io.blockseal.keysource.kmip.StubMessage.text;

import io.blockseal.keysource.Premises.Trouble;
import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Semaphore;
import javax.crypto.Cipher;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.IvParameterSpec;
import javax.crypto.spec.SecretKeySpec;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;

/**
 * A stub of a KMIP server, written from the specification: mutual TLS, the five operations, which really encipher, and
 * whatever trouble no real server can be brought to. It speaks the versions that it is told to.
 */
final class KmipStub implements AutoCloseable {
    static final int PRE_ACTIVE = 1;
    static final int ACTIVE = 2;
    static final int DEACTIVATED = 3;

    private static final int ITEM_NOT_FOUND = 0x01;
    private static final int AUTHENTICATION_NOT_SUCCESSFUL = 0x03;
    private static final int INVALID_MESSAGE = 0x04;
    private static final int OPERATION_NOT_SUPPORTED = 0x05;
    private static final int CRYPTOGRAPHIC_FAILURE = 0x0A;
    private static final int PERMISSION_DENIED = 0x0C;
    private static final int SERVER_LIMIT_EXCEEDED = 0x3A;
    private static final int GENERAL_FAILURE = 0x100;

    /** A key of the stub, which a test may change at any time. */
    static final class Key {
        final byte[] bytes = new byte[32];
        volatile String name;
        volatile int state = ACTIVE;
        volatile int algorithm = 3;
        volatile int lengthBits = 256;
        volatile int usage = 12;
        volatile long activated;
        volatile String replacement;

        Key(String name, long activated) {
            this.name = name;
            this.activated = activated;
            new SecureRandom().nextBytes(bytes);
        }
    }

    /** An answer that says that it failed. */
    private static final class Failure extends Exception {
        private static final long serialVersionUID = 1;
        final int reason;

        Failure(int reason, String words) {
            super(words);
            this.reason = reason;
        }
    }

    final Map<String, Key> keys = new LinkedHashMap<>();
    /** What was asked, one after the other: the number of the operation. */
    final List<Integer> operations = new CopyOnWriteArrayList<>();
    /** The same, byte for byte. */
    final List<byte[]> requests = new CopyOnWriteArrayList<>();
    /** Credentials that came with requests, as NAME:PASSWORD. */
    final Queue<String> credentials = new ConcurrentLinkedQueue<>();
    /** Reasons to fail with, before any operation but Discover Versions is looked at. */
    final Queue<Integer> failures = new ConcurrentLinkedQueue<>();

    volatile Trouble trouble = Trouble.NONE;
    volatile List<Integer> minorVersions = List.of(4, 3, 2, 1, 0);
    volatile boolean tellsDates = true;
    volatile boolean correlates;
    /** The time of day is a text, and the correlation value a number. */
    volatile boolean hasOddHeader;
    /** A permit for each question that has come. */
    final Semaphore heard = new Semaphore(0);

    /** What Decrypt answers if the tag does not fit: servers differ. */
    volatile int reasonOfWrongTag = CRYPTOGRAPHIC_FAILURE;

    volatile byte[] instead;

    private final SSLServerSocket listener;
    private final ExecutorService threads = Executors.newCachedThreadPool();
    private final CountDownLatch closing = new CountDownLatch(1);

    KmipStub(KmipCertificates certificates) throws Exception {
        listener = (SSLServerSocket) certificates
                .context()
                .getServerSocketFactory()
                .createServerSocket(0, 50, InetAddress.getLoopbackAddress());
        listener.setNeedClientAuth(true);
        threads.submit(this::accept);
    }

    int port() {
        return listener.getLocalPort();
    }

    Key key(String id, String name, long activated) {
        Key key = new Key(name, activated);
        synchronized (keys) {
            keys.put(id, key);
        }
        return key;
    }

    private void accept() {
        try {
            while (true) {
                SSLSocket socket = (SSLSocket) listener.accept();
                threads.submit(() -> serve(socket));
            }
        } catch (IOException closed) {
            // By close().
        }
    }

    private void serve(SSLSocket socket) {
        try (socket) {
            // Without this the second of two small pieces waits 40 ms for the receipt of the first.
            socket.setTcpNoDelay(true);
            DataInputStream in = new DataInputStream(socket.getInputStream());
            OutputStream out = socket.getOutputStream();
            while (true) {
                byte[] header = new byte[8];
                in.readFully(header);
                byte[] request =
                        Arrays.copyOf(header, 8 + ByteBuffer.wrap(header).getInt(4));
                in.readFully(request, 8, request.length - 8);
                requests.add(request);
                heard.release();
                byte[] answer = answer(StubMessage.parse(ByteBuffer.wrap(request)));
                switch (trouble) {
                    case SILENT -> closing.await();
                    case HALF_AN_ANSWER -> {
                        out.write(answer, 0, answer.length / 2);
                        out.flush();
                        closing.await();
                    }
                    case HANGS_UP -> {
                        out.write(answer, 0, answer.length / 2);
                        return;
                    }
                    case NONSENSE -> out.write("HTTP/1.1 400 Bad Request\r\n\r\n".getBytes());
                    default -> out.write(instead == null ? answer : instead);
                }
                out.flush();
            }
        } catch (IOException gone) {
            // The client has hung up.
        } catch (InterruptedException ended) {
            Thread.currentThread().interrupt();
        }
    }

    private byte[] answer(StubMessage request) {
        StubMessage header = request.at(0x420077);
        int minor = header.at(0x420069, 0x42006B).number();
        StubMessage batchItem = request.at(0x42000F);
        int operation = batchItem.at(0x42005C).number();
        operations.add(operation);
        StubMessage credential = header.at(0x42000C, 0x420023, 0x420025);
        if (credential != null) {
            credentials.add(credential.at(0x420099).text() + ":"
                    + credential.at(0x4200A1).text());
        }
        byte[] status = enumeration(0x42007F, 0);
        byte[] rest;
        try {
            requireNoTrouble(operation, minor);
            rest = structure(0x42007C, payload(operation, batchItem.at(0x420079)));
        } catch (Failure failure) {
            status = enumeration(0x42007F, 1);
            byte[] reason = enumeration(0x42007E, failure.reason);
            rest = joined(reason, text(0x42007D, failure.getMessage()));
        }
        return structure(
                0x42007B,
                structure(
                        0x42007A,
                        structure(
                                0x420069,
                                integer(0x42006A, 1),
                                integer(0x42006B, minorVersions.contains(minor) ? minor : minorVersions.get(0))),
                        hasOddHeader ? text(0x420092, "at noon") : date(0x420092, 1_800_000_000L + operations.size()),
                        correlation(),
                        integer(0x42000D, 1)),
                structure(0x42000F, enumeration(0x42005C, operation), status, rest));
    }

    private byte[] correlation() {
        if (hasOddHeader) {
            return integer(0x420106, 7);
        }
        return correlates ? text(0x420106, "conversation-" + operations.size()) : new byte[0];
    }

    private void requireNoTrouble(int operation, int minor) throws Failure {
        if (!minorVersions.contains(minor)) {
            throw new Failure(INVALID_MESSAGE, "KMIP 1." + minor + " is not supported");
        }
        Trouble now = trouble;
        if (now == Trouble.UNAUTHENTICATED) {
            throw new Failure(AUTHENTICATION_NOT_SUCCESSFUL, "who are you?");
        }
        if (operation == 0x1E) {
            return;
        }
        Integer failure = failures.poll();
        if (failure != null) {
            throw new Failure(failure, "as the test says");
        }
        boolean once = now == Trouble.THROTTLED_ONCE || now == Trouble.BROKEN_ONCE;
        if (once) {
            trouble = Trouble.NONE;
        }
        switch (now) {
            case THROTTLED, THROTTLED_ONCE -> throw new Failure(SERVER_LIMIT_EXCEEDED, "too many at once");
            case BROKEN, BROKEN_ONCE -> throw new Failure(GENERAL_FAILURE, "look into the log");
            case FORBIDDEN -> throw new Failure(PERMISSION_DENIED, "not for you");
            default -> {
                // The others are not of this place.
            }
        }
    }

    private byte[] payload(int operation, StubMessage payload) throws Failure {
        try {
            return switch (operation) {
                case 0x08 -> locate(payload);
                case 0x0B -> attributes(payload);
                case 0x1E -> versions();
                case 0x1F -> encrypt(payload);
                case 0x20 -> decrypt(payload);
                default -> throw new Failure(OPERATION_NOT_SUPPORTED, "operation " + operation);
            };
        } catch (GeneralSecurityException broken) {
            throw new Failure(GENERAL_FAILURE, broken.toString());
        }
    }

    private byte[] versions() {
        return joined(minorVersions.stream()
                .map(minor -> structure(0x420069, integer(0x42006A, 1), integer(0x42006B, minor)))
                .toArray(byte[][]::new));
    }

    private byte[] locate(StubMessage payload) {
        int max = payload.at(0x42004F).number();
        String name = null;
        Integer state = null;
        for (StubMessage each : payload.all(0x420008)) {
            switch (each.at(0x42000A).text()) {
                case "Name" -> name = each.at(0x42000B, 0x420055).text();
                case "State" -> state = each.at(0x42000B).number();
                default -> {
                    // All its keys are symmetric.
                }
            }
        }
        List<byte[]> found = new ArrayList<>();
        synchronized (keys) {
            for (Map.Entry<String, Key> each : keys.entrySet()) {
                Key key = each.getValue();
                if (key.name.equals(name) && (state == null || key.state == state) && found.size() < max) {
                    found.add(text(0x420094, each.getKey()));
                }
            }
        }
        return joined(found.toArray(byte[][]::new));
    }

    private Key key(StubMessage payload) throws Failure {
        synchronized (keys) {
            Key key = keys.get(payload.at(0x420094).text());
            if (key == null) {
                throw new Failure(ITEM_NOT_FOUND, "no such object");
            }
            return key;
        }
    }

    private byte[] attributes(StubMessage payload) throws Failure {
        Key key = key(payload);
        List<byte[]> found = new ArrayList<>();
        found.add(text(0x420094, payload.at(0x420094).text()));
        for (StubMessage each : payload.all(0x42000A)) {
            byte[] value =
                    switch (each.text()) {
                        case "State" -> enumeration(0x42000B, key.state);
                        case "Cryptographic Algorithm" -> enumeration(0x42000B, key.algorithm);
                        case "Cryptographic Length" -> integer(0x42000B, key.lengthBits);
                        case "Cryptographic Usage Mask" -> integer(0x42000B, key.usage);
                        case "Activation Date" -> tellsDates ? date(0x42000B, key.activated) : null;
                        case "Link" ->
                            key.replacement == null
                                    ? null
                                    : structure(
                                            0x42000B, enumeration(0x42004B, 0x106), text(0x42004C, key.replacement));
                        default -> null;
                    };
            if (value != null) {
                found.add(structure(0x420008, text(0x42000A, each.text()), value));
            }
        }
        return joined(found.toArray(byte[][]::new));
    }

    private byte[] encrypt(StubMessage payload) throws Failure, GeneralSecurityException {
        byte[] done = cipher(Cipher.ENCRYPT_MODE, payload)
                .doFinal(payload.at(0x4200C2).value());
        int tagBytes = tagBytes(payload);
        byte[] id = text(0x420094, payload.at(0x420094).text());
        byte[] data = item(0x4200C2, StubMessage.BYTES, Arrays.copyOf(done, done.length - tagBytes));
        return tagBytes == 0
                ? joined(id, data)
                : joined(
                        id,
                        data,
                        item(
                                0x4200FF,
                                StubMessage.BYTES,
                                Arrays.copyOfRange(done, done.length - tagBytes, done.length)));
    }

    private byte[] decrypt(StubMessage payload) throws Failure, GeneralSecurityException {
        Cipher cipher = cipher(Cipher.DECRYPT_MODE, payload);
        StubMessage tag = payload.at(0x4200FF);
        byte[] plain;
        try {
            plain = cipher.doFinal(joined(payload.at(0x4200C2).value(), tag == null ? new byte[0] : tag.value()));
        } catch (GeneralSecurityException wrong) {
            throw new Failure(reasonOfWrongTag, "it does not decipher");
        }
        if (trouble == Trouble.SHORT_KEY) {
            plain = Arrays.copyOf(plain, 31);
        }
        return joined(text(0x420094, payload.at(0x420094).text()), item(0x4200C2, StubMessage.BYTES, plain));
    }

    private static int tagBytes(StubMessage payload) {
        StubMessage length = payload.at(0x42002B, 0x4200CE);
        return length == null ? 0 : length.number();
    }

    private Cipher cipher(int mode, StubMessage payload) throws Failure, GeneralSecurityException {
        Key key = key(payload);
        if (key.state != ACTIVE) {
            throw new Failure(PERMISSION_DENIED, "the key is not active");
        }
        byte[] iv = payload.at(0x42003D).value();
        SecretKeySpec aes = new SecretKeySpec(key.bytes, "AES");
        int blockMode = payload.at(0x42002B, 0x420011).number();
        Cipher cipher;
        switch (blockMode) {
            case 1 -> {
                boolean unpadded = payload.at(0x42002B, 0x42005F).number() == 1;
                cipher = Cipher.getInstance(unpadded ? "AES/CBC/NoPadding" : "AES/CBC/PKCS5Padding");
                cipher.init(mode, aes, new IvParameterSpec(iv));
            }
            case 6 -> {
                cipher = Cipher.getInstance("AES/CTR/NoPadding");
                cipher.init(mode, aes, new IvParameterSpec(iv));
            }
            case 9 -> {
                cipher = Cipher.getInstance("AES/GCM/NoPadding");
                // Decrypt is given the tag, and its length by that.
                StubMessage tag = payload.at(0x4200FF);
                int bits = 8 * (tag == null ? tagBytes(payload) : tag.value().length);
                cipher.init(mode, aes, new GCMParameterSpec(bits, iv));
                cipher.updateAAD(payload.at(0x4200FE).value());
            }
            default -> throw new Failure(0x07, "mode " + blockMode);
        }
        return cipher;
    }

    private static byte[] joined(byte[]... parts) {
        int bytes = Arrays.stream(parts).mapToInt(each -> each.length).sum();
        ByteBuffer all = ByteBuffer.allocate(bytes);
        for (byte[] each : parts) {
            all.put(each);
        }
        return all.array();
    }

    @Override
    public void close() {
        closing.countDown();
        try {
            listener.close();
        } catch (IOException odd) {
            throw new UncheckedIOException(odd);
        }
        threads.shutdownNow();
    }
}
