package io.blockseal.shim;

import com.kenai.jffi.CallContext;
import com.kenai.jffi.Invoker;
import com.kenai.jffi.Library;
import com.kenai.jffi.Type;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * A shared library of somebody else's, whose functions take and return numbers of one machine word: addresses and
 * lengths. Once opened it stays in the process. From any thread; what its functions do to memory is between them and the
 * caller, who keeps every {@link OffHeap} alive during the call.
 */
public final class ForeignLibrary {
    /** As many arguments as a call may have; a sixth may arrive as garbage (docs/decisions/0002). */
    public static final int ARGUMENTS_MAX = 5;

    private static final CallContext[] CONTEXTS = contexts();

    private final Library library;

    private ForeignLibrary(Library library) {
        this.library = library;
    }

    /**
     * Loads it, which runs code of it; its names are seen by nobody else.
     *
     * @throws IOException with the words of the system's loader
     */
    public static ForeignLibrary open(Path path) throws IOException {
        Library library = Library.openLibrary(path.toString(), Library.NOW | Library.LOCAL);
        if (library == null) {
            throw new IOException(Library.getLastError());
        }
        return new ForeignLibrary(library);
    }

    /**
     * The address of a function.
     *
     * @throws IOException if the library has none of that name
     */
    public long function(String name) throws IOException {
        long address = library.getSymbolAddress(name);
        if (address == 0) {
            throw new IOException("it has no function " + name);
        }
        return address;
    }

    /** Calls the function at that address. */
    public static long call(long function, long... arguments) {
        if (function == 0) {
            throw new IllegalArgumentException("no function");
        }
        Invoker invoker = Invoker.getInstance();
        CallContext context = CONTEXTS[arguments.length];
        long[] a = Arrays.copyOf(arguments, ARGUMENTS_MAX);
        return switch (arguments.length) {
            case 0 -> invoker.invokeN0(context, function);
            case 1 -> invoker.invokeN1(context, function, a[0]);
            case 2 -> invoker.invokeN2(context, function, a[0], a[1]);
            case 3 -> invoker.invokeN3(context, function, a[0], a[1], a[2]);
            case 4 -> invoker.invokeN4(context, function, a[0], a[1], a[2], a[3]);
            default -> invoker.invokeN5(context, function, a[0], a[1], a[2], a[3], a[4]);
        };
    }

    private static CallContext[] contexts() {
        CallContext[] contexts = new CallContext[ARGUMENTS_MAX + 1];
        for (int count = 0; count <= ARGUMENTS_MAX; count++) {
            Type[] words = new Type[count];
            Arrays.fill(words, Type.SINT64);
            contexts[count] = new CallContext(Type.SINT64, words);
        }
        return contexts;
    }
}
