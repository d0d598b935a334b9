package io.blockseal.app.console;

import io.netty.channel.unix.Errors.NativeIoException;
import java.io.IOException;
import java.net.BindException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** Why an address cannot be listened on, from what the system said to words for whoever named the address. */
public final class ListenRefusal {
    private static final int EPERM = 1;
    private static final int ENOENT = 2;
    private static final int EACCES = 13;
    private static final int ENOTDIR = 20;
    private static final int EROFS = 30;
    private static final int EAFNOSUPPORT = 97;
    private static final int EADDRINUSE = 98;
    private static final int EADDRNOTAVAIL = 99;
    /** Of an exception that carries no number. */
    private static final int UNKNOWN = 0;

    private ListenRefusal() {}

    /** Of a TCP address; {@code intent} is what was to be done there, as in "cannot listen on 127.0.0.1:80". */
    public static CommandException ofTcp(String intent, IOException refused) {
        return switch (errno(refused)) {
            case EADDRINUSE ->
                new CommandException(
                        ExitCode.IN_USE,
                        intent
                                + ": the address is taken\n  Is another daemon running there? `ss -ltnp` shows who has it;"
                                + " stop that, or choose another port. 0.0.0.0 and [::] have the port of every address.",
                        refused);
            case EACCES, EPERM ->
                failure(
                        intent
                                + ": the system does not permit it\n  Ports below 1024 need a right of their own: choose a"
                                + " higher one, or have systemd open it (socket-activation).",
                        refused);
            case EADDRNOTAVAIL ->
                failure(
                        intent + ": this host has no such address\n  `ip address` shows those that it has; 0.0.0.0 is"
                                + " every one of IPv4, [::] of IPv6.",
                        refused);
            case EAFNOSUPPORT ->
                failure(intent + ": this host has no IPv6\n  Name an address of IPv4, such as 0.0.0.0.", refused);
            default -> failure(intent + ": " + words(refused), refused);
        };
    }

    /** Likewise, of a unix socket at {@code path}. */
    public static CommandException ofUnix(String intent, Path path, IOException refused) {
        Path folder = path.toAbsolutePath().getParent();
        return switch (errno(refused)) {
            case ENOENT, ENOTDIR ->
                failure(intent + ": there is no folder " + folder + "\n  Make it, or choose another place.", refused);
            case EACCES, EPERM, EROFS ->
                failure(
                        intent + ": this user may not make a file in " + folder
                                + "\n  Choose another place, or give the"
                                + " folder to the user that the daemon runs as.",
                        refused);
            default ->
                refused instanceof BindException
                        ? new CommandException(ExitCode.IN_USE, intent + ": " + refused.getMessage(), refused)
                        : failure(intent + ": " + words(refused), refused);
        };
    }

    private static CommandException failure(String message, IOException refused) {
        return new CommandException(ExitCode.FAILURE, message, refused);
    }

    /** Whether somebody has the address. */
    public static boolean isTaken(IOException refused) {
        return errno(refused) == EADDRINUSE;
    }

    private static int errno(IOException refused) {
        for (@Nullable Throwable each = refused; each != null; each = each.getCause()) {
            if (each instanceof NativeIoException told) {
                return -told.expectedErr();
            }
            if (each instanceof NoSuchFileException) {
                return ENOENT;
            }
            if (each instanceof AccessDeniedException) {
                return EACCES;
            }
        }
        return UNKNOWN;
    }

    /** Of Netty's without the call and its number, which come first. */
    private static String words(IOException refused) {
        String message = String.valueOf(refused.getMessage());
        int colon = message.lastIndexOf(": ");
        return errno(refused) == UNKNOWN || colon < 0 ? message : message.substring(colon + 2);
    }
}
