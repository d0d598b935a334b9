package io.blockseal.app.verb;

import io.blockseal.app.console.CommandException;
import io.blockseal.app.console.ExitCode;
import io.blockseal.app.transfer.TransferEnds;
import io.blockseal.control.ArgumentException;
import io.blockseal.control.Arguments;
import io.blockseal.transfer.TransferOptions;
import io.blockseal.volume.Volume;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;

/** What {@code import} and {@code export} are told alike: the end that is not the volume, and how to copy. */
public final class TransferArguments {
    /** The other end: an absolute path, or an address. */
    public static final String SOURCE = "source";
    /** Likewise, of an export. */
    public static final String TARGET = "target";
    /** Its format; raw, if it is not named. */
    public static final String FORMAT = "format";
    /** Which file it is for the caller, or which directory if it is yet to be made: see {@link #place}. */
    public static final String PLACE = "place";
    /** What the caller calls it, if that is something else. */
    public static final String OTHER_CALLED = "otherCalled";
    /** Writes over what the target holds. */
    public static final String FORCE = "force";
    /** Goes on where the copy was interrupted. */
    public static final String RESUME = "resume";
    /** Does not read everything back. */
    public static final String NO_VERIFY = "noVerify";

    /** Jobs that read or write a whole volume exclude each other. */
    static final String DATA_CLAIM = "data";

    private TransferArguments() {}

    /** As a daemon, which stands in another directory, finds it: without links that could lead it elsewhere. */
    public static String absolute(String text) {
        if (TransferEnds.isAddress(text) || TransferEnds.isStandardOutput(text)) {
            return text;
        }
        Path path = Path.of(text).toAbsolutePath();
        try {
            return path.toRealPath().toString();
        } catch (IOException notYet) {
            return inRealFolder(path).toString();
        }
    }

    private static Path inRealFolder(Path path) {
        Path folder = path.getParent();
        Path name = path.getFileName();
        try {
            return folder == null || name == null ? path : folder.toRealPath().resolve(name);
        } catch (IOException missing) {
            return path.normalize();
        }
    }

    /**
     * Which file or directory a path leads to, as two processes see it that may have different ones by the same name (a
     * container, PrivateTmp); null if there is none, or it is an address.
     */
    public static @Nullable String place(String text) {
        if (TransferEnds.isAddress(text) || TransferEnds.isStandardOutput(text)) {
            return null;
        }
        Path path = Path.of(text).toAbsolutePath();
        Path there = Files.exists(path) ? path : path.getParent();
        try {
            return there == null
                    ? null
                    : Files.getAttribute(there, "unix:dev") + ":" + Files.getAttribute(there, "unix:ino");
        } catch (IOException | UnsupportedOperationException unknown) {
            return null;
        }
    }

    /** The other end that a call names. */
    static String end(Arguments arguments, String name) throws ArgumentException, CommandException {
        String text = arguments.requireText(name);
        if (TransferEnds.isStandardOutput(text)) {
            throw new CommandException(
                    ExitCode.USAGE,
                    "standard output would be the daemon's. Name a file, or read the volume as a client does:"
                            + " blockseal export nbd+unix:///EXPORT?socket=SOCKET -");
        }
        if (!TransferEnds.isAddress(text) && !text.startsWith("/")) {
            throw new ArgumentException("'" + name + "' is neither an absolute path nor an address; "
                    + "it would be in the daemon's directory: " + text);
        }
        String place = arguments.text(PLACE);
        if (place != null && !place.equals(place(text))) {
            throw new CommandException(
                    ExitCode.FAILURE,
                    text + ": what the daemon finds there is something else than what you do: it runs with other"
                            + " directories (a container, PrivateTmp).\n  Name a place that both have, or copy as a client"
                            + " does, with nbd+unix:///EXPORT?socket=SOCKET in the place of the volume.");
        }
        return text;
    }

    static String format(Arguments arguments) throws ArgumentException {
        String format = arguments.text(FORMAT);
        return format == null ? TransferEnds.RAW : format;
    }

    static String called(Arguments arguments, String end) throws ArgumentException {
        String called = arguments.text(OTHER_CALLED);
        return called == null ? end : called;
    }

    /** How to copy. */
    static TransferOptions options(Arguments arguments) throws ArgumentException {
        boolean resume = arguments.flag(RESUME);
        boolean force = arguments.flag(FORCE);
        if (resume && force) {
            throw new ArgumentException(
                    "'" + RESUME + "' goes on and '" + FORCE + "' starts over; there cannot be both");
        }
        return TransferOptions.DEFAULT.resuming(resume).forced(force).verifying(!arguments.flag(NO_VERIFY));
    }

    /** Requests of a copy would wait with those of the guests. */
    static void requireUnlocked(String called, Volume volume) throws CommandException {
        if (volume.state() == Volume.State.LOCKED) {
            throw new CommandException(
                    ExitCode.FAILURE, called + ": is locked, and nothing can be read or written; unlock it first.");
        }
    }

    static String clients(int count) {
        return count == 1 ? "1 client has" : count + " clients have";
    }
}
