package io.blockseal.keysource.pkcs11;

import io.blockseal.keysource.pkcs11.Functions.Function;
import io.blockseal.shim.OffHeap;
import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The functions of a module with their structures (PKCS#11 2.40, on a system whose {@code unsigned long} has 64 bits). From
 * any thread, but a session is one thread's at a time.
 */
final class Cryptoki {
    /** As many bytes as AES-GCM takes for an initialisation vector without hashing it. */
    static final int IV_BYTES = 12;
    /** And as many as its tag has. */
    static final int TAG_BYTES = 16;

    private static final int SLOTS_MAX = 1024;
    private static final int OBJECTS_MAX = 16;
    private static final int ATTRIBUTE_BYTES_MAX = 256;
    private static final long NUMBER_MAX = 1 << 20;
    private static final long OS_LOCKING_OK = 2;
    /** Which every session has to be; without {@code CKF_RW_SESSION} it changes nothing. */
    private static final long SERIAL_SESSION = 4;

    private static final long USER = 1;
    private static final long RO_USER_FUNCTIONS = 1;
    private static final long AES_GCM = 0x1087;

    private final Functions functions;

    Cryptoki(Functions functions) {
        this.functions = functions;
    }

    /** Begins, for any number of threads; a second time does nothing. */
    void initialize() throws CkException {
        // Four functions for locks, of which none says that the module is to use the system's.
        OffHeap arguments = OffHeap.allocate(6 * Long.BYTES).putLong(4 * Long.BYTES, OS_LOCKING_OK);
        try {
            long code = functions.call(Function.C_Initialize, arguments.address());
            if (code != Ckr.CRYPTOKI_ALREADY_INITIALIZED.code()) {
                check(Function.C_Initialize, code);
            }
        } finally {
            Reference.reachabilityFence(arguments);
        }
    }

    /** Ends what {@link #initialize} began, with every session and login. No other call may be under way. */
    void end() throws CkException {
        long code = functions.call(Function.C_Finalize, 0);
        if (code != Ckr.CRYPTOKI_NOT_INITIALIZED.code()) {
            check(Function.C_Finalize, code);
        }
    }

    /** Tokens that are plugged in and have been set up. */
    List<TokenInfo> tokens() throws CkException {
        OffHeap count = OffHeap.allocate(Long.BYTES).putLong(0, SLOTS_MAX);
        OffHeap slots = OffHeap.allocate(SLOTS_MAX * Long.BYTES);
        call(Function.C_GetSlotList, 1, slots.address(), count.address());
        List<TokenInfo> tokens = new ArrayList<>();
        for (int i = 0; i < Math.min(count.getLong(0), SLOTS_MAX); i++) {
            OffHeap info = OffHeap.allocate(TokenInfo.BYTES);
            long slot = slots.getLong(i * Long.BYTES);
            long code = functions.call(Function.C_GetTokenInfo, slot, info.address());
            // One that has just been pulled out, or that is none of this module's, is no reason not to see the others.
            if (code == Ckr.OK.code()) {
                TokenInfo token = TokenInfo.of(slot, info);
                if (token.isInitialized()) {
                    tokens.add(token);
                }
            }
        }
        return tokens;
    }

    long openSession(long slot) throws CkException {
        OffHeap session = OffHeap.allocate(Long.BYTES);
        call(Function.C_OpenSession, slot, SERIAL_SESSION, 0, 0, session.address());
        return session.getLong(0);
    }

    /** Closes it; if it is gone already, that is as good. */
    void closeSession(long session) {
        functions.call(Function.C_CloseSession, session);
    }

    /**
     * Logs the whole process in, with all its sessions on that token. The PIN is the caller's to wipe.
     *
     * @return whether the token has looked at the PIN; it does not if it says that we are logged in already
     */
    boolean login(long session, byte[] pin) throws CkException {
        OffHeap text = OffHeap.allocate(pin.length).put(0, pin);
        try {
            long code = functions.call(Function.C_Login, session, USER, text.address(), pin.length);
            if (code == Ckr.USER_ALREADY_LOGGED_IN.code()) {
                return false;
            }
            check(Function.C_Login, code);
            return true;
        } finally {
            text.wipe();
        }
    }

    /** Logs the whole process out; if it is so already, that is as good. */
    void logout(long session) throws CkException {
        long code = functions.call(Function.C_Logout, session);
        if (code != Ckr.USER_NOT_LOGGED_IN.code()) {
            check(Function.C_Logout, code);
        }
    }

    /** Whether a session sees what only the user sees. */
    boolean isLoggedIn(long session) throws CkException {
        OffHeap info = OffHeap.allocate(4 * Long.BYTES);
        call(Function.C_GetSessionInfo, session, info.address());
        return info.getLong(Long.BYTES) == RO_USER_FUNCTIONS;
    }

    /** Objects that have those attributes; of very many, some. */
    List<Long> find(long session, Template template) throws CkException {
        OffHeap array = template.memory();
        OffHeap found = OffHeap.allocate(OBJECTS_MAX * Long.BYTES);
        OffHeap count = OffHeap.allocate(Long.BYTES);
        List<Long> objects = new ArrayList<>();
        try {
            call(Function.C_FindObjectsInit, session, array.address(), template.count());
        } finally {
            Reference.reachabilityFence(array);
            Reference.reachabilityFence(template);
        }
        do {
            call(Function.C_FindObjects, session, found.address(), OBJECTS_MAX, count.address());
            for (int i = 0; i < Math.min(count.getLong(0), OBJECTS_MAX); i++) {
                objects.add(found.getLong(i * Long.BYTES));
            }
        } while (count.getLong(0) > 0 && objects.size() < OBJECTS_MAX);
        call(Function.C_FindObjectsFinal, session);
        return objects;
    }

    /** An attribute of an object, which may be empty. */
    byte[] attribute(long session, long object, long type) throws CkException {
        OffHeap value = OffHeap.allocate(ATTRIBUTE_BYTES_MAX);
        OffHeap attribute = OffHeap.allocate(Template.ATTRIBUTE_BYTES)
                .putLong(0, type)
                .putLong(Long.BYTES, value.address())
                .putLong(2 * Long.BYTES, value.length());
        call(Function.C_GetAttributeValue, session, object, attribute.address(), 1);
        long length = attribute.getLong(2 * Long.BYTES);
        if (length < 0 || length > value.length()) {
            throw new CkException(Function.C_GetAttributeValue, "an attribute of " + length + " bytes");
        }
        return value.get(0, (int) length);
    }

    /** Whether a {@code CK_BBOOL} is set. */
    boolean flag(long session, long object, long type) throws CkException {
        return Arrays.equals(attribute(session, object, type), new byte[] {1});
    }

    /** A {@code CK_ULONG}. */
    long number(long session, long object, long type) throws CkException {
        byte[] value = attribute(session, object, type);
        if (value.length != Long.BYTES) {
            throw new CkException(Function.C_GetAttributeValue, "a number of " + value.length + " bytes");
        }
        long number = ByteBuffer.wrap(value).order(ByteOrder.nativeOrder()).getLong();
        if (number < 0 || number > NUMBER_MAX) {
            throw new CkException(Function.C_GetAttributeValue, "the number " + number);
        }
        return number;
    }

    /**
     * AES-GCM of all of {@code plain}: as many bytes and a tag.
     *
     * @param iv the one to use; afterwards the one that was used, as some tokens insist on one of their own
     * @return how many bytes there are in {@code out}
     */
    int encrypt(long session, long key, OffHeap iv, OffHeap aad, OffHeap plain, OffHeap out) throws CkException {
        return gcm(Function.C_EncryptInit, Function.C_Encrypt, session, key, iv, aad, plain, out);
    }

    /** The other way; {@code ciphered} ends with the tag. */
    int decrypt(long session, long key, OffHeap iv, OffHeap aad, OffHeap ciphered, OffHeap out) throws CkException {
        return gcm(Function.C_DecryptInit, Function.C_Decrypt, session, key, iv, aad, ciphered, out);
    }

    private int gcm(
            Function init, Function work, long session, long key, OffHeap iv, OffHeap aad, OffHeap in, OffHeap out)
            throws CkException {
        OffHeap parameters = OffHeap.allocate(6 * Long.BYTES)
                .putLong(0, iv.address())
                .putLong(Long.BYTES, iv.length())
                .putLong(2 * Long.BYTES, (long) iv.length() * Byte.SIZE)
                .putLong(3 * Long.BYTES, aad.address())
                .putLong(4 * Long.BYTES, aad.length())
                .putLong(5 * Long.BYTES, TAG_BYTES * Byte.SIZE);
        OffHeap mechanism = OffHeap.allocate(3 * Long.BYTES)
                .putLong(0, AES_GCM)
                .putLong(Long.BYTES, parameters.address())
                .putLong(2 * Long.BYTES, parameters.length());
        OffHeap length = OffHeap.allocate(Long.BYTES).putLong(0, out.length());
        try {
            call(init, session, mechanism.address(), key);
            call(work, session, in.address(), in.length(), out.address(), length.address());
        } finally {
            // What they point at has to be there until the work is done, not only for the call that names it.
            List.of(parameters, mechanism, iv, aad, in).forEach(Reference::reachabilityFence);
        }
        long written = length.getLong(0);
        if (written < 0 || written > out.length()) {
            throw new CkException(work, written + " bytes where there is room for " + out.length());
        }
        return (int) written;
    }

    private void call(Function function, long... arguments) throws CkException {
        check(function, functions.call(function, arguments));
    }

    private static void check(Function function, long code) throws CkException {
        if (code != Ckr.OK.code()) {
            throw new CkException(function, code);
        }
    }
}
