package io.blockseal.transfer;

import io.blockseal.block.BlockChannel;
import io.blockseal.block.BlockDevice;
import io.blockseal.block.Errno;
import io.blockseal.block.Geometry;
import io.blockseal.block.IoLoop;
import io.blockseal.client.NbdClient;
import io.blockseal.client.NbdClientException;
import io.blockseal.client.NbdClientOptions;
import io.blockseal.client.NbdCommandException;
import io.blockseal.client.NbdSession;
import io.blockseal.client.NbdTransport;
import io.blockseal.nbd.NbdTransmissionFlags;
import io.blockseal.nbd.NbdUri;
import io.blockseal.transfer.TransferException.Kind;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * An export of some NBD server as a device: one connection, many requests under way. A server that does not offer a
 * command answers for itself: no FLUSH means that nothing has to be flushed, no BLOCK_STATUS that all is data.
 */
public final class NbdDevice implements BlockDevice, AutoCloseable {
    private static final int CONNECT_SECONDS = 30;

    private final NbdClient client;
    private final NbdSession session;
    private final Geometry geometry;
    private volatile String trouble = "";

    private NbdDevice(NbdClient client) {
        this.client = client;
        this.session = client.session();
        this.geometry = new Geometry(
                session.sizeBytes(),
                session.blockSizes().minimum(),
                Math.max(4096, session.blockSizes().preferred()),
                session.has(NbdTransmissionFlags.READ_ONLY),
                session.has(NbdTransmissionFlags.SEND_TRIM),
                session.has(NbdTransmissionFlags.SEND_FAST_ZERO),
                session.has(NbdTransmissionFlags.CAN_MULTI_CONN));
    }

    /** Connects, and waits until it is connected. */
    public static NbdDevice connect(NbdTransport transport, NbdUri uri) throws TransferException {
        try {
            NbdClient client =
                    NbdClient.connect(transport, uri, NbdClientOptions.DEFAULT).get(CONNECT_SECONDS, TimeUnit.SECONDS);
            NbdDevice device = new NbdDevice(client);
            if (device.geometry.sizeBytes() < 0 || device.geometry.minimumBlockBytes() > 4096) {
                device.close();
                throw new TransferException(
                        Kind.REFUSED,
                        uri + ": an export of " + Long.toUnsignedString(device.geometry.sizeBytes())
                                + " bytes in blocks of " + device.geometry.minimumBlockBytes()
                                + " is more than can be copied.");
            }
            return device;
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
            throw new TransferException(Kind.REFUSED, uri + ": interrupted while connecting.", interrupted);
        } catch (ExecutionException | TimeoutException failed) {
            throw new TransferException(
                    Kind.REFUSED,
                    uri + ": cannot be opened: " + words(failed)
                            + ".\n  Is its server running, and does it have an export of that name?",
                    failed);
        }
    }

    private static String words(Throwable failed) {
        if (failed instanceof TimeoutException) {
            return "the server does not answer";
        }
        Throwable cause = rootOf(failed);
        String words = String.valueOf(cause.getMessage());
        Throwable below = cause.getCause();
        return cause instanceof NbdClientException && below != null && below.getMessage() != null
                ? words + " (" + below.getMessage() + ")"
                : words;
    }

    private static Throwable rootOf(Throwable failed) {
        Throwable cause = failed;
        while ((cause instanceof ExecutionException || cause instanceof CompletionException)
                && cause.getCause() != null) {
            cause = cause.getCause();
        }
        return cause;
    }

    @Override
    public Geometry geometry() {
        return geometry;
    }

    @Override
    public BlockChannel openChannel(IoLoop loop) {
        return new NbdChannel(this, loop);
    }

    /** Whether the server has a command that writes zeros. */
    public boolean zeroes() {
        return session.has(NbdTransmissionFlags.SEND_WRITE_ZEROES);
    }

    /** What the server said of the last failure, or what became of the connection; often empty. From any thread. */
    public String trouble() {
        return trouble;
    }

    NbdClient client() {
        return client;
    }

    boolean flushes() {
        return session.has(NbdTransmissionFlags.SEND_FLUSH);
    }

    /** Whether the server tells data from holes. */
    public boolean tellsExtents() {
        return !session.contexts().isEmpty();
    }

    /** The number for a failure, which is remembered in words. */
    Errno failed(Throwable failure) {
        Throwable cause = rootOf(failure);
        if (cause instanceof NbdCommandException answered) {
            trouble = answered.serverText();
            return Errno.fromSystem(answered.error().code());
        }
        trouble = words(cause);
        return Errno.EIO;
    }

    /** Says good-bye; waits a moment for the answer. */
    @Override
    public void close() {
        try {
            client.disconnect().get(CONNECT_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException interrupted) {
            Thread.currentThread().interrupt();
        } catch (ExecutionException | TimeoutException gone) {
            // Whatever mattered was flushed before.
            client.close();
        }
    }
}
