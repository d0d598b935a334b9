package io.blockseal.server;

import java.io.IOException;
import java.net.BindException;
import java.net.ConnectException;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The file of a listening unix socket: made with its final rights under another name and then put in place, so that
 * nobody can connect in between; one that a dead daemon left behind is replaced, one of a living daemon is not.
 */
public final class UnixSocketFile {
    private final Path path;
    private final Set<PosixFilePermission> permissions;
    private @Nullable Object fileKey;

    /** A socket to be put at {@code path}. */
    public UnixSocketFile(Path path, Set<PosixFilePermission> permissions) {
        this.path = path.toAbsolutePath();
        this.permissions = Set.copyOf(permissions);
    }

    /** Where clients find it. */
    public Path path() {
        return path;
    }

    /** Where to bind at first. */
    public Path temporaryPath() {
        // Short: the whole path of a unix socket may have 107 bytes.
        return path.resolveSibling("." + Long.toString(ProcessHandle.current().pid(), 36));
    }

    /**
     * Checks that the place is free or held by nobody alive.
     *
     * @throws BindException if somebody listens there, or something else than a socket lies there
     * @throws NoSuchFileException if there is no such folder
     */
    public void requireFree() throws IOException {
        Path folder = path.getParent();
        if (folder != null && (Files.notExists(folder) || (Files.exists(folder) && !Files.isDirectory(folder)))) {
            throw new NoSuchFileException(folder.toString(), null, "there is no such folder");
        }
        Files.deleteIfExists(temporaryPath());
        if (!Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
            return;
        }
        BasicFileAttributes attributes =
                Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
        if (!attributes.isOther()) {
            throw new BindException("something else than a socket is there; remove it, or choose another place");
        }
        if (isListenedOn()) {
            throw new BindException(
                    "another process listens there; is it another daemon? Stop it, or choose another place");
        }
    }

    private boolean isListenedOn() {
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            return probe.connect(UnixDomainSocketAddress.of(path));
        } catch (IOException e) {
            return false;
        }
    }

    /**
     * Removes a socket that refuses whoever connects, so that its process has ended. Anything else stays: what is no
     * socket, what answers, and what this user may not even ask.
     *
     * @return whether it was removed
     */
    public boolean removeIfDead() throws IOException {
        Object before = key();
        if (before == null
                || !Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                        .isOther()) {
            return false;
        }
        try (SocketChannel probe = SocketChannel.open(StandardProtocolFamily.UNIX)) {
            probe.connect(UnixDomainSocketAddress.of(path));
            return false;
        } catch (ConnectException nobody) {
            // A new daemon puts a socket in its place that is listened on already.
            return before.equals(key()) && Files.deleteIfExists(path);
        }
    }

    /** Gives the bound socket its rights and its name. */
    public void putInPlace() throws IOException {
        Path temporary = temporaryPath();
        Files.setPosixFilePermissions(temporary, permissions);
        Files.move(temporary, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        fileKey = key();
    }

    /** Removes the file if it is still ours. */
    public void remove() throws IOException {
        if (fileKey != null && Objects.equals(fileKey, key())) {
            Files.deleteIfExists(path);
        }
    }

    private @Nullable Object key() throws IOException {
        return Files.exists(path, LinkOption.NOFOLLOW_LINKS)
                ? Files.readAttributes(path, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS)
                        .fileKey()
                : null;
    }
}
