package io.blockseal.keysource.pkcs11;

import io.blockseal.shim.ForeignLibrary;
import io.blockseal.shim.OffHeap;
import java.io.IOException;
import java.nio.file.Path;

/** The functions of a PKCS#11 module. From any thread. */
interface Functions {
    /** How they are come by. */
    @FunctionalInterface
    interface Loader {
        /** Those of the module at {@code path}. */
        Functions load(Path path) throws IOException;
    }

    /** Calls one of them, and returns what it returns: a {@code CKR_} number. */
    long call(Function function, long... arguments);

    /** Those that we call, with their places in {@code CK_FUNCTION_LIST} (PKCS#11 2.40, 3.6). */
    enum Function {
        C_Initialize(0),
        C_Finalize(1),
        C_GetSlotList(4),
        C_GetTokenInfo(6),
        C_OpenSession(12),
        C_CloseSession(13),
        C_GetSessionInfo(15),
        C_Login(18),
        C_Logout(19),
        C_GetAttributeValue(24),
        C_FindObjectsInit(26),
        C_FindObjects(27),
        C_FindObjectsFinal(28),
        C_EncryptInit(29),
        C_Encrypt(30),
        C_DecryptInit(33),
        C_Decrypt(34);

        private final int place;

        Function(int place) {
            this.place = place;
        }

        /** Where its address is in the list, which begins with a version. */
        int offset() {
            return Long.BYTES * (1 + place);
        }
    }

    /**
     * Loads a module into this process.
     *
     * @throws IOException if it cannot be, or is no module
     */
    static Functions load(Path path) throws IOException {
        ForeignLibrary library = ForeignLibrary.open(path);
        long getFunctionList = library.function("C_GetFunctionList");
        OffHeap pointer = OffHeap.allocate(Long.BYTES);
        long outcome = ForeignLibrary.call(getFunctionList, pointer.address());
        long list = pointer.getLong(0);
        if (outcome != Ckr.OK.code() || list == 0) {
            throw new IOException("it gives no list of its functions: " + "CKR 0x" + Long.toHexString(outcome));
        }
        OffHeap addresses = OffHeap.at(list, Function.C_Decrypt.offset() + Long.BYTES);
        return (function, arguments) -> ForeignLibrary.call(addresses.getLong(function.offset()), arguments);
    }
}
